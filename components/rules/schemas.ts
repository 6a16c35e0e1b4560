/**
 * The one definition of what a gateway's arguments may be, for TypeScript programs and for stack config.
 * Rules between several gateways are in isolation.ts.
 */
import * as pulumi from "@pulumi/pulumi";
import * as semver from "semver";
import * as z from "zod";
import type { Json } from "../../model/spec";
import { LAST_OFFSET, MAX_BASE_PORT, MIN_BASE_PORT } from "../../model/ports";

/** Oldest OpenClaw release that the product was measured with. */
export const MIN_VERSION = "2026.9.6";

/** Names that OpenClaw reserves. Source: its profile check, on macOS and Windows. */
const RESERVED_PROFILES = ["gateway", "node"];

/** Variables that decide which gateway a process is, or how Node runs it. */
const OWN_VARIABLE =
  /^(OPENCLAW_|TELEGRAM_BOT_TOKEN$|HOME$|USER$|LOGNAME$|PATH$|NODE_OPTIONS$|NODE_PATH$|NODE_COMPILE_CACHE$|LD_)/;

/** A value that may come from another resource. */
export const inputString = z.custom<pulumi.Input<string>>(
  (value) => (typeof value === "string" && value !== "") || pulumi.Output.isInstance(value) || value instanceof Promise,
  { error: "must be a non-empty string or an Output of one" },
);

/** The same, for values that are always kept secret. */
export const secretString = inputString;

export const port = z
  .number({ error: "must be a number" })
  .int("must be a whole number")
  .min(1, "must be between 1 and 65535")
  .max(65535, "must be between 1 and 65535");

const NO_USER_ID = 'must be a Telegram user id, e.g. "4242"';

/**
 * Who may write, as OpenClaw reads it: trimmed, and without its prefix. Group ids and names admit nobody.
 * Source: the Telegram allowlist of OpenClaw 2026.9.6.
 */
const sender = z
  .union([z.string(), z.number()], { error: NO_USER_ID })
  .transform((value) =>
    String(value)
      .trim()
      .replace(/^(telegram|tg):/i, "")
      .trim(),
  )
  .refine((value) => /^(\*|accessGroup:\S+)$/.test(value) || isUserId(value), NO_USER_ID);

/** Whether it is the id of one person. */
export const isUserId = (sender: string): boolean => /^[1-9]\d{0,15}$/.test(sender);

export const absolutePath = z
  .string()
  .regex(/^\/(?!$)[^\0\n]*$/, "must be an absolute path")
  .regex(/^[^'"$`\\]*$/, "must not contain quotes, $ or \\")
  .refine((path) => !/(^|\/)\.\.?(\/|$)/.test(path), "must not contain . or .. as a path segment")
  .transform((path) => path.replace(/\/+/g, "/").replace(/\/$/, ""));

const webUrl = (protocols: string[]) =>
  z.string().refine(
    (text) => {
      try {
        return protocols.includes(new URL(text).protocol);
      } catch {
        return false;
      }
    },
    `must be a URL that starts with ${protocols.map((protocol) => `${protocol}//`).join(" or ")}`,
  );

/** A URL may contain a token, which would be stored in plain text in the stack's state. */
const cdpUrl = webUrl(["http:", "https:", "ws:", "wss:"]).refine(
  (text) => !/\/\/[^/@]*:(?!\$)[^/@]*@|[?&][^=&]*(token|key|secret|password)[^=&]*=(?!\$)/i.test(text),
  "contains a secret in plain text; move it to `env` and write ${NAME} in its place",
);

export const profileSchema = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9_-]{0,63}$/,
    "must be 1 to 64 lower-case letters, digits, - or _, and begin with a letter or digit",
  )
  .refine((name) => !RESERVED_PROFILES.includes(name), "is a name that OpenClaw reserves");

export const versionSchema = z
  .string({
    error: ({ input }) =>
      `${input === undefined ? "is required" : "must be a string"}: an exact OpenClaw version, e.g. "${MIN_VERSION}"`,
  })
  .refine(
    (version) => semver.valid(version) === version,
    `must be an exact version, e.g. "${MIN_VERSION}": a tag or range could upgrade the gateway unexpectedly`,
  )
  .refine(
    (version) => semver.valid(version) !== version || semver.gte(version, MIN_VERSION),
    `is older than ${MIN_VERSION}, the oldest supported version`,
  );

export const basePortSchema = z
  .number({ error: ({ input }) => (input === undefined ? "is required: a port, e.g. 20789" : "must be a number") })
  .int("must be a whole number")
  .min(
    MIN_BASE_PORT,
    `must be between ${MIN_BASE_PORT} and ${MAX_BASE_PORT}: the gateway owns base … base+${LAST_OFFSET}`,
  )
  .max(
    MAX_BASE_PORT,
    `must be between ${MIN_BASE_PORT} and ${MAX_BASE_PORT}: the gateway owns base … base+${LAST_OFFSET}`,
  );

