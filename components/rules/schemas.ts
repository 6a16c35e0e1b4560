/**
 * The one definition of what a gateway's arguments may be, for TypeScript programs and for stack config.
 * Rules between several gateways are in isolation.ts.
 */
import * as pulumi from "@pulumi/pulumi";
import * as semver from "semver";
import * as z from "zod";
import type { Json } from "../../model/spec";
import type { BrowserArgs, BrowserProfileArgs, ExistingMainArgs, GatewayArgs, TelegramArgs } from "../arguments";
import { chooseHostKey, HOW_TO_GET } from "../../ssh/hostKey";
import type { Problem } from "./problems";
import { LAST_OFFSET, MAX_BASE_PORT, MIN_BASE_PORT } from "../../model/ports";

/** Oldest OpenClaw release that the product was measured with. */
export const MIN_VERSION = "2026.9.6";

/** Names that OpenClaw reserves. Source: its profile check, on macOS and Windows. */
const RESERVED_PROFILES = ["gateway", "node"];

/** Variables that decide which gateway a process is, or how Node runs it. */
const OWN_VARIABLE =
  /^(OPENCLAW_|TELEGRAM_BOT_TOKEN$|HOME$|USER$|LOGNAME$|PATH$|NODE_OPTIONS$|NODE_PATH$|NODE_COMPILE_CACHE$|LD_)/;

/** A schema for each argument that an interface declares: none left out, none added, each taking what it declares. */
export type Schemas<Args> = { readonly [Name in keyof Args]-?: z.ZodType<unknown, Args[Name]> };

/** A value that may come from another resource. */
export const inputString = z.custom<pulumi.Input<string>>(
  (value) => (typeof value === "string" && value !== "") || pulumi.Output.isInstance(value) || value instanceof Promise,
  { error: "must be a non-empty string or an Output of one" },
);

/** The same, for values that are always kept secret. */
export const secretString = inputString;

/** A host's public key. One from another resource is checked once it is known. `missing`: what is said where there is none. */
export const hostKeySchema = (missing: string) =>
  z
    .custom<pulumi.Input<string>>((value) => inputString.safeParse(value).success, { error: missing })
    .superRefine((value, context) => {
      const key = typeof value === "string" ? chooseHostKey(value) : undefined;
      if (key && "reason" in key) context.addIssue({ code: "custom", message: key.reason });
    });

/** A problem with such a key, with how to get the right one. */
export const adviseOnHostKey = (problem: Problem): Problem =>
  problem.path.endsWith(".hostKey") ? { ...problem, advice: HOW_TO_GET } : problem;

export const NEEDS_HOST_KEY = "is required: without the host's public key, anybody in between could read every secret";

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
    botToken: secretString,
    allowFrom: z.array(sender).optional(),
    dmPolicy: z.enum(["pairing", "allowlist", "open", "disabled"]).optional(),
    apiRoot: webUrl(["https:", "http:"]).optional(),
  } satisfies Schemas<TelegramArgs>)
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
  cdpUrl: cdpUrl.optional(),
  profiles: z
    .record(
      z.string().regex(/^[a-z0-9-]+$/, "must be lower-case letters, digits or -"),
      z
        .strictObject({
          cdpPort: port.optional(),
          cdpUrl: cdpUrl.optional(),
        } satisfies Schemas<BrowserProfileArgs>)
        .refine(
          (profile) => (profile.cdpPort === undefined) !== (profile.cdpUrl === undefined),
          "needs either cdpPort (a browser on this host) or cdpUrl (a browser elsewhere)",
        ),
    )
    .optional(),
} satisfies Schemas<BrowserArgs>);

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
  profile: profileSchema.optional(),
  basePort: basePortSchema,
  version: versionSchema,
  stateDir: absolutePath.optional(),
  workspace: absolutePath.optional(),
  configPath: absolutePath.optional(),
  telegram: telegramSchema.optional(),
  browser: browserSchema.optional(),
  config: configSchema.optional(),
  env: envSchema.optional(),
  force: z.boolean().optional(),
} satisfies Schemas<Omit<GatewayArgs, "target">>);

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
export const existingMainSchema = z.strictObject({
  stateDir: absolutePath.optional(),
  configPath: absolutePath.optional(),
  workspace: absolutePath.optional(),
  port: port.optional(),
  command: command.optional(),
  restart: command.optional(),
} satisfies Schemas<ExistingMainArgs>);

/** Gateway arguments after validation: ids are strings, paths are normalised. */
export type CheckedGatewayArgs = z.output<typeof gatewaySchema>;
