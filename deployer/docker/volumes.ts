/** Files for containers: on volumes, since `docker inspect` shows everything else. */
import { createHash, randomBytes } from "node:crypto";
import { buffer } from "node:stream/consumers";
import type Docker from "dockerode";
import { pack } from "tar-stream";
import { Failure } from "../../model/failure";
import type { ContainerClaim } from "../../model/requests";
import { filesVolumeName, LABELS, USER } from "../../model/containerLayout";
import { currentFiles, labelsOf, removeContainer } from "./inventory";

const MOUNT = "volume";

/** Files for a gateway's container. */
interface FilesForGateway {
  readonly claim: ContainerClaim;
  readonly role: "config" | "secrets";
  readonly image: string;
  readonly files: Files;
  /** What else they are for. */
  readonly use: object;
}

type Files = Readonly<Record<string, string>>;

/**
 * The name of a volume with files that only the gateway's user can read: a new one, unless the gateway's container has the
 * same already. A hash of secrets helps nobody: the gateway's token is among them. A new volume that fails its `test` is removed.
 */
export async function filesVolume(
  api: Docker,
  { claim, role, image, files, use }: FilesForGateway,
  test: (volume: string) => Promise<void>,
): Promise<string> {
  const digest = createHash("sha256")
    .update(JSON.stringify([image, use, files]))
    .digest("hex");
  const current = await currentFiles(api, claim, role, digest);
  if (current !== undefined) return current;
  const name = filesVolumeName(claim.container, role, randomBytes(6).toString("hex"));
  await api.createVolume({ Name: name, Labels: { ...labelsOf(claim, role), [LABELS.digest]: digest } });
  try {
    await fill(api, { claim, name, image, mode: 0o500 }, files);
    await test(name);
    return name;
  } catch (error) {
    await api.getVolume(name).remove();
    throw error;
  }
}

interface VolumeToFill {
  readonly claim: ContainerClaim;
  readonly name: string;
  readonly image: string;
  readonly mode: number;
}

/** Gives a volume to the user: a new one belongs to root if the image has no such directory. */
export const giveToUser = (api: Docker, claim: ContainerClaim, name: string, image: string): Promise<void> =>
  fill(api, { claim, name, image, mode: 0o700 }, {});

/** Through a container that never runs: the engine may be anywhere. */
async function fill(api: Docker, { claim, name, image, mode }: VolumeToFill, files: Files): Promise<void> {
  const helper = await api.createContainer({
    Image: image,
    Cmd: ["true"],
    Labels: labelsOf(claim, "helper"),
    HostConfig: { NetworkMode: "none", Mounts: [{ Type: "volume", Source: name, Target: `/${MOUNT}` }] },
  });
  try {
    await helper.putArchive(await archiveOf(mode, files), { path: "/" });
  } finally {
    await removeContainer(api, helper.id);
  }
}

function archiveOf(mode: number, files: Files): Promise<Buffer> {
  const owner = { uid: USER, gid: USER };
  const archive = pack();
  archive.entry({ name: `${MOUNT}/`, type: "directory", mode, ...owner });
  for (const [name, contents] of Object.entries(files))
    archive.entry({ name: `${MOUNT}/${name}`, mode: 0o400, ...owner }, contents);
  archive.finalize();
  return buffer(archive);
}

/** Variables as `node --env-file` reads them. It knows no escapes, and drops every \r. */
export const envFile = (variables: readonly (readonly [name: string, value: string])[]): string =>
  variables.map(([name, value]) => `${name}=${envQuoted(name, value)}\n`).join("");

function envQuoted(name: string, value: string): string {
  // Between double quotes, \n would become a new line.
  const quotes = ["'", "`", ...(value.includes("\\n") ? [] : ['"'])];
  const quote = quotes.find((each) => !value.includes(each));
  if (quote !== undefined && !value.includes("\r")) return `${quote}${value}${quote}`;
  const what = quote === undefined ? "all kinds of quotes" : "a carriage return";
  throw new Failure(
    `the variable ${name} cannot be passed to a gateway in a container: its value contains ${what}`,
    "encode it, e.g. as base64",
  );
}
