/** docs/runbook.md, typed by a test: every command of every section, in the situation that the section is for. */
import { spawn, execFileSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PROJECT } from "../support/engine";
import { ask, endStrays, finished, ok, temporaryRoot, TEST_ACCOUNT, type Outcome } from "../support/hosts";
import { placeStandIn } from "../standIn/release";
import { VERSION } from "../support/seed";
import { placeRelease, seedTools } from "../support/seed";

const MAIN = 28000;
const RESCUE = 28111;
const KEY = "canary-provider-key-51c7";

const runbook = readFileSync(join(PROJECT, "docs", "runbook.md"), "utf8");

/** Blocks of commands by the heading above them. */
const sections = new Map(
  runbook
    .split(/^## /m)
    .slice(1)
    .map((section): [string, string[]] => [
      section.slice(0, section.indexOf("\n")),
      [...section.matchAll(/^```sh\n([^]*?)^```$/gm)].map(([, block]) => block!),
    ]),
);

describe("the runbook", () => {
  let clone: string;
  let root: string;
  let transcript = "";

  /** Types one block, as somebody in the clone would; `input` answers its questions. */
  async function type(block: string, input = ""): Promise<Outcome> {
    const commands = block.replace(/^ssh -N/gm, "ssh -G"); // there is no other machine: only its arguments are checked
    const child = spawn("bash", ["-euo", "pipefail", "-c", commands], {
      cwd: clone,
      env: {
        ...process.env,
        PATH: `${join(root, "bin")}:${process.env.PATH}`,
        HOST: join(root, ".pulumi-openclaw", "host"),
        YES: "1",
        STACK: "",
        ARGS: "",
        // Whoever types is in no other make.
        MAKEFLAGS: "",
        MAKELEVEL: "0",
      },
      stdio: ["pipe", "pipe", "pipe"],
    });
    child.stdin.on("error", () => undefined).end(input); // not everything asks
    const outcome = await finished(child);
    transcript += outcome.stdout + outcome.stderr;
    return outcome;
  }
  const typed = async (heading: string, block = 0, input?: string): Promise<string> => {
    const { stdout, stderr } = ok(await type(sections.get(heading)![block]!, input));
    done.add(`${heading} ${block}`);
    return stdout + stderr;
  };
  const done = new Set<string>();

  const pid = (id: string): number | undefined => {
    const path = join(root, ".pulumi-openclaw", "gateways", id, "supervisor.json");
    return (JSON.parse(readFileSync(path, "utf8")) as { gateway?: { pid: number } }).gateway?.pid;
  };
  /** As a power cut or the kernel would: the supervisor first. */
  const kill = (id: string): void => {
    const path = join(root, ".pulumi-openclaw", "gateways", id, "supervisor.json");
    const { supervisor, gateway } = JSON.parse(readFileSync(path, "utf8")) as Record<string, { pid: number }>;
    for (const each of [supervisor!, gateway!]) process.kill(each.pid, "SIGKILL");
  };
  const bothHealthy = async (): Promise<void> => {
    for (const port of [MAIN, RESCUE]) expect(await ask(port, "/readyz")).toMatchObject({ ready: true });
  };
  const seed = (): void => {
    seedTools(root);
    for (const id of ["main", "rescue"]) placeRelease(root, id);
  };
  const config = async (path: string, value: string): Promise<void> => {
    ok(await type(`make config ARGS="set --path ${path} ${value}"`));
  };
  const configure = async (): Promise<void> => {
    await config("root", root);
    if (process.getuid!() === 0) await config("account", TEST_ACCOUNT);
    await config("main.basePort", String(MAIN));
    await config("rescue.basePort", String(RESCUE));
  };

  beforeAll(async () => {
    clone = mkdtempSync(join(tmpdir(), "pulumi-openclaw-clone-"));
    const files = execFileSync("git", ["ls-files", "-co", "--exclude-standard"], { cwd: PROJECT, encoding: "utf8" });
    for (const file of files.trim().split("\n"))
      // With their times: make would install the packages again, through the link below.
      if (existsSync(join(PROJECT, file))) cpSync(join(PROJECT, file), join(clone, file), { preserveTimestamps: true });
    symlinkSync(join(PROJECT, "node_modules"), join(clone, "node_modules"));
    root = temporaryRoot();
    seed();
    await configure();
    ok(await type("make up"));
    await bothHealthy();
  });
  afterAll(async () => {
    if (existsSync(join(root, ".pulumi-openclaw", "host"))) await type("make down");
    endStrays(root);
    for (const directory of [clone, root]) rmSync(directory, { recursive: true, force: true });
  });

  it("First: what is wrong?", async () => {
    expect(await typed("First: what is wrong?")).toMatch(/Nothing is wrong\.$/m);
  });

  it.each(["configuration.md", "reach.md"])("the commands of docs/%s run as written", async (name) => {
    const page = readFileSync(join(PROJECT, "docs", name), "utf8");
    const commands = [...page.matchAll(/make config (ARGS=(?:"(?:[^"\\]|\\.)*"|'[^']*'))/g)].map(([, args]) => args!);
    expect(commands.length).toBeGreaterThan(5);
    // Of a stack of their own, which is never up.
    for (const args of commands) ok(await type(`make config STACK=docs ${args}`, "canary\n"));
  });

  it("Main is dead", async () => {
    kill("main");
    const rescue = pid("rescue");
    ok(await type(sections.get("Main is dead")![0]!));
    done.add("Main is dead 0");
    await bothHealthy();
    expect(pid("rescue")).toBe(rescue);
    expect(await typed("Main is dead", 1)).toContain("21 unchanged");
  });

  it("Main hangs", async () => {
    const hung = pid("main")!;
    process.kill(hung, "SIGSTOP");
    await typed("Main is dead");
    expect(pid("main")).not.toBe(hung);
    await bothHealthy();
  });

  it("Rescue is dead", async () => {
    kill("rescue");
    expect(await typed("Rescue is dead")).toContain("now healthy");
    await bothHealthy();
  });

  it("Both are dead", async () => {
    kill("main");
    kill("rescue");
    expect(await typed("Both are dead")).toMatch(/Nothing is wrong\.$/m);
  });

  it("A change is refused because the partner is down", async () => {
    const endsWith = 1;
    placeStandIn(root, "main", { version: VERSION, endsWith });
    kill("main");
    await config("rescue.maxOldSpaceSize", "1000");
    const refused = await type("make up");
    expect(refused.code).not.toBe(0);
    expect(refused.stdout + refused.stderr).toContain("the partner gateway main is not healthy");
    placeStandIn(root, "main", { version: VERSION });
    await typed("A change is refused because the partner is down");
    await bothHealthy();
  });

  it("A gateway's token has leaked", async () => {
    const tokens = async () => ok(await type('make outputs ARGS="--json --show-secrets"')).stdout;
    const before = JSON.parse(await tokens()) as Record<string, string>;
    const both = [pid("main"), pid("rescue")];
    await typed("A gateway's token has leaked");
    const after = JSON.parse(await tokens()) as Record<string, string>;
    expect(after.mainToken).toMatch(/^[0-9a-f]{64}$/);
    expect(after.mainToken).not.toBe(before.mainToken);
    expect(after.rescueToken).toBe(before.rescueToken);
    expect([pid("main"), pid("rescue")]).toEqual(both);
    await bothHealthy();
  });

  it("Adding or changing a model provider's key", async () => {
    const before = pid("main");
    await typed("Adding or changing a model provider's key", 0, KEY);
    expect(pid("main")).toBe(before);
    expect(readFileSync(`/proc/${before}/environ`, "utf8")).not.toContain(KEY);
    expect(transcript).not.toContain(KEY);
    expect(readFileSync(join(clone, "Pulumi.dev.yaml"), "utf8")).not.toContain(KEY);
  });

  it("Opening the Control UI from another machine", async () => {
    expect(await typed("Opening the Control UI from another machine")).toContain("localforward");
  });

  it("An `up` was killed, or its machine lost power", async () => {
    const stacks = join(clone, ".pulumi-local", "state", ".pulumi", "stacks");
    const torn = readdirSync(stacks, { recursive: true, encoding: "utf8" }).find((name) =>
      name.endsWith("dev.json.attrs"),
    );
    writeFileSync(join(stacks, torn!), "");
    expect((await type("make preview")).stderr).toContain("failed to load checkpoint: EOF");
    expect(await typed("An `up` was killed, or its machine lost power")).toContain("21 unchanged");
  });

  it("Going back to an earlier state", async () => {
    const [OLD, point] = ["2026.8.2", "0002-2026.8.2"];
    const place = () => placeStandIn(root, "main", { version: OLD });
    place();
    await config("main.version", OLD);
    ok(await type("make up"));
    ok(await type('make config ARGS="rm --path main.version"'));
    ok(await type("make up"));
    const [byHand, inCode] = sections
      .get("Going back to an earlier state")!
      .map((block) => block.replaceAll("0001-2026.8.2", point));
    const outcome = ok(await type(byHand!));
    expect(outcome.stdout).toMatch(new RegExp(`^${point} .* OpenClaw ${OLD} `, "m"));
    expect(await ask(MAIN, "/startupz")).toMatchObject({ version: OLD });
    place();
    expect(ok(await type(inCode!)).stdout).toContain("unchanged");
    expect(await ask(MAIN, "/startupz")).toMatchObject({ version: OLD });
    for (const block of [0, 1]) done.add(`Going back to an earlier state ${block}`);
    for (const path of ["version", "restoreFrom"]) ok(await type(`make config ARGS="rm --path main.${path}"`));
    placeRelease(root, "main");
    ok(await type("make up"));
    await bothHealthy();
  });

  it("The stack's state or passphrase is lost", async () => {
    writeFileSync(join(root, ".openclaw", "workspace", "memory.md"), "kept");
    const [block] = sections.get("The stack's state or passphrase is lost")!;
    const lines = block!.trim().split("\n");
    for (const line of lines.slice(0, 2)) ok(await type(line));
    await configure();
    const refused = await type("make up");
    expect(refused.stdout + refused.stderr).toContain("let this one take it over: ");
    const rescue = pid("rescue");
    for (const line of lines.slice(2, -1)) ok(await type(line));
    expect(pid("rescue")).toBe(rescue);
    ok(await type(lines.at(-1)!));
    done.add("The stack's state or passphrase is lost 0");
    await bothHealthy();
    expect(readFileSync(join(root, ".openclaw", "workspace", "memory.md"), "utf8")).toBe("kept");
    expect(await type("make preview").then(({ stdout }) => stdout)).toContain("21 unchanged");
  });

  it("Moving to another machine", async () => {
    await typed("Moving to another machine", 0);
    expect(await ask(MAIN, "/startupz")).toBeUndefined();
    rmSync(root, { recursive: true });
    root = temporaryRoot();
    await config("root", root);
    seed();
    await typed("Moving to another machine", 1);
    await bothHealthy();
    expect(readFileSync(join(root, ".openclaw", "workspace", "memory.md"), "utf8")).toBe("kept");
  });

  it("A machine is dead and cannot be cleaned", async () => {
    await typed("A machine is dead and cannot be cleaned");
    await bothHealthy(); // nothing was touched
    expect(existsSync(join(clone, "Pulumi.dev.yaml"))).toBe(true);
    for (const id of ["main", "rescue"]) ok(await type(`$HOST remove ${id}`));
  });

  it("every block of the runbook was run", () => {
    const blocks = [...sections].flatMap(([heading, all]) => all.map((_, index) => `${heading} ${index}`));
    expect([...done].sort()).toEqual(blocks.sort());
  });
});