export const telegramSchema = z
  .strictObject({
    /**
     * Token of the bot, from \@BotFather. Always kept as a secret. No two gateways may share one: each would steal the
     * other's messages. Source: Telegram's Bot API delivers each update to one reader only.
     * @example config.requireSecret("mainBotToken")
     */
    botToken: secretString,
    /**
     * Telegram user ids that may talk to the bot and own its commands. Numbers become strings. "*" is everybody and
     * requires dmPolicy "open".
     * @default nobody: anyone who writes is first asked to pair
     * @example ["4242"]
     */
    allowFrom: z.array(sender).optional(),
    /**
     * Who may write to the bot.
     * @default "allowlist" if allowFrom is given, else "pairing"
     * @example "disabled"
     */
    dmPolicy: z.enum(["pairing", "allowlist", "open", "disabled"]).optional(),
    /**
     * Base URL of another Bot API server, without /bot<token>.
     * @default Telegram's own
     * @example "https://telegram.example.org"
     */
    apiRoot: webUrl(["https:", "http:"]).optional(),
  })
  .superRefine(({ allowFrom, dmPolicy }, context) => {
    if (dmPolicy === "allowlist" && !allowFrom?.length)
      context.addIssue({
        code: "custom",
        path: ["allowFrom"],
        message: 'must not be empty with dmPolicy "allowlist"',
      });
    if (dmPolicy === "open" && !allowFrom?.includes("*"))
      context.addIssue({ code: "custom", path: ["allowFrom"], message: 'must contain "*" with dmPolicy "open"' });
  });

export const browserSchema = z.strictObject({
  /**
   * DevTools URL of one remote browser for the default profile. Must differ between gateways. Stored in plain text in
   * the stack's state: write a token in it as ${NAME}, and set NAME in `env`.
   * @default OpenClaw's own browser, on a port in the gateway's CDP range
   * @example "wss://chrome.example.org?token=${CHROME_TOKEN}"
   */
  cdpUrl: cdpUrl.optional(),
  /**
   * Browser profiles by name (a-z 0-9 -), each with either a port on this host or a URL elsewhere.
   * @default none
   * @example { work: { cdpPort: 18810 } }
   */
  profiles: z
    .record(
      z.string().regex(/^[a-z0-9-]+$/, "must be lower-case letters, digits or -"),
      z
        .strictObject({
          /**
           * Port of a browser on this host: inside the gateway's own CDP range, or outside every gateway's block.
           * @unit TCP port
           * @default none: cdpUrl is given
           * @example 18810
           */
          cdpPort: port.optional(),
          /**
           * DevTools URL of a browser elsewhere. For secrets in it, see `browser.cdpUrl`.
           * @default none: cdpPort is given
           * @example "http://chrome.example.org:9222"
           */
          cdpUrl: cdpUrl.optional(),
        })
        .refine(
          (profile) => (profile.cdpPort === undefined) !== (profile.cdpUrl === undefined),
          "needs either cdpPort (a browser on this host) or cdpUrl (a browser elsewhere)",
        ),
    )
    .optional(),
});

const configSchema = z.record(
  z.string(),
  z.custom<Json>(isPlainJson, {
    error:
      "must be plain JSON that is known in preview; put a secret in `env` and refer to it with " +
      '{ source: "env", provider: "default", id: "NAME" }',
  }),
);

function isPlainJson(value: unknown): boolean {
  if (value === null || ["string", "boolean"].includes(typeof value)) return true;
  if (typeof value === "number") return Number.isFinite(value);
  if (Array.isArray(value)) return value.every(isPlainJson);
  if (typeof value !== "object") return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype) return false; // an Output, a Promise, a Date …
  return Object.values(value).every(isPlainJson);
}

const envSchema = z.record(
  z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "is not a valid variable name")
    .refine((name) => !OWN_VARIABLE.test(name), "is set by the gateway component itself and cannot be changed here"),
  secretString,
);

