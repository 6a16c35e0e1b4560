/** Secrets of every gateway, by the variables that OpenClaw reads them from. Source: OpenClaw 2026.9.6. */
import { objectAt, valueAt } from "./json";
import type { JsonObject } from "./spec";

export const GATEWAY_TOKEN_VARIABLE = "OPENCLAW_GATEWAY_TOKEN";
/** The same value, where a proxy signs people in: OpenClaw then accepts a password beside it, and refuses a token. */
export const GATEWAY_PASSWORD_VARIABLE = "OPENCLAW_GATEWAY_PASSWORD";
export const BOT_TOKEN_VARIABLE = "TELEGRAM_BOT_TOKEN";

export type SecretName = typeof GATEWAY_TOKEN_VARIABLE | typeof GATEWAY_PASSWORD_VARIABLE | typeof BOT_TOKEN_VARIABLE;

/** What OpenClaw's `gateway.auth.mode` is where a proxy signs people in. */
export const BY_PROXY = "trusted-proxy";

/** Under which of the two a gateway has its token. */
export const tokenVariable = (isByProxy: boolean): SecretName =>
  isByProxy ? GATEWAY_PASSWORD_VARIABLE : GATEWAY_TOKEN_VARIABLE;

/** The same, from all the variables that it has. */
export const tokenVariableIn = (variables: Readonly<Record<string, unknown>>): SecretName =>
  tokenVariable(GATEWAY_PASSWORD_VARIABLE in variables);

/** OpenClaw's name for the file that a gateway on a host reads its secrets from, and reads again when another one takes its place. */
export const SECRETS_PROVIDER = "pulumi-openclaw";

/** A configuration that finds its secrets in a file. */
export function withSecretsFile(config: JsonObject, path: string): JsonObject {
  const secrets = objectAt(config, "secrets");
  const provider = { source: "file", mode: "json", path };
  return {
    ...config,
    secrets: { ...secrets, providers: { ...objectAt(secrets, "providers"), [SECRETS_PROVIDER]: provider } },
  };
}

/** That file; `undefined`: there is none. */
export function secretsFileOf(config: JsonObject): string | undefined {
  const path = valueAt(config, `secrets.providers.${SECRETS_PROVIDER}.path`);
  return typeof path === "string" ? path : undefined;
}

/** How a gateway's configuration refers to a secret in that file. */
export const fileReference = (name: string) => ({ source: "file", provider: SECRETS_PROVIDER, id: `/${name}` });
