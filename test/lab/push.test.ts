/** Hosts that reach no registry at all: this machine sends them everything, over real links that break. */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { manageDir } from "../../model/hostLayout";
import type { PushRequest } from "../../model/requests";
import { PROJECT, TestStack } from "../support/engine";
import { askForLock } from "../support/packageLocks";
import { finished, ok, type Outcome } from "../support/processes";
import { pause } from "./commands";
import type { Host } from "./host";
import { inLab } from "./inLab";
import { Lab } from "./lab";
import { STAND_IN_VERSION as VERSION } from "./registry";

/** The first push on a machine makes its archives. */
const FIRST_PUSH_MS = 5 * 60_000;
const GATEWAY = "spare";

inLab("sending to hosts", () => {
  let lab: Lab;
  let bookworm: Host;
  let trixie: Host;
  let packages: string;
  beforeAll(async () => {
    lab = await Lab.start();
    packages = ok(await askForLock({ version: VERSION }, environment())).stdout.trim();
    [bookworm, trixie] = await Promise.all([lab.host({ debian: "bookworm" }), lab.host({ debian: "trixie" })]);
  });
  afterAll(async () => {
    await lab?.stop();
    rmSync(cache, { recursive: true });
  });
  /** Not the user's: the release is not one of OpenClaw. */
  const cache = mkdtempSync(join(tmpdir(), "push-cache-"));
  /** Of the deployer. */
  const environment = () => ({ XDG_CACHE_HOME: cache, npm_config_registry: lab.registryUrl });

  /** Runs the program that sends a release, as a local.Command runs it. */
  function push(host: Host, hostKey = host.hostKey) {
    const { address, port, user } = host;
    const dialling = { dialErrorLimit: 1, perDialTimeout: 5 };
    const request: PushRequest = {
      connection: { user, host: address, port, privateKey: lab.privateKey, hostKey, ...dialling },
      sudo: false,
      manage: manageDir(`/home/${user}`),
      release: { gateway: GATEWAY, version: VERSION, packages },
    };
    const child = spawn(process.execPath, [join(PROJECT, "dist", "deployer.cjs"), "send"], {
      stdio: "pipe",
      env: { ...process.env, ...environment() },
    });
    child.stdin.end(JSON.stringify(request));
    return { child, outcome: finished(child) };
  }
  const releases = (host: Host): string =>
    join(host.rootDirectory, manageDir(`/home/${host.user}`), `gateways/${GATEWAY}/releases`);
  const sentBytes = ({ stdout }: Outcome): number => Number(/^sent (\d+) bytes$/m.exec(stdout)?.[1] ?? 0);
  const partOf = (host: Host): string | undefined => {
    const name = existsSync(releases(host))
      ? readdirSync(releases(host)).find((each) => each.endsWith(".part"))
      : undefined;
    return name === undefined ? undefined : join(releases(host), name);
  };

  async function firstBytes(host: Host, outcome: Promise<Outcome>): Promise<string> {
    let end: Outcome | undefined;
    void outcome.then((ended) => (end = ended));
    // More often than elsewhere: the whole is there in half a second.
    for (; ; await pause(5)) {
      const part = partOf(host);
      if (part !== undefined && statSync(part).size > 5e6) return part;
      if (end) throw new Error(`no part of it was seen: ${end.stderr}${end.stdout}`);
    }
  }

  it("nothing is sent to a host with another key", async () => {
    const { code, stderr } = await push(trixie, bookworm.hostKey).outcome;
    expect(code).toBe(1);
    expect(stderr).toMatch(/cannot reach .*host key mismatch/);
    expect(stderr).not.toContain("    at ");
  });

  it("a push resumes after the link was cut", { timeout: FIRST_PUSH_MS }, async () => {
    const { outcome } = push(trixie);
    const part = await firstBytes(trixie, outcome);
    trixie.cut();
    const cutAt = Date.now();
    const first = await outcome;
    trixie.heal();
    expect((Date.now() - cutAt) / 1000).toBeLessThan(45);
    expect(first.code).toBe(1);
    // On a busy machine it is not our patience that ends first.
    expect(first.stderr).toMatch(
      /(has been silent for 30 s|the connection was lost)\n +-> run `pulumi up` again: it continues where it stopped/,
    );
    const arrived = statSync(part).size;

    const second = ok(await push(trixie).outcome);
    const whole = statSync(join(releases(trixie), `${VERSION}.tgz`)).size;
    console.log(`cut at ${arrived} of ${whole} bytes; then sent ${sentBytes(second)}`);
    expect(arrived).toBeLessThan(whole);
    expect(sentBytes(second)).toBeGreaterThan(0);
    expect(sentBytes(second)).toBeLessThanOrEqual(whole - arrived + 2 * 1024 * 1024);
    expect(second.stderr).toContain("MB are already there");
    expect(partOf(trixie)).toBeUndefined();
  });

  it("a push sends nothing twice", async () => {
    expect(ok(await push(trixie).outcome).stdout).toBe("nothing to send\n");
    ok(await trixie.run(`cd ${releases(trixie).slice(trixie.rootDirectory.length)} && rm *.tgz && mkdir ${VERSION}`));
    expect(ok(await push(trixie).outcome).stdout).toBe("nothing to send\n");
    ok(await trixie.run(`rmdir ${releases(trixie).slice(trixie.rootDirectory.length)}/${VERSION}`));
  });

  it("a push sends again what is damaged on the host", async () => {
    const { outcome } = push(trixie);
    const part = await firstBytes(trixie, outcome);
    const inside = part.slice(trixie.rootDirectory.length);
    await outcome;
    const archive = inside.replace(/\.[^.]+\.part$/, "");
    const { size } = statSync(join(trixie.rootDirectory, archive));
    ok(await trixie.run(`printf x | dd of=${archive} bs=1 seek=1000000 conv=notrunc && cp ${archive} /tmp/part`));
    expect(sentBytes(ok(await push(trixie).outcome))).toBe(size);
    ok(
      await trixie.run(
        `rm ${archive}; mv /tmp/part ${inside}; truncate -s 10M ${inside}; chown ${trixie.user}: ${inside}`,
      ),
    );
    const again = ok(await push(trixie).outcome);
    expect(again.stderr).toContain("the part that was there is damaged; sending it all again");
    expect(sentBytes(again)).toBeGreaterThan(size);
    expect(statSync(join(trixie.rootDirectory, archive)).size).toBe(size);
  });

  it("a push brings a pair up on a host without a registry, and shows nobody the key", async () => {
    const stack = await TestStack.create();
    Object.assign(stack.env, environment());
    try {
      stack.configs({
        target: "ssh",
        version: VERSION,
        "ssh.push": "true",
        "ssh.host": bookworm.address,
        "ssh.hostKey": bookworm.hostKey,
      });
      await stack.secretConfig("ssh.privateKey", lab.privateKey);
      const canary = lab.privateKey.split("\n")[3]!;
      const [seen, stopLooking] = lookAtProcesses(canary);
      const started = Date.now();
      ok(await stack.up());
      console.log(`first up by push: ${(Date.now() - started) / 1000} s`);
      stopLooking();
      expect([...seen]).toEqual([]);
      for (const gateway of ["main", "rescue"]) ok(await bookworm.run(`openclaw-${gateway} gateway health`));
      expect(stack.transcript).not.toContain(canary);
      expect(ok(await stack.run(["stack", "export"])).stdout).not.toContain(canary);
      expect((await bookworm.run(`grep -rlF '${canary}' /var /tmp /home /root /etc`)).stdout).toBe("");

      ok(await stack.preview("--expect-no-changes"));
      const left = `cd ${manageDir("/var/lib/openclaw")} && find . -name '*.tgz' -o -name '*.part' -o -name pushed`;
      expect(ok(await bookworm.run(left)).stdout).toBe("");
      const again = ok(await stack.up("--replace", "**-push*"));
      expect(new Set(again.stdout.match(/\S+-push@\S+(?= .*nothing to send)/g)).size).toBe(3);
      expect(again.stdout).not.toMatch(/sent \d/);
      expect(again.stdout).toMatch(/3 replaced/);
    } finally {
      stack.forget();
    }
  });
});

/** Looks for a text in the arguments of all processes, of this machine and its hosts, and in the senders' environment. */
function lookAtProcesses(text: string): [Set<string>, () => void] {
  const seen = new Set<string>();
  const look = (): void => {
    for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
      const [cmdline, environ] = ["cmdline", "environ"].map((file) => read(`/proc/${pid}/${file}`));
      if (cmdline!.includes(text)) seen.add(cmdline!);
      if (/deployer-\d+\.cjs|npm/.test(cmdline!) && environ!.includes(text)) seen.add(`environment of ${cmdline}`);
    }
  };
  const timer = setInterval(look, 250);
  return [seen, () => clearInterval(timer)];
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // it ended
  }
}
