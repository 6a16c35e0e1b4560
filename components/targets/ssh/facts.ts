/** The script that has a host say what it is, and its answer. Pure. */
import { join } from "node:path/posix";
import { gatewayPaths, manageDir, MARK_FILE, quote, type HostLayout } from "../../../host/layout";
import { listenersIn, type Listener } from "../../../host/listeners";
import type { LookAnswer, LookInput } from "../../../host/obstacles";
import { unitMark, unitName } from "../../../host/supervisors/systemd";
import { unitDirectories } from "../../../host/units";
import { claimToCheck } from "../hostGateway";
import type { GatewayToCheck } from "../target";

export interface HostFacts {
  readonly system: string;
  readonly machine: string;
  /** `glibc 2.36`; empty: not known. */
  readonly libc: string;
  /** Dynamic loaders of glibc. */
  readonly loaders: readonly string[];
  readonly user: string;
  readonly home: string;
  readonly systemd: boolean;
  readonly linger: boolean;
  readonly sudo: boolean;
  /** Line of /etc/passwd of the gateways' account. */
  readonly account: string;
  readonly root: Directory;
  readonly binDir: Directory;
  readonly freeBytes: number | undefined;
  readonly memoryBytes: number | undefined;
  readonly ephemeral: { readonly first: number; readonly last: number };
  readonly listeners: readonly Listener[];
  /** Unit files that are not ours, by gateway. */
  readonly units: readonly { readonly id: string; readonly path: string }[];
  /** Gateways whose release is still to be installed. */
  readonly missing: readonly string[];
  /** Gateways whose state directory has something in it and no mark. */
  readonly unownedStates: readonly string[];
  /** Whether there is a host program. */
  readonly installed: boolean;
  /** What it finds, where it knows how to look. */
  readonly obstacles: LookAnswer["obstacles"] | undefined;
}

/** What exists of a path: where the rest would be made. */
export interface Directory {
  readonly parent: string;
  readonly state: "writable" | "closed" | "file";
}

/** `template`: host/look.sh. */
export function renderScript(
  template: string,
  layout: HostLayout,
  sudo: boolean,
  gateways: readonly GatewayToCheck[],
): string {
  const manage = manageDir(layout.root);
  const input: LookInput = { format: 1, layout, claims: gateways.map(claimToCheck) };
  const values = {
    ROOT: quote(layout.root),
    BIN_DIR: quote(layout.binDir),
    MANAGE: quote(manage),
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
  const { id, version, stateDir } = gateway;
  const { dir, releases } = gatewayPaths(manage, id);
  const words = [id, unitName(id), unitMark(dir), join(releases, version), stateDir, join(stateDir, MARK_FILE)];
  return `look_for_gateway ${words.map(quote).join(" ")}`;
}

/** Nothing where the script did not run to its end. */
export function parseFacts(output: string): HostFacts | undefined {
  // What a shell's start-up files print comes before. Nothing of a host may steer the terminal that shows it.
  const lines = output.split("\n").map((line) => line.replace(/\p{Cc}/gu, " "));
  const from = lines.indexOf("pulumi-openclaw look");
  const to = lines.lastIndexOf("end");
  if (from < 0 || to < from) return undefined;
  const said = lines.slice(from + 1, to).map((line) => /^(\S+) ?(.*)$/.exec(line)?.slice(1) ?? ["", ""]);
  const all = (name: string): string[] => said.flatMap(([key, value]) => (key === name ? [value!] : []));
  const one = (name: string): string => all(name)[0] ?? "";
  const numbers = (name: string): number[] => (one(name).match(/\d+/g) ?? []).map(Number);
  const [first = 32768, last = 60999] = numbers("ephemeral");
  const free = /\s\d+\s+\d+\s+(\d+)\s+\d+%/.exec(one("disk"))?.[1];
  const [memory] = numbers("memory");
  return {
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
    root: directory(one("root")),
    binDir: directory(one("bin_dir")),
    freeBytes: free === undefined ? undefined : Number(free) * 1024,
    memoryBytes: memory === undefined ? undefined : memory * 1024,
    ephemeral: { first, last },
    listeners: listenersIn([...all("tcp"), ...all("process")]),
    units: all("unit").map((text) => {
      const [id = "", ...path] = text.split(" ");
      return { id, path: path.join(" ") };
    }),
    missing: all("missing"),
    unownedStates: all("state"),
    installed: one("program") === "installed",
    obstacles: answerIn(one("answer")),
  };
}

function directory(text: string): Directory {
  const [, state = "writable", parent = "/"] = /^(writable|closed|file) (.*)$/.exec(text) ?? [];
  return { state: state as Directory["state"], parent };
}

function answerIn(text: string): HostFacts["obstacles"] {
  try {
    return (JSON.parse(text) as LookAnswer).obstacles;
  } catch {
    return undefined; // an older program, that cannot look
  }
}
