/** Secrets of a pair on a host over SSH: through good and bad changes nowhere but where they are needed. */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { manageDir } from "../../model/hostLayout";
import { ok } from "../support/hosts";
import { FakeTelegram } from "../support/telegram";
import { inLab } from "./inLab";
import { Lab } from "./lab";
import { rootLayer } from "./layers";
import { BRIDGE_ADDRESS } from "./network";
import { PairOn } from "./stacks";

const GATEWAYS = ["main", "rescue"] as const;
const STATE_DIRECTORY = { main: ".openclaw", rescue: ".openclaw-rescue" };
const BOTS = { main: "1111:canary-main-bot-0c6e", rescue: "2222:canary-rescue-bot-81fa" };
const KEYS = { main: "canary-main-key-d94b", rescue: "canary-rescue-key-27a3" };
const WRONG_BOT = "6666:canary-wrong-bot-5e10";

inLab("secrets", () => {
  let lab: Lab;
  let pair: PairOn;
  let telegram: FakeTelegram;
  let processes: Processes;
  let since = "";
  /** Of the SSH key, a line that only the private half has. */
  let privateKey = "";
  /** What each gateway may know. */
  const own: Record<"main" | "rescue", string[]> = { main: [], rescue: [] };
  let all: string[] = [];
  /** What stands in the stack's configuration. */
  let configured: string[] = [];

  beforeAll(async () => {
    lab = await Lab.start();
    telegram = await FakeTelegram.start(Object.values(BOTS), BRIDGE_ADDRESS);
    privateKey = lab.privateKey.split("\n")[4]!;
    const layers = [await rootLayer(...GATEWAYS)];
    pair = await PairOn.create(lab, await lab.host({ debian: "bookworm", layers }), "root");
    const { stack, host } = pair;
    for (const gateway of GATEWAYS) {
      stack.config(`${gateway}.telegram.apiRoot`, telegram.apiRoot);
      stack.config(`${gateway}.telegram.allowFrom[0]`, "4242");
      await stack.secretConfig(`${gateway}.telegram.botToken`, BOTS[gateway]);
      await stack.secretConfig(`${gateway}.env.MODEL_KEY`, KEYS[gateway]);
    }
    since = ok(await host.inside("date +%s")).stdout.trim();
    processes = new Processes();

    ok(await stack.up());
    stack.config("main.config.update.channel", "beta");
    ok(await stack.up());
    await stack.secretConfig("main.telegram.botToken", WRONG_BOT);
    const failed = await stack.up();
    expect(failed.stdout).toMatch(
      /its credentials were rejected: telegram[^]*The former configuration is in force again; the gateway never stopped/,
    );
    await stack.preview("--diff");

    processes.stop();
    const { mainToken, rescueToken } = (await stack.outputs()) as Record<string, string>;
    own.main = [BOTS.main, KEYS.main, mainToken!, WRONG_BOT];
    own.rescue = [BOTS.rescue, KEYS.rescue, rescueToken!];
    configured = [...Object.values(BOTS), ...Object.values(KEYS), WRONG_BOT, privateKey];
    all = [...own.main, ...own.rescue, privateKey];
  });
  afterAll(async () => {
    processes?.stop();
    await pair?.dispose();
    await telegram?.stop();
    await lab?.stop();
  });

  const inText = (text: string, secrets = all): string[] =>
    secrets.filter((secret) => text.includes(secret) || text.includes(Buffer.from(secret).toString("base64")));

  describe("are in no process, of the deployer or the host,", () => {
    it("no secret is an argument of a process, of the deployer or the host", () => {
      for (const { commandLine } of processes.seen) expect(inText(commandLine), commandLine).toEqual([]);
    });

    it("no secret is in a process's environment, except the gateway's own and the Pulumi program's", () => {
      const holders = new Set<string>();
      for (const { commandLine, variables } of processes.seen) {
        const gateway = GATEWAYS.find((id) =>
          variables.includes(`OPENCLAW_STATE_DIR=${pair.root}/${STATE_DIRECTORY[id]}`),
        );
        const isProgram = commandLine.includes("/@pulumi/pulumi/cmd/run");
        // Bots and tokens are in files that the gateway reads.
        const allowed = gateway ? [KEYS[gateway]] : isProgram ? configured : [];
        const found = inText(variables.join("\n"));
        const where = gateway ?? (isProgram ? "program" : commandLine);
        expect({ where, found: found.filter((secret) => !allowed.includes(secret)) }).toEqual({ where, found: [] });
        if (found.length) holders.add(where);
      }
      console.log(`${processes.seen.length} processes, looked at ${processes.hertz().toFixed(1)} times a second`);
      expect([...holders].sort()).toEqual(["main", "program", "rescue"]);
      expect(processes.hertz()).toBeGreaterThan(4);
    });
  });

  describe("of the deployer", () => {
    it("no secret is in what Pulumi prints", async () => {
      ok(await pair.stack.run(["stack", "output", "--json"]));
      expect(pair.stack.transcript).toContain("--diff");
      expect(inText(pair.stack.transcript)).toEqual([]);
    });

    it("no secret is in plain text in the state, or in a file of the deployer", async () => {
      expect(inText(ok(await pair.stack.run(["stack", "export"])).stdout)).toEqual([]);
      expect(filesWith(all, pair.stack.directory)).toEqual([]);
      expect(filesWith(["openclaw-main-slot"], pair.stack.directory)).not.toEqual([]); // it does find what is there
    });
  });

  describe("on the host", () => {
    /** Files with one of these secrets, of all that were written since the pair came. */
    async function written(secrets: readonly string[]): Promise<string[]> {
      const patterns = secrets.flatMap((secret) => ["-e", `'${secret}'`]).join(" ");
      const find = `find / /tmp /run /dev/shm -xdev -type f -newerct @${since}`;
      const { stdout } = await pair.host.inside(`${find} -exec grep -laF ${patterns} {} +`);
      return [...new Set(stdout.split("\n").filter((path) => path !== ""))];
    }

    it.each(GATEWAYS)("the secrets of %s are in one directory, which nobody else can read", async (id) => {
      const directory = `${manageDir(pair.root)}/gateways/${id}/secrets`;
      const files = await written(own[id]);
      expect(files).not.toEqual([]);
      for (const file of files) expect(file).toMatch(new RegExp(`^${directory}/[0-9a-f]+(\\.files|\\.given)?\\.json$`));
      const rights = ok(await pair.host.inside(`stat -c '%A %U %G' ${directory} ${files.join(" ")} | sort -u`));
      // The gateway's own file is as OpenClaw wants it: nobody else's.
      expect(rights.stdout).toBe("-r-------- openclaw openclaw\n-rw-r----- root openclaw\ndrwxr-x--- root openclaw\n");
    });

    it("no file on the host holds the SSH key", async () => {
      expect(await written([privateKey])).toEqual([]);
    });

    it("no secret is in a log of the host", async () => {
      const journal = ok(await pair.host.inside(`journalctl --sync; journalctl --all -o export --since=@${since}`));
      expect(journal.stdout).toContain("openclaw-main");
      expect(inText(journal.stdout)).toEqual([]);
    });
  });
});

