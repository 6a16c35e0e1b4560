/** Secrets of a gateway on its host: in files of their own, named by a nonce that reveals nothing about them. */
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { Failure } from "../model/failure";
import { makeDir, ownOnly, readableBy, writeFile, writeJson } from "./files";
import { digestWith, nonceKeyFile, readNonceKey } from "../inspect/applied";
import { readJson } from "../inspect/files";
import type { Host, HostGateway } from "./host";
import type { Secrets } from "../model/spec";

/** Variables of the gateway's process, by the nonce of exactly these. */
export const variablesFile = (gateway: HostGateway, nonce: string): string =>
  join(gateway.paths.secrets, `${nonce}.json`);

/** What the gateway reads itself: its own file, as OpenClaw wants it (private, nobody else's), in a directory of ours. */
export const givenFile = (gateway: HostGateway, nonce: string): string =>
  join(gateway.paths.secrets, `${nonce}${GIVEN}`);
const GIVEN = ".given.json";

/** Our copy of it: a bot may write whatever it likes into its own. */
const keptFile = (gateway: HostGateway, nonce: string): string => join(gateway.paths.secrets, `${nonce}.files.json`);

/** What is staged under a nonce: that of the variables, and what is given as a file, if anything. */
export interface Staged {
  readonly variables: string;
  readonly files?: Readonly<Record<string, string>>;
}

/** Writes the secrets and returns their nonce: the same secrets on the same host give the same one. */
export function stageSecrets(gateway: HostGateway, { env, files = {} }: Pick<Secrets, "env" | "files">): string {
  const { identity } = gateway.host;
  const access = readableBy(identity);
  const [variables, given] = [sorted(env), sorted(files)];
  const ofVariables = nonceOf(gateway.host, variables);
  makeDir(gateway.paths.secrets, access);
  writeJson(variablesFile(gateway, ofVariables), variables, access);
  if (!Object.keys(given).length) return ofVariables;
  const nonce = nonceOf(gateway.host, [variables, given]);
  writeJson(keptFile(gateway, nonce), { variables: ofVariables, files: given } satisfies Staged, access);
  writeJson(givenFile(gateway, nonce), given, { ...access, fileMode: 0o400, uid: identity.uid });
  return nonce;
}

const sorted = (values: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1)));

const nonceOf = (host: Host, value: unknown): string => digestWith(nonceKey(host), JSON.stringify(value));

export const missingSecrets = (file: string): Failure =>
  new Failure(
    `the secrets ${file} are missing`,
    "write them again: pulumi up --target-replace <URN of the gateway's …-secrets> (pulumi stack --show-urns), " +
      "then pulumi up",
  );

/** What was staged; throws if any of it is missing. */
export function stagedSecrets(gateway: HostGateway, nonce: string): Staged {
  const staged = readJson<Staged>(keptFile(gateway, nonce)) ?? { variables: nonce };
  const files = [variablesFile(gateway, staged.variables), ...(staged.files ? [givenFile(gateway, nonce)] : [])];
  const missing = files.find((file) => !existsSync(file));
  if (missing !== undefined) throw missingSecrets(missing);
  return staged;
}

/** The variables in a secrets file. */
export function readVariables(file: string): Record<string, string> {
  const secrets = readJson<Record<string, string>>(file);
  if (!secrets) throw missingSecrets(file);
  return secrets;
}

/** What a gateway reads from a file that `stageSecrets` gave it; `undefined` as a nonce: nothing. */
export function readGiven(gateway: HostGateway, nonce: string | undefined): Readonly<Record<string, string>> {
  if (nonce === undefined) return {};
  const { files } = stagedSecrets(gateway, nonce);
  return files ?? {};
}

/** The files of what is given under a nonce. */
export const filesOf = (gateway: HostGateway, nonce: string): string[] => [
  keptFile(gateway, nonce),
  givenFile(gateway, nonce),
];

/** The nonce in the path of a file that a gateway was given. */
export const nonceOfGiven = (file: string): string | undefined =>
  file.endsWith(GIVEN) ? basename(file, GIVEN) : undefined;

/** Shorter values are not secrets, and hiding them would make a log unreadable. */
const SHORTEST_SECRET = 6;

/** Replaces every secret value in a text. */
export function redact(text: string, secrets: Record<string, string>): string {
  return Object.values(secrets)
    .filter((value) => value.length >= SHORTEST_SECRET)
    .sort((a, b) => b.length - a.length)
    .reduce((result, value) => result.replaceAll(value, "[secret]"), text);
}

/** Without the key nobody can check guesses of a secret against its nonce. Made where there is none. */
export function nonceKey({ manage }: Host): Buffer {
  const known = readNonceKey(manage);
  if (known) return known;
  writeFile(nonceKeyFile(manage), randomBytes(32).toString("hex"), ownOnly());
  return readNonceKey(manage)!;
}