/** The arguments of one gateway that mean the same on every target. */
export const gatewaySchema = z.strictObject({
  /**
   * OpenClaw profile. Determines the service name, the command and the default directories. 1-64 of a-z 0-9 _ -; not
   * `gateway` or `node`. Source: OpenClaw's own profile check, and the names that it reserves.
   * @default "default", OpenClaw's default profile
   * @example "ops"
   */
  profile: profileSchema.optional(),
  /**
   * Port of the gateway's HTTP and WebSocket server. The gateway owns the whole block base … base+110 on its host; two
   * blocks on one host must not overlap, so base ports are at least 111 apart. Source: measured on OpenClaw 2026.9.6,
   * see model/ports.ts; OpenClaw's page says 20, which is too few.
   * @unit TCP port, 1024-65425
   * @example 20789
   */
  basePort: basePortSchema,
  /**
   * Exact OpenClaw version from the npm registry, 2026.9.6 or newer. Changes only when you change it.
   * @example "2026.9.6"
   */
  version: versionSchema,
  /**
   * State directory (sessions, credentials, caches). Kept on destroy.
   * @unit absolute path
   * @default `<root>/.openclaw`, or `<root>/.openclaw-<profile>` with a named profile
   * @example "/srv/claw/ops"
   */
  stateDir: absolutePath.optional(),
  /**
   * Workspace of the default agent. An existing one is used as is if the gateway can write to it. Kept on destroy.
   * @unit absolute path
   * @default `<stateDir>/workspace`
   * @example "/srv/claw/ops-work"
   */
  workspace: absolutePath.optional(),
  /**
   * An additional path for reading the configuration: a link to the file, which is in the component's own directory,
   * where the agent cannot edit it.
   * @unit absolute path
   * @default no link
   * @example "/srv/claw/ops.json"
   */
  configPath: absolutePath.optional(),
  /**
   * Telegram bot of this gateway.
   * @default no Telegram channel
   * @example { botToken: config.requireSecret("opsBotToken"), allowFrom: ["4242"] }
   */
  telegram: telegramSchema.optional(),
  /**
   * Explicit Chrome DevTools (CDP) endpoints.
   * @default OpenClaw allocates ports inside the gateway's own CDP range
   * @example { profiles: { work: { cdpPort: 20810 } } }
   */
  browser: browserSchema.optional(),
  /**
   * More OpenClaw configuration (openclaw.json as an object). What the component sets itself takes precedence.
   * Setting a key that the component owns is an error that names the right argument. No secrets here: see `env`.
   * @default {}
   * @example { update: { channel: "stable" } }
   */
  config: configSchema.optional(),
  /**
   * Extra environment variables for the gateway, kept as secrets, e.g. model provider keys. Not those that decide which
   * gateway a process is (OPENCLAW_…, HOME, PATH …).
   * @default {}
   * @example { ANTHROPIC_API_KEY: config.requireSecret("anthropicKey") }
   */
  env: envSchema.optional(),
  /**
   * Apply a change even if the partner gateway is not healthy, so that both may be down for a moment. Has an effect in
   * a GatewayPair only.
   * @default false
   * @example true
   */
  force: z.boolean().optional(),
});

/** A literal token, password or key, or a bot's token: commands are shown, and stored in the stack's state. */
const SECRET_IN_COMMAND =
  /(TOKEN|PASSWORD|SECRET|API_KEY)=(?!["']?\$)["']?[^\s"']|--(token|password)[ =](?!["']?\$)\S|\b\d{5,}:[\w-]{30,}/i;

const command = z
  .string()
  .min(1, "must not be empty")
  .refine((text) => !SECRET_IN_COMMAND.test(text), {
    error:
      "must not contain a secret: it is shown, and stored in the stack's state; keep the secret in main's own files",
  });

/** A main gateway that no stack owns. Anything left out is looked up on the machine. Only read, never changed. */
export const besideSchema = z.strictObject({
  /**
   * Its state directory.
   * @unit absolute path
   * @default `.openclaw` in the home of the deploying user (with sudo: of the user who ran it), or in the target's root
   * @example "/home/you/.openclaw"
   */
  stateDir: absolutePath.optional(),
  /**
   * Its configuration file.
   * @unit absolute path
   * @default what the running gateway reports, else `<stateDir>/openclaw.json`
   * @example "/home/you/.openclaw/openclaw.json"
   */
  configPath: absolutePath.optional(),
  /**
   * Workspace of its default agent.
   * @unit absolute path
   * @default from its configuration, else `<stateDir>/workspace`
   * @example "/home/you/work"
   */
  workspace: absolutePath.optional(),
  /**
   * Its base port.
   * @unit TCP port
   * @default what the running gateway reports, else its service, else its configuration, else 18789
   * @example 18789
   */
  port: port.optional(),
  /**
   * Command that runs its CLI. Must not contain secrets.
   * @default `openclaw`, with whatever points it at this gateway
   * @example "/opt/openclaw/bin/openclaw"
   */
  command: command.optional(),
  /**
   * Command that restarts it. Must not contain secrets.
   * @default a command for its systemd unit, if one is found
   * @example "systemctl --user restart openclaw-gateway.service"
   */
  restart: command.optional(),
});

/** Facts about a main gateway that no stack owns. */
export type BesideArgs = z.input<typeof besideSchema>;

/** Gateway arguments after validation: ids are strings, paths are normalised. */
export type CheckedGatewayArgs = z.output<typeof gatewaySchema>;
export type GatewayInput = z.input<typeof gatewaySchema>;
