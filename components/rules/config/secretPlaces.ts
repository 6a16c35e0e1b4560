/**
 * Where a configuration may refer to a secret in a file, which OpenClaw reads again when it changes; a variable is read once.
 * Source: `secretref-user-supplied-credentials-matrix.json` in OpenClaw's package, 2026.9.6; without `channels.irc`, where its
 * schema takes a string only. Pure.
 */
import { isObject } from "../../../model/json";
import type { Json, JsonObject } from "../../../model/spec";

const SPEECH = ["personas.*.providers.*.apiKey", "providers.*.apiKey"];
const TLS = ["ca", "cert", "key", "passphrase"];

/** Keys below a path. Accounts of a channel have the same ones. */
const PLACES: Readonly<Record<string, readonly string[]>> = {
  "agents.entries.*": ["memory.search.remote.apiKey"],
  "agents.entries.*.tts": SPEECH,
  "channels.buzz": ["authTag", "privateKey"],
  "channels.clickclack": ["token"],
  "channels.discord": ["pluralkit.token", "token", "voice.realtime.providers.*.apiKey"],
  "channels.discord.voice.tts": SPEECH,
  "channels.feishu": ["appSecret", "encryptKey", "verificationToken"],
  "channels.googlechat": ["serviceAccount"],
  "channels.matrix": ["accessToken", "password"],
  "channels.mattermost": ["botToken"],
  "channels.msteams": ["appPassword"],
  "channels.nextcloud-talk": ["apiPassword", "botSecret"],
  "channels.nostr": ["privateKey"],
  "channels.qqbot": ["clientSecret"],
  "channels.slack": ["appToken", "botToken", "relay.authToken", "signingSecret", "userToken"],
  "channels.sms": ["authToken"],
  "channels.telegram": ["botToken", "webhookSecret"],
  "channels.zalo": ["botToken", "webhookSecret"],
  cron: ["webhookToken"],
  gateway: ["auth.password", "auth.token", "remote.password", "remote.token"],
  memory: ["search.remote.apiKey"],
  "models.providers.*": ["apiKey", "headers.*"],
  "models.providers.*.request": ["auth.token", "auth.value", "headers.*"],
  "models.providers.*.request.tls": TLS,
  "models.providers.*.request.proxy.tls": TLS,
  "plugins.entries.acpx.config": ["mcpServers.*.env.*"],
  "plugins.entries.brave.config": ["webSearch.apiKey"],
  "plugins.entries.codex.config": ["appServer.authToken", "appServer.headers.*"],
  "plugins.entries.comfy.config": ["headers.*"],
  "plugins.entries.exa.config": ["webSearch.apiKey"],
  "plugins.entries.facetime.config": ["realtime.providers.*.apiKey"],
  "plugins.entries.firecrawl.config": ["webFetch.apiKey", "webSearch.apiKey"],
  "plugins.entries.google-meet.config": ["realtime.providers.*.apiKey"],
  "plugins.entries.google.config": ["webSearch.apiKey", "webSearch.headers.*"],
  "plugins.entries.imap.config": ["accounts.*.password"],
  "plugins.entries.minimax.config": ["webSearch.apiKey"],
  "plugins.entries.moonshot.config": ["webSearch.apiKey"],
  "plugins.entries.parallel.config": ["webSearch.apiKey"],
  "plugins.entries.perplexity.config": ["webSearch.apiKey"],
  "plugins.entries.tavily.config": ["webSearch.apiKey"],
  "plugins.entries.team-reports.config": ["discord.token", "github.token"],
  "plugins.entries.typesafe.config": ["apiKey"],
  "plugins.entries.voice-call.config": [
    "realtime.providers.*.apiKey",
    "streaming.providers.*.apiKey",
    "tts.providers.*.apiKey",
    "twilio.authToken",
  ],
  "plugins.entries.webhooks.config": ["routes.*.secret"],
  "plugins.entries.xai.config": ["webSearch.apiKey"],
  "skills.entries.*": ["apiKey"],
  talk: ["providers.*.apiKey", "realtime.providers.*.apiKey"],
  tts: SPEECH,
};

/** All of them, "*" for any key. */
export const SECRET_PLACES: readonly string[] = Object.entries(PLACES).flatMap(([path, keys]) =>
  keys.map((key) => `${path}.${key}`),
);

const PATTERNS = SECRET_PLACES.map((place) => place.split("."));

/** Whether OpenClaw takes a reference to a secret at this path of a configuration. */
export function takesSecret(keys: readonly string[]): boolean {
  const isOfAccount = keys[0] === "channels" && keys[2] === "accounts";
  const place = isOfAccount ? [...keys.slice(0, 2), ...keys.slice(4)] : keys;
  return PATTERNS.some(
    (pattern) => pattern.length === place.length && pattern.every((key, index) => key === "*" || key === place[index]),
  );
}

/** The name in a value that is a reference and nothing else. */
const nameIn = (value: Json): string | undefined =>
  typeof value === "string" ? /^\$\{([A-Z_][A-Z0-9_]*)\}$/.exec(value)?.[1] : undefined;

/** The configuration with every reference to one of these secrets as its gateway finds it. */
export function withSecrets(
  config: JsonObject,
  names: readonly string[],
  referenceTo: (name: string) => JsonObject,
): JsonObject {
  const replaced = (value: Json): Json => {
    const name = nameIn(value);
    if (name !== undefined && names.includes(name)) return referenceTo(name);
    if (Array.isArray(value)) return value.map(replaced);
    return isObject(value)
      ? Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, replaced(inner)]))
      : value;
  };
  return replaced(config) as JsonObject;
}
