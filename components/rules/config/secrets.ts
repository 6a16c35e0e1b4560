/** Secrets that are written into a configuration, which everybody can read who can read the stack's state. Pure. */
import { isObject, walk } from "../../../model/json";
import type { Json, JsonObject } from "../../../model/spec";
import type { Problem } from "../problems";
import { hasReference } from "./references";
import { takesSecret } from "./secretPlaces";

/** Names whose values are secrets, of keys and headers. */
const SECRET_NAME =
  /(token|api[_-]?key|(private|access|encrypt|subscription)[_-]?key|passw(or)?d|secret|credentials?|authorization|cookie)$/i;
/** Of variables, which are written like this. */
const SECRET_VARIABLE = /(^|_)(KEY|PAT|PASS)$/;

/** What a secret looks like, whatever its name. */
const SECRET_SHAPES = [
  /^(Bearer|Basic) +[^\s$]+$/i,
  /^(sk|rk|pk)-[\w-]{16,}/, // OpenAI, Anthropic, Stripe …
  /^xox[a-z]-|^xapp-/, // Slack
  /^gh[a-z]_\w{16,}|^github_pat_|^glpat-/,
  /^AIza[\w-]{30,}|^AKIA[0-9A-Z]{16}$/,
  /^\d{6,}:[\w-]{30,}$/, // Telegram
  /^[\w-]{23,28}\.[\w-]{6,7}\.[\w-]{27,}$/, // Discord
  /^eyJ[\w-]+\.eyJ[\w-]+\./, // a JSON Web Token
  /-----BEGIN [A-Z ]*PRIVATE KEY-----/,
  /^[a-z][\w+.-]*:\/\/[^/@\s:]*:(?!\$)[^/@\s]+@/i, // a URL with a password
  /[?&][^=&\s]*(token|key|secret|password|sig)=(?!\$)[^&\s]+/i,
  /^--?[\w-]*(token|key|password|secret)=(?!\$)./i, // an argument
];
const SECRET_FLAG = /^--?[\w-]*(token|api-?key|password|secret)$/i;

/** Values of `apiKey` that are no keys. Source: OpenClaw 2026.9.6, its own markers and those of its bundled plugins. */
const MARKERS = [
  "apple-fm-local",
  "codex-app-server",
  "custom-local",
  "gcp-vertex-credentials",
  "lmstudio",
  "lmstudio-local",
  "minimax-oauth",
  "ollama-local",
  "openclaw:claude-cli-native-auth",
];

const LOOPBACK_URL = /^https?:\/\/(localhost|127\.\d+\.\d+\.\d+|\[::1\])([:/]|$)/i;

export const IN_PLAIN_TEXT = "would be stored in plain text in the configuration file and in the stack's state";

/** Secrets in plain text. `env`: names of the argument of that name. `path`: of the configuration. */
export const plainSecrets = (config: JsonObject, env: readonly string[], path: string): Problem[] =>
  walk(config)
    .filter(
      ({ path: at, value, parent }) =>
        typeof value === "string" && isPlainSecret(at.at(-1) ?? "", value, parent, env) && !hasReference(value),
    )
    .map(({ path: at }) => ({
      path: `${path}.${at.join(".")}`,
      reason: IN_PLAIN_TEXT,
      advice: `move it to \`${takesSecret(at) ? "secrets" : "env"}\` and write \${NAME} here`,
    }));

function isPlainSecret(key: string, value: string, parent: Json | undefined, env: readonly string[]): boolean {
  if (value.trim() === "") return false;
  if (SECRET_SHAPES.some((shape) => shape.test(value.trim()))) return true;
  if (Array.isArray(parent)) {
    const flag = parent[Number(key) - 1];
    return typeof flag === "string" && SECRET_FLAG.test(flag);
  }
  return (SECRET_NAME.test(key) || SECRET_VARIABLE.test(key)) && !isMarker(value, parent, env);
}

/** Says where a key is, or that none is needed. */
function isMarker(value: string, parent: Json | undefined, env: readonly string[]): boolean {
  const baseUrl = isObject(parent) ? parent.baseUrl : undefined;
  const isLocal = typeof baseUrl === "string" && LOOPBACK_URL.test(baseUrl);
  return isLocal || MARKERS.includes(value) || value.startsWith("oauth:") || env.includes(value);
}
