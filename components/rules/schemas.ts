/**
 * What a gateway's arguments may be: the one definition of it, for TypeScript programs and for stack config.
 * Rules between several gateways are in isolation.ts.
 */
import * as pulumi from "@pulumi/pulumi";
import * as semver from "semver";
import * as z from "zod";
import type { Json } from "../../model/spec";
import { MAX_BASE_PORT, MIN_BASE_PORT } from "../../model/ports";

/** Oldest OpenClaw release that the product was measured with. */
export const MIN_VERSION = "2026.9.6";

/** Names that OpenClaw keeps for itself. Source: its profile check, on macOS and Windows. */
const RESERVED_PROFILES = ["gateway", "node"];

/** Variables that decide which gateway a process is, or how Node runs it. */
const OWN_VARIABLE =
  /^(OPENCLAW_|TELEGRAM_BOT_TOKEN$|HOME$|USER$|LOGNAME$|PATH$|NODE_OPTIONS$|NODE_PATH$|NODE_COMPILE_CACHE$|LD_)/;

/** A value that may come from another resource. */
export const inputString = z.custom<pulumi.Input<string>>(
  (value) => (typeof value === "string" && value !== "") || pulumi.Output.isInstance(value) || value instanceof Promise,
  { error: "must be a non-empty string or an Output of one" },
);

/** The same, for what is always kept as a secret. */
export const secretString = inputString;

export const port = z
  .number({ error: "must be a number" })
  .int("must be a whole number")
  .min(1, "must be between 1 and 65535")
  .max(65535, "must be between 1 and 65535");

const NO_USER_ID = 'must be a Telegram user id, e.g. "4242"';

/**
 * Who may write, as OpenClaw reads it: without space around it and without its prefix. A group's id and a name let nobody
 * in. Source: OPENCLAW 2026.9.6, its Telegram allowlist.
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

/** Of one person. */
export const isUserId = (sender: string): boolean => /^[1-9]\d{0,15}$/.test(sender);

export const absolutePath = z
  .string()
  .regex(/^\/(?!$)[^\0\n]*$/, "must be an absolute path")
  .regex(/^[^'"$`\\]*$/, "must not contain quotes, $ or \\")
  .refine((path) => !/(^|\/)\.\.?(\/|$)/.test(path), "must not contain . or .. as a part")
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

/** A URL may hold a token, which would stand in plain text in the stack's state. */
const cdpUrl = webUrl(["http:", "https:", "ws:", "wss:"]).refine(
  (text) => !/\/\/[^/@]*:(?!\$)[^/@]*@|[?&][^=&]*(token|key|secret|password)[^=&]*=(?!\$)/i.test(text),
  "holds a secret in plain text; put it into `env` and write ${NAME} in its place",
);

export const profileSchema = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9_-]{0,63}$/,
    "must be 1 to 64 lower-case letters, digits, - or _, and begin with a letter or digit",
  )
  .refine((name) => !RESERVED_PROFILES.includes(name), "is a name that OpenClaw keeps for itself");

export const versionSchema = z
  .string({
    error: ({ input }) =>
      `${input === undefined ? "is required" : "must be text"}: an exact OpenClaw version, e.g. "${MIN_VERSION}"`,
  })
  .refine(
    (version) => semver.valid(version) === version,
    `must be one exact version, e.g. "${MIN_VERSION}": a tag or range would change the gateway without you`,
  )
  .refine(
    (version) => semver.valid(version) !== version || semver.gte(version, MIN_VERSION),
    `is older than ${MIN_VERSION}, the oldest supported`,
  );

export const basePortSchema = z
  .number({ error: ({ input }) => (input === undefined ? "is required: a port, e.g. 20789" : "must be a number") })
  .int("must be a whole number")
  .min(MIN_BASE_PORT, `must be between ${MIN_BASE_PORT} and ${MAX_BASE_PORT}: the gateway owns base … base+110`)
  .max(MAX_BASE_PORT, `must be between ${MIN_BASE_PORT} and ${MAX_BASE_PORT}: the gateway owns base … base+110`);

