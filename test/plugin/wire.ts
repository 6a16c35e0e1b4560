/** Property values that are more than JSON, in the protocol's form. */
import type { Json } from "./pluginClient";

const SIGNATURE = "4dabf18193072939515e22adb298388d";

/** What a plugin answers for anything unknown: the unknown string. */
export const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

type Signed = Record<string, Json>;

export const secret = (value: Json): Signed => ({ [SIGNATURE]: "1b47061264138c4ac30d75fd1eb44270", value });
export const output = (fields: Signed): Signed => ({ [SIGNATURE]: "d0e6a833031e9bbcd3f4e8bde6ca49a4", ...fields });
export const asset = (fields: Signed): Signed => ({ [SIGNATURE]: "c44067f5952c0a294b673a41bacd8c17", ...fields });
