/** Secrets of a gateway on its host: in files of their own, named by a nonce that reveals nothing about them. */
import { createHmac, randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Failure } from "../model/failure";
import { makeDir, readableBy, writeFile, writeJson } from "./files";
import { readJson } from "../inspect/files";
import type { Host, HostGateway } from "./host";
import type { Secrets } from "../model/spec";

/** Where the secrets of a nonce are. */
export const secretsFile = (gateway: HostGateway, nonce: string): string =>
  join(gateway.paths.secrets, `${nonce}.json`);

/** Writes the secrets and returns their nonce: the same secrets on the same host give the same one. */
export function stageSecrets(gateway: HostGateway, { env }: Secrets): string {
  const sorted = Object.fromEntries(Object.entries(env).sort(([a], [b]) => (a < b ? -1 : 1)));
  const nonce = createHmac("sha256", nonceKey(gateway.host)).update(JSON.stringify(sorted)).digest("hex").slice(0, 16);
  const access = readableBy(gateway.host.identity);
  makeDir(gateway.paths.secrets, access);
  writeJson(secretsFile(gateway, nonce), sorted, access);
  return nonce;
}

export const missingSecrets = (file: string): Failure =>
  new Failure(
    `the secrets ${file} are missing`,
    "write them again: pulumi up --target-replace <URN of the gateway's …-secrets> (pulumi stack --show-urns), " +
      "then pulumi up",
  );

/** The variables in a secrets file. */
export function readSecrets(file: string): Record<string, string> {
  const secrets = readJson<Record<string, string>>(file);
  if (!secrets) throw missingSecrets(file);
  return secrets;
}

/** Shorter values are not secrets, and hiding them would make a log unreadable. */
const SHORTEST_SECRET = 6;

/** Replaces every secret value in a text. */
export function redact(text: string, secrets: Record<string, string>): string {
  return Object.values(secrets)
    .filter((value) => value.length >= SHORTEST_SECRET)
    .sort((a, b) => b.length - a.length)
    .reduce((result, value) => result.replaceAll(value, "[secret]"), text);
}

/** Without the key nobody can check guesses of a secret against its nonce. */
function nonceKey(host: Host): Buffer {
  const path = join(host.manage, "nonce.key");
  if (!existsSync(path)) {
    writeFile(path, randomBytes(32).toString("hex"), { dirMode: 0o700, fileMode: 0o600, gid: process.getgid!() });
  }
  return Buffer.from(readFileSync(path, "utf8"), "hex");
}