/** Every process of this machine and of its hosts, looked at again and again. */
class Processes {
  readonly seen: { commandLine: string; variables: string[] }[] = [];
  private readonly commandLines = new Map<string, string>();
  private readonly started = performance.now();
  private ended = 0;
  private looks = 0;
  private readonly timer = setInterval(() => this.look(), 100);

  /** Variables change only when another program is run, and so the command line. */
  private look(): void {
    this.looks++;
    for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
      const commandLine = read(`/proc/${pid}/cmdline`);
      if (commandLine === "" || this.commandLines.get(pid) === commandLine) continue;
      this.commandLines.set(pid, commandLine);
      this.seen.push({ commandLine, variables: read(`/proc/${pid}/environ`).split("\0") });
    }
  }

  stop(): void {
    clearInterval(this.timer);
    this.ended ||= performance.now();
  }

  hertz(): number {
    return (1000 * this.looks) / (this.ended - this.started);
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // it ended
  }
}

/** Files below a directory in which one of these texts stands. */
function filesWith(texts: readonly string[], directory: string): string[] {
  try {
    const args = ["-rlaF", ...texts.flatMap((text) => ["-e", text]), directory];
    return execFileSync("grep", args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] })
      .trim()
      .split("\n");
  } catch {
    return []; // grep found nothing
  }
}
