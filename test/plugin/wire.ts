/** Property values that are more than JSON, in the protocol's form. */
import type { Json } from "./pluginClient";

const SIGNATURE = "4dabf18193072939515e22adb298388d";

/** What a plugin answers for anything unknown: the unknown string. */
export const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
export const UNKNOWN_BOOLEAN = "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7";
export const UNKNOWN_LIST = "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2";
export const UNKNOWN_OBJECT = "dd056dcd-154b-4c76-9bd3-c8f88648b5ff";

type Signed = Record<string, Json>;

export const secret = (value: Json): Signed => ({ [SIGNATURE]: "1b47061264138c4ac30d75fd1eb44270", value });
export const output = (fields: Signed): Signed => ({ [SIGNATURE]: "d0e6a833031e9bbcd3f4e8bde6ca49a4", ...fields });
export const asset = (fields: Signed): Signed => ({ [SIGNATURE]: "c44067f5952c0a294b673a41bacd8c17", ...fields });
export const archive = (fields: Signed): Signed => ({ [SIGNATURE]: "0def7320c3a5731c473e5ecbe6d01bc7", ...fields });
export const reference = (fields: Signed): Signed => ({ [SIGNATURE]: "5cf8f73096256a8f31e491e813e4eb8e", ...fields });
export const signed = (signature: string): Signed => ({ [SIGNATURE]: signature });
