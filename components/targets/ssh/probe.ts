/** The script that makes a host describe itself, and its answer. Pure. */
import { join } from "node:path/posix";
import * as z from "zod";
import { gatewayPaths, manageDir, STATE_OWNER_FILE, quote, type HostLayout } from "../../../model/hostLayout";
import { listenersIn } from "../../../inspect/listeners";
import { needsOf, PROGRAMS } from "../../../model/needs";
import type { Drift } from "../../../model/drift";
import type { HostLookRequest } from "../../../model/conflict";
import { unitHeader, unitName, unitDirectories } from "../../../inspect/units";
import { claimToCheck, specOf } from "../hostGateway";
import type { GatewayToCheck } from "../target";
import { defined } from "../../../model/defined";

// A hostile host may say anything. Advice, which somebody may type, must not contain characters special to a shell.
const word = z.string().regex(/^[\w.@+-]{0,64}$/);
const path = z.string().regex(/^\/[^\p{C}`$'"\\;&|<>()]{0,1023}$/u);
const text = z.string().regex(/^\P{C}{0,512}$/u);
const port = z.int().min(0).max(65_535);
const count = z.int().min(0);

const directorySchema = z.object({ parent: path, state: z.enum(["writable", "closed", "file"]) });
const listenerSchema = z.union([z.strictObject({ port, pid: count, command: text }), z.strictObject({ port })]);
const ephemeralSchema = z.object({ first: port, last: port });
const owner = z.object({ stack: text, gateway: text });
const property = z.enum(["stateDir", "workspace"]);

const foundSchema = z.discriminatedUnion("is", [
  z.object({ is: z.literal("gateway"), owner }),
  z.object({ is: z.literal("unsafe"), path }),
  z.object({ is: z.literal("inside"), property }),
  z.object({ is: z.enum(["closed", "unwritable"]), property: z.enum(["stateDir", "workspace", "configPath"]), path }),
  z.object({ is: z.enum(["noDirectory", "unownedState", "othersState", "othersWorkspace", "wrapper", "config"]) }),
  z.object({ is: z.literal("othersLocks"), path, uid: count }),
  z.object({ is: z.literal("ownedState"), owner, kept: z.boolean() }),
  z.object({ is: z.literal("unit"), path }),
  z.object({ is: z.literal("unitOnPort"), path, port }),
  z.object({ is: z.literal("ports"), owner, basePort: port }),
  z.object({ is: z.literal("shared"), property, path, owner }),
  z.object({ is: z.literal("gatewaysPort"), owner, port }),
  z.object({ is: z.literal("port"), listener: listenerSchema, ephemeral: ephemeralSchema }),
]);

/** Words for a preview: a host that says more than any configuration has keys is not believed. */
const changeSchema = z.object({
  cost: z.enum(["nothing", "live", "restart", "process"]),
  paths: z.array(z.string().max(500)).max(5_000),
});

const shownPath = z.string().regex(/^\/\P{C}{0,1023}$/u);
const access = z.string().regex(/^[\w :,]{1,60}$/);
const driftSchema = z.discriminatedUnion("is", [
  z.object({ is: z.literal("config"), keys: z.array(z.string().max(500)).max(5_000) }),
  z.object({ is: z.literal("gone"), path: shownPath }),
  z.object({ is: z.literal("edited"), path: shownPath }),
  z.object({ is: z.literal("access"), path: shownPath, now: access, before: access }),
  z.object({ is: z.literal("release"), version: word, files: count }),
  z.object({ is: z.literal("stopped"), rebootedAt: count.optional() }),
  z.object({ is: z.literal("gaveUp"), reason: text }),
  z.object({ is: z.literal("notEnabled"), unit: word }),
  z.object({ is: z.literal("silent"), port }),
  z.object({ is: z.literal("version"), runs: text }),
  z.object({ is: z.literal("generation"), version: word }),
  z.object({ is: z.literal("unproved") }),
]);

const MOST_DRIFTS = 200;
const knownDrift = (said: unknown): Drift[] => {
  const { data } = driftSchema.safeParse(said);
  return data ? [data] : [];
};

const factsSchema = z.object({
  system: word,
  machine: word,
  /** `glibc 2.36`; empty: not known. */
  libc: text,
  /** Dynamic loaders of glibc. */
  loaders: z.array(path),
  user: word,
  home: path,
  systemd: z.boolean(),
  linger: z.boolean(),
  sudo: z.boolean(),
  /** Line of /etc/passwd of the gateways' account. */
  account: text,
  /** Of that account, or of the user. */
  groups: z.array(word),
  /** What a configuration may need: programs that are installed, IPv4 addresses, and files that are not there. */
  programs: z.array(word),
  addresses: z.array(z.ipv4()),
  absent: z.array(path),
  /** Parts of the path to the host program that others than root can change, if root would run it. */
  unsafe: z.array(path),
  /** Directories on the way to the host program that not every account can enter. */
  closed: z.array(path),
  /** What the gateways that are there were set up with. */
  former: z.object({ account: word.nullable(), supervisor: z.enum(["systemd", "process"]).optional() }).optional(),
  /** The existing part of a path, in which the rest would be created. */
  root: directorySchema,
  binDir: directorySchema,
  freeBytes: count.optional(),
  memoryBytes: count.optional(),
  ephemeral: ephemeralSchema,
  listeners: z.array(listenerSchema),
  /** Unit files that are not ours, by gateway. */
  units: z.array(z.object({ id: word, path })),
  /** Gateways whose release is still to be installed. */
  missing: z.array(word),
  /** Gateways whose state directory is not empty but has no mark. */
  unownedStates: z.array(word),
  /** Gateways that are deployed according to their mark, but unknown to our own directory. */
  lost: z.array(word),
  /** Whether there is a host program. */
  installed: z.boolean(),
  /** What it finds, if it knows how to look. */
  found: z.array(z.array(foundSchema)).optional(),
  changes: z.array(changeSchema.nullable()),
  // A newer program there may see more.
  drifts: z.array(z.array(z.unknown()).transform((all) => all.slice(0, MOST_DRIFTS).flatMap(knownDrift))),
});

export type Probe = z.output<typeof factsSchema>;

/** `template`: inspect/look.sh. */
export function probeScript(
  template: string,
  layout: HostLayout,
  sudo: boolean,
  gateways: readonly GatewayToCheck[],
): string {
  const manage = manageDir(layout.root);
  const input: HostLookRequest = {
    format: 1,
    layout,
    claims: gateways.map(claimToCheck),
    wanted: gateways.map(({ gateway }) => specOf(gateway)),
  };
  const values = {
    ROOT: quote(layout.root),
    BIN_DIR: quote(layout.binDir),
    MANAGE: quote(manage),
    PROGRAMS: PROGRAMS.join(" "),
    ACCOUNT: quote(layout.account ?? ""),
    SUDO: quote(sudo ? "yes" : ""),
    // The user's home, as the script finds it.
    UNIT_DIRECTORIES: unitDirectories("$home")
      .map(({ path }) => `"${path}"`)
      .join(" "),
    GATEWAYS: gateways.map((each) => lookFor(manage, each)).join("\n"),
    CLAIMS: JSON.stringify(input),
  };
  return Object.entries(values).reduce((text, [name, value]) => text.replaceAll(`@${name}@`, () => value), template);
}

function lookFor(manage: string, { gateway }: GatewayToCheck): string {
  const { id, version, stateDir, config } = gateway;
  const { dir, releases, owner } = gatewayPaths(manage, id);
  const words = [
    id,
    unitName(id),
    unitHeader(dir),
    join(releases, version),
    stateDir,
    join(stateDir, STATE_OWNER_FILE),
    owner,
  ];
  const files = needsOf(config).files.map(({ name }) => `look_for_file ${quote(name)}`);
  return [`look_for_gateway ${words.map(quote).join(" ")}`, ...files].join("\n");
}

/** Undefined if the script did not finish; "strange" if anything in the answer is not from it or from our program. */
export function parseProbe(output: string, gateways: number): Probe | "strange" | undefined {
  // What a shell's start-up files print comes first.
  const lines = output.split("\n");
  const from = lines.indexOf("pulumi-openclaw look");
  const to = lines.lastIndexOf("end");
  if (from < 0 || to < from) return undefined;
  const said = lines.slice(from + 1, to).map((line) => /^(\S+) ?([^]*)$/.exec(line)?.slice(1) ?? ["", ""]);
  const all = (name: string): string[] => said.flatMap(([key, value]) => (key === name ? [value!] : []));
  const one = (name: string): string => all(name)[0] ?? "";
  const numbers = (name: string): number[] => (one(name).match(/\d+/g) ?? []).map(Number);
  const [first = 32768, last = 60999] = numbers("ephemeral");
  const free = /\s\d+\s+\d+\s+(\d+)\s+\d+%/.exec(one("disk"))?.[1];
  const [memory] = numbers("memory");
  const { found, lost, changes, drifts } = answerIn(one("answer"));
  const parsed = factsSchema.safeParse(
    defined({
      system: one("system"),
      machine: one("machine"),
      libc: one("libc"),
      loaders: all("loader"),
      user: one("user"),
      home: one("home"),
      systemd: one("systemd") === "yes",
      linger: one("linger") === "yes",
      sudo: one("sudo") === "yes",
      account: one("account"),
      programs: all("has"),
      addresses: all("address"),
      absent: all("absent"),
      groups: one("groups")
        .split(" ")
        .filter((name) => name !== ""),
      unsafe: [...new Set(all("unsafe"))],
      closed: all("closed"),
      former: json(one("former")),
      root: directory(one("root")),
      binDir: directory(one("bin_dir")),
      ...(free !== undefined && { freeBytes: Number(free) * 1024 }),
      ...(memory !== undefined && { memoryBytes: memory * 1024 }),
      ephemeral: { first, last },
      listeners: listenersIn([...all("tcp"), ...all("process")]),
      units: all("unit").map((line) => {
        const [id = "", ...rest] = line.split(" ");
        return { id, path: rest.join(" ") };
      }),
      missing: all("missing"),
      unownedStates: all("state"),
      lost: [...all("lost"), ...lost],
      installed: one("program") === "installed",
      found,
      changes,
      drifts,
    }),
  );
  const isWhole = parsed.success && (parsed.data.found ?? { length: gateways }).length === gateways;
  return isWhole ? parsed.data : "strange";
}

function directory(line: string): { parent: string; state: string } {
  const [, state = "writable", parent = "/"] = /^(writable|closed|file) ([^]*)$/.exec(line) ?? [];
  return { state, parent };
}

/** Answer of the host's own program: an older one cannot look, or says what it sees in its own words. */
function answerIn(answer: string): { found?: unknown; lost: readonly unknown[]; changes: unknown; drifts: unknown } {
  const none = { lost: [], changes: [], drifts: [] };
  if (answer === "") return none;
  const parsed = json(answer);
  const isObject = typeof parsed === "object" && parsed !== null;
  if (isObject && "obstacles" in parsed) return none;
  const lost: unknown = isObject && "lost" in parsed ? parsed.lost : [];
  return {
    found: isObject && "found" in parsed ? parsed.found : null,
    lost: Array.isArray(lost) ? lost : [lost],
    changes: isObject && "changes" in parsed ? parsed.changes : [],
    drifts: isObject && "drifts" in parsed ? parsed.drifts : [],
  };
}

function json(answer: string): unknown {
  try {
    return JSON.parse(answer);
  } catch {
    return undefined;
  }
}