export const telegramSchema = z
  .strictObject({
    /**
     * Token of the bot, from \@BotFather. Always kept as a secret. No two gateways may share one: each would steal the
     * other's messages. Source: Telegram's Bot API gives an update to one reader only.
     * @example config.requireSecret("mainBotToken")
     */
    botToken: secretString,
    /**
     * Telegram user ids that may talk to the bot and own its commands. Numbers are taken as text. "*" is everybody, with
     * dmPolicy "open" only.
     * @default nobody: who writes first is asked to pair
     * @example ["4242"]
     */
    allowFrom: z.array(sender).optional(),
    /**
     * Who may write to the bot.
     * @default "allowlist" where allowFrom is given, else "pairing"
     * @example "disabled"
     */
    dmPolicy: z.enum(["pairing", "allowlist", "open", "disabled"]).optional(),
    /**
     * Root of another Bot API server, without /bot<token>.
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
        message: 'must name somebody with dmPolicy "allowlist"',
      });
    if (dmPolicy === "open" && !allowFrom?.includes("*"))
      context.addIssue({ code: "custom", path: ["allowFrom"], message: 'must contain "*" with dmPolicy "open"' });
  });

export const browserSchema = z.strictObject({
  /**
   * DevTools URL of one remote browser for the default profile. Must differ between gateways. It stands in plain text in
   * the stack's state: a token in it is written as ${NAME} and put into `env`.
   * @default OpenClaw's own browser, on a port of the gateway's CDP range
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
           * Port of a browser on this host. Inside the gateway's own CDP range, or outside every gateway's block.
           * @unit TCP port
           * @default none: cdpUrl is given
           * @example 18810
           */
          cdpPort: port.optional(),
          /**
           * DevTools URL of a browser elsewhere. Secrets in it as in `browser.cdpUrl`.
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
      "must be plain JSON, known in preview; a secret goes into `env` and is referred to as " +
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
    .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "is not a variable name")
    .refine((name) => !OWN_VARIABLE.test(name), "is set by the gateway component itself and cannot be changed here"),
  secretString,
);

/** The arguments of one gateway that mean the same on every target. */
export const gatewaySchema = z.strictObject({
  /**
   * OpenClaw profile. Decides the service name, the command and the default directories. 1-64 of a-z 0-9 _ -; not
   * `gateway` or `node`. Source: OpenClaw's own profile check, and the names that it keeps for itself.
   * @default "default", OpenClaw's default profile
   * @example "ops"
   */
  profile: profileSchema.optional(),
  /**
   * Port of the gateway's HTTP and WebSocket server. The gateway owns the whole block base … base+110 on its host; two
   * blocks on one host must not touch, so two base ports are at least 111 apart. Source: measured on OpenClaw 2026.9.6,
   * see model/ports.ts; OpenClaw's page says 20, which really collides.
   * @unit TCP port, 1024-65425
   * @example 20789
   */
  basePort: basePortSchema,
  /**
   * Exact OpenClaw version from the npm registry, 2026.9.6 or newer. Moves only when you change it.
   * @example "2026.9.6"
   */
  version: versionSchema,
  /**
   * State directory (sessions, credentials, caches). Kept by destroy.
   * @unit absolute path
   * @default `<root>/.openclaw`, or `<root>/.openclaw-<profile>` on a named profile
   * @example "/srv/claw/ops"
   */
  stateDir: absolutePath.optional(),
  /**
   * Workspace of the default agent. One that exists is used as it is, where the gateway can write in it. Kept by destroy.
   * @unit absolute path
   * @default `<stateDir>/workspace`
   * @example "/srv/claw/ops-work"
   */
  workspace: absolutePath.optional(),
  /**
   * A further path at which the configuration can be read: a link to where it is, inside the component's own directory,
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
   * Further OpenClaw configuration (openclaw.json as an object), merged under what the component owns.
   * A key that the component owns is an error that names the right argument. Plain values without secrets: see `env`.
   * @default {}
   * @example { update: { channel: "stable" } }
   */
  config: configSchema.optional(),
  /**
   * Extra variables of the gateway process, kept as secrets, e.g. model provider keys. Not those that decide which gateway
   * a process is (OPENCLAW_…, HOME, PATH …).
   * @default {}
   * @example { ANTHROPIC_API_KEY: config.requireSecret("anthropicKey") }
   */
  env: envSchema.optional(),
  /**
   * Apply a change although the partner gateway is not healthy, so that both may be down for a moment. Means something in
   * a GatewayPair only.
   * @default false
   * @example true
   */
  force: z.boolean().optional(),
});

/** A value given for a token, password or key, or a bot's token: commands are shown, and stand in the stack's state. */
const SECRET_IN_COMMAND =
  /(TOKEN|PASSWORD|SECRET|API_KEY)=(?!["']?\$)["']?[^\s"']|--(token|password)[ =](?!["']?\$)\S|\b\d{5,}:[\w-]{30,}/i;

const command = z
  .string()
  .min(1, "must not be empty")
  .refine((text) => !SECRET_IN_COMMAND.test(text), {
    error: "must not hold a secret: it is shown, and stands in the stack's state; leave the secret to main's own files",
  });

/** A main gateway that no stack owns. Whatever is left out is found on the machine; only read, never touched. */
export const besideSchema = z.strictObject({
  /**
   * Its state directory.
   * @unit absolute path
   * @default `.openclaw` in the home of the deploying user, with sudo of who called it, or below the target's root
   * @example "/home/you/.openclaw"
   */
  stateDir: absolutePath.optional(),
  /**
   * Its configuration file.
   * @unit absolute path
   * @default what the running gateway says, else `<stateDir>/openclaw.json`
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
   * @default what the running gateway says, else its service, else its configuration, else 18789
   * @example 18789
   */
  port: port.optional(),
  /**
   * Command that runs its command line; without secrets.
   * @default `openclaw`, with what leads it to this gateway
   * @example "/opt/openclaw/bin/openclaw"
   */
  command: command.optional(),
  /**
   * Command that restarts it; without secrets.
   * @default for the systemd unit that is found, if there is one
   * @example "systemctl --user restart openclaw-gateway.service"
   */
  restart: command.optional(),
});

/** Facts about a main gateway that no stack owns. */
export type BesideArgs = z.input<typeof besideSchema>;

/** Gateway arguments after validation: ids are strings, paths are normal. */
export type CheckedGatewayArgs = z.output<typeof gatewaySchema>;
export type GatewayInput = z.input<typeof gatewaySchema>;
