/** The lab keeps its promises: what the tests of the product build on. */
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync, existsSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually, finished, isRunning, ok, type Outcome } from "../support/processes";
import type { Host } from "./host";
import { inLab } from "./inLab";
import { Lab } from "./lab";
import { FIRST_RULE, LAB, RUN_DIRECTORY, SUBNET } from "./names";

inLab("a lab", () => {
  let lab: Lab;
  let bookworm: Host;
  let trixie: Host;
  let layer: string;

  beforeAll(async () => {
    lab = await Lab.start();
    layer = mkdtempSync(join(tmpdir(), "layer-"));
    mkdirSync(join(layer, "etc"));
    writeFileSync(join(layer, "etc/debian_version"), "from the layer");
    [bookworm, trixie] = await Promise.all([
      lab.host({ debian: "bookworm", layers: [layer] }),
      lab.host({ debian: "trixie", diskMegabytes: 64 }),
    ]);
  });
  afterAll(async () => {
    if (!lab) return; // another one has the machine, and what is here is its own
    await lab.stop();
    rmSync(layer, { recursive: true, force: true });
    expect(traces()).toEqual([]);
  });

  const each = [
    { debian: "bookworm", number: "12", host: () => bookworm },
    { debian: "trixie", number: "13", host: () => trixie },
  ];

  describe.each(each)("a host with $debian", ({ number, host }) => {
    it("a lab host is a bare Debian with all units up", async () => {
      const { stdout } = ok(await host().run("cat /etc/os-release; systemctl is-system-running --wait"));
      expect(stdout).toContain(`VERSION_ID="${number}"`);
      expect(stdout.trim()).toMatch(/running$/);
      expect((await host().run("which node npm curl wget")).stdout).toBe("");
      ok(await host().run("which apt-get sudo systemd-run"));
    });

    it("a lab host presents the host key that it claims to have", () => {
      const [type, key] = execFileSync("ssh-keyscan", ["-t", "ed25519", host().address], { stdio: "pipe" })
        .toString()
        .split(/\s+/)
        .slice(1);
      expect(host().hostKey).toBe(`${type} ${key}`);
    });

    it("a lab host has an unprivileged user", async () => {
      const { user } = host();
      const { stdout } = ok(await host().run("id -u; pwd; ls /var/lib/systemd/linger", { user }));
      expect(stdout).toBe(`1000\n/home/${user}\n`);
      expect((await host().run("sudo -n true", { user })).code).not.toBe(0);
    });

    it("a lab host's sshd has Debian's limits, and accepts passwords", async () => {
      expect(ok(await host().run("sshd -T")).stdout).toContain("maxstartups 10:30:100");
      ok(await host().run("chpasswd", { input: `${host().user}:correct horse\n` }));
      expect(await logInWith("correct horse", host())).toMatchObject({ code: 0, stdout: `${host().user}\n` });
      expect((await logInWith("wrong horse", host())).code).toBe(255);
    });

    it("a lab host takes input and separates outputs and exit codes, over SSH and without", async () => {
      const outcome = { code: 3, stdout: "in", stderr: "err" };
      expect(await host().run("cat; printf err >&2; exit 3", { input: "in" })).toEqual(outcome);
      expect(await host().inside("cat; printf err >&2; exit 3", { input: "in" })).toEqual(outcome);
    });

    it("a lab host restarts a system unit's process", async () => {
      await install(host(), "/etc/systemd/system/sleeper.service", SLEEPER("multi-user.target"));
      ok(await host().run("systemctl daemon-reload && systemctl enable --now sleeper"));
      const pid = await mainPid(host(), "root", "");
      ok(await host().run(`kill -9 ${pid}`));
      await eventually("another process", 10, async () => ![0, pid].includes(await mainPid(host(), "root", "")));
    });

    it("a lab host runs a user's unit when nobody is logged in, after a reboot too", async () => {
      const { user } = host();
      ok(await host().run(`loginctl enable-linger ${user}`));
      await install(host(), ".config/systemd/user/sleeper.service", SLEEPER("default.target"), user);
      ok(await host().run("systemctl --user daemon-reload && systemctl --user enable --now sleeper", { user }));
      ok(await host().run("logger before the reboot; echo stays >/root/stays; touch /run/goes"));
      await host().reboot();
      for (const owner of ["root", user])
        await eventually(`the unit of ${owner}`, 10, async () => (await host().inside(pgrep(owner))).code === 0);
      expect(await mainPid(host(), user, "--user")).toBeGreaterThan(0);
    });

    it("a lab host's journal and disk survive a reboot", async () => {
      expect(ok(await host().run("journalctl -b -1 -o cat -t root")).stdout).toContain("before the reboot");
      expect(ok(await host().run("cat /root/stays")).stdout).toBe("stays\n");
      expect((await host().run("ls /run/goes")).code).not.toBe(0);
    });

    it("a lab host kills what exceeds its MemoryMax=, and nothing else", async () => {
      const code = async (limit: string): Promise<number | null> =>
        (await host().run(`systemd-run --quiet --wait -p MemoryMax=${limit} perl -e 'print length("x" x 2e8)'`)).code;
      expect(await code("100M")).not.toBe(0);
      expect(await code("1G")).toBe(0);
      expect((await host().run(`journalctl -b -o cat _PID=1`)).stdout).toMatch(/code=killed, status=9\/KILL/);
    });
  });

  it("lab hosts reach each other and the registry, and nothing beyond", async () => {
    for (const [one, other] of [[bookworm, trixie] as const, [trixie, bookworm] as const])
      expect(ok(await one.run(bash(`head -c 4 </dev/tcp/${other.address}/22`))).stdout).toBe("SSH-");
    const beyond = await bookworm.run(bash("</dev/tcp/198.51.100.1/80"));
    expect(beyond.stderr).toContain("Network is unreachable");
    const { hostname, port } = new URL(lab.registryUrl);
    expect((await bookworm.run(`ip route add default via ${SUBNET}.1`)).stderr).toContain("not permitted");
    const request = `exec 3<>/dev/tcp/${hostname}/${port}; printf 'GET /-/ping HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3`;
    expect(ok(await bookworm.run(bash(request))).stdout).toMatch(/200 OK[^]*\{\}$/);
  });

  it("nothing for lab hosts leaves this machine", () => {
    const route = (...to: string[]): string => {
      try {
        return execFileSync("ip", ["route", "get", ...to], { encoding: "utf8", stdio: "pipe" });
      } catch (error) {
        return String((error as { stderr: string }).stderr);
      }
    };
    expect(route(bookworm.address)).toContain(`dev ${LAB}`);
    expect(route("10.243.1.1")).toContain("unreachable");
    writeFileSync(`/proc/sys/net/ipv4/conf/${LAB}/forwarding`, "1"); // as on a machine that forwards
    expect(route("198.51.100.1", "from", bookworm.address, "iif", LAB)).toMatch(/unreachable|No route to host/);
  });

  it("the lab shows a host's files from outside, layer by layer", async () => {
    expect(ok(await bookworm.run("cat /etc/debian_version && echo mine >/etc/debian_version")).stdout).toBe(
      "from the layer",
    );
    expect(readFileSync(join(bookworm.rootDirectory, "etc/debian_version"), "utf8")).toBe("mine\n");
    expect(readFileSync(join(layer, "etc/debian_version"), "utf8")).toBe("from the layer");
  });

  it("the lab can cut a host off: nothing answers, and a short cut breaks no connection", async () => {
    const session = bookworm.run("sleep 1; echo still here");
    await eventually("the session", 5, async () => (await bookworm.inside("pgrep -x -f 'sleep 1'")).stdout);
    bookworm.cut();
    expect(await knock(bookworm)).toMatch(/timeout|EHOSTUNREACH/);
    expect(await knock(trixie)).toBe("SSH-");
    bookworm.heal();
    await eventually("sshd", 10, async () => (await knock(bookworm)) === "SSH-");
    expect(ok(await session).stdout).toBe("still here\n");
  });

  it("the lab can cut a host's power, and its disk is kept", async () => {
    ok(await bookworm.run("echo kept >/root/kept; touch /run/lost; sync"));
    await bookworm.kill();
    expect(await knock(bookworm)).not.toBe("SSH-");
    await bookworm.boot();
    expect((await bookworm.run("cat /root/kept; ls /run/lost")).stdout).toBe("kept\n");
  });

  it("the lab can freeze a host: connections open, nobody answers", async () => {
    await bookworm.freeze();
    expect(await knock(bookworm)).toBe("silence");
    await bookworm.thaw();
    expect(await knock(bookworm)).toBe("SSH-");
  });

  it("the lab can refuse a port with a reset", async () => {
    bookworm.refusePort(22);
    expect(await knock(bookworm)).toBe("ECONNREFUSED");
    bookworm.acceptPort(22);
    expect(await knock(bookworm)).toBe("SSH-");
  });

  it("the lab can lose packets", () => {
    bookworm.losePackets(0.3);
    expect(lostPings(bookworm)).toBeGreaterThan(25);
    expect(lostPings(bookworm)).toBeLessThan(80);
    bookworm.keepPackets();
    expect(lostPings(bookworm)).toBe(0);
  });

  it("the lab can fill a host's disk", async () => {
    trixie.fillDisk();
    expect((await trixie.run("head -c 1M /dev/zero >/root/more")).stderr).toContain("No space left");
    trixie.freeDisk();
    ok(await trixie.run("head -c 1M /dev/zero >/root/more"));
    expect(() => bookworm.fillDisk()).toThrow("diskMegabytes");
  });

  it("the lab's registry serves this machine's packages itself", async () => {
    interface Package {
      versions: Record<string, { dist: { tarball: string; integrity: string } }>;
    }
    for (const [path, version] of [
      ["is-number", "7.0.0"],
      ["@types%2fis-number", "7.0.5"],
    ] as const) {
      const answer = (await (await fetch(`${lab.registryUrl}/${path}`)).json()) as Package;
      const { tarball, integrity } = answer.versions[version]!.dist;
      expect(tarball.startsWith(`${lab.registryUrl}/`)).toBe(true);
      const archive = Buffer.from(await (await fetch(tarball)).arrayBuffer());
      expect(`sha512-${createHash("sha512").update(archive).digest("base64")}`).toBe(integrity);
    }
    expect((await fetch(`${lab.registryUrl}/@types/no-such-package-at-all`)).status).toBe(404);
  });

  it("only one lab runs in each slot of this machine", async () => {
    await expect(Lab.start()).rejects.toThrow(`in use by process ${process.pid} `);
    expect(await knock(bookworm)).toBe("SSH-");
  });

  it("the lab removes a host completely, frozen or not, and creates others", async () => {
    const gone = await lab.host({ debian: "bookworm", diskMegabytes: 64 });
    await gone.freeze();
    await gone.dispose();
    expect(traces().filter((trace) => trace.includes(gone.name))).toEqual([]);
    expect(await knock(bookworm)).toBe("SSH-");
  });
});

inLab("a lab whose process is killed", () => {
  it("the lab is removed by its watchdog", async () => {
    const program = await otherProcessWithALab();
    expect(traces()).not.toEqual([]);
    await expect(Lab.start()).rejects.toThrow(`in use by process ${program.pid} `);
    program.kill("SIGKILL");
    await expect.poll(traces, { timeout: 20_000, interval: 200 }).toEqual([]);
  });

  it("the next lab removes one whose watchdog was killed too", async () => {
    const program = await otherProcessWithALab();
    const watchdog = childrenOf(program.pid!).find((pid) => commandLine(pid).includes("watchdog.ts"));
    process.kill(watchdog!, "SIGKILL");
    program.kill("SIGKILL");
    await eventually("its end", 5, () => !isRunning(program.pid!));
    expect(traces()).not.toEqual([]);
    const lab = await Lab.start();
    await lab.stop();
    expect(traces()).toEqual([]);
  });
});

async function otherProcessWithALab(): Promise<ChildProcess> {
  const line = ["-r", "ts-node/register/transpile-only", join(__dirname, "programs/oneHost.ts")];
  const program = spawn(process.execPath, line, { stdio: ["ignore", "pipe", "inherit"] });
  await new Promise((resolve, reject) => {
    program.stdout.once("data", resolve).once("end", () => reject(new Error("it ended before it had a host")));
  });
  return program;
}

const bash = (line: string): string => `bash -c "${line}"`;

const pgrep = (owner: string): string => `pgrep -u ${owner} -x -f '/bin/sleep 98765'`;

const SLEEPER = (target: string): string =>
  `[Service]\nExecStart=/bin/sleep 98765\nRestart=always\nRestartSec=100ms\n[Install]\nWantedBy=${target}\n`;

async function install(host: Host, path: string, input: string, user = "root"): Promise<void> {
  ok(await host.run(`mkdir -p $(dirname ${path}) && cat >${path}`, { user, input }));
}

async function mainPid(host: Host, user: string, manager: string): Promise<number> {
  return Number(ok(await host.run(`systemctl ${manager} show --value -p MainPID sleeper`, { user })).stdout);
}

/** SSH with a password and no key. */
async function logInWith(password: string, { user, address, hostKey }: Host): Promise<Outcome> {
  const directory = mkdtempSync(join(tmpdir(), "password-"));
  const [askpass, knownHosts] = [join(directory, "askpass"), join(directory, "known_hosts")];
  writeFileSync(askpass, `#!/bin/sh\necho '${password}'\n`, { mode: 0o700 });
  writeFileSync(knownHosts, `${address} ${hostKey}\n`);
  const options = ["PubkeyAuthentication=no", "NumberOfPasswordPrompts=1", `UserKnownHostsFile=${knownHosts}`];
  const flags = ["-F", "none", ...options.map((option) => `-o${option}`)];
  const env = { ...process.env, SSH_ASKPASS: askpass, SSH_ASKPASS_REQUIRE: "force" };
  const outcome = await finished(spawn("ssh", [...flags, `${user}@${address}`, "whoami"], { env, stdio: "pipe" }));
  rmSync(directory, { recursive: true });
  return outcome;
}

/** What somebody at the door of sshd meets: its greeting, silence behind an open door, or why it does not open. */
function knock({ address, port }: Host): Promise<string> {
  return new Promise((resolve) => {
    let met = "timeout";
    const socket = connect({ host: address, port });
    const over = setTimeout(() => resolve(met), 1_000);
    socket.on("connect", () => (met = "silence"));
    const end = (what: string) => {
      clearTimeout(over);
      resolve(what);
    };
    socket.on("data", (data) => end(data.toString().slice(0, 4)));
    socket.on("error", (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
    setTimeout(() => socket.destroy(), 1_100).unref();
  });
}

/** How many of 100 pings have no answer. */
function lostPings({ address }: Host): number {
  const flags = ["ping", "-q", "-c", "100", "-i", "0.01", "-W", "1", address];
  return Number(/(\d+)% packet loss/.exec(execFileSync("busybox", flags, { encoding: "utf8" }))![1]);
}

/** Everything of a lab that is on this machine. */
function traces(): string[] {
  const lines = (text: string) => text.split("\n").filter((line) => line.includes(LAB));
  const run = (...line: [string, ...string[]]) => lines(execFileSync(line[0], line.slice(1), { encoding: "utf8" }));
  const names = (directory: string) => (existsSync(directory) ? readdirSync(directory) : []);
  const below = (directory: string) => names(directory).map((name) => join(directory, name));
  const processes = names("/proc").filter((pid) => isRunning(Number(pid)) && cgroupsOf(pid).includes(LAB));
  const rules = execFileSync("ip", ["rule"], { encoding: "utf8" }).split("\n");
  const groups = below("/sys/fs/cgroup").flatMap(below);
  const files = ["/run", "/tmp", "/var/tmp", ...below("/run/systemd/nspawn"), join(RUN_DIRECTORY, "hosts")].flatMap(
    below,
  );
  return [
    ...processes.map((pid) => `process ${pid} of ${cgroupsOf(pid)}: ${commandLine(Number(pid))}`),
    ...run("ip", "link"),
    ...run("losetup", "--list"),
    ...rules.filter((rule) => [0, 1, 2].some((offset) => rule.startsWith(`${FIRST_RULE + offset}:`))),
    ...lines(readFileSync("/proc/self/mountinfo", "utf8")),
    ...[...groups, ...files].filter((path) => path.includes(LAB)),
  ];
}

function readProcess(pid: number | string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return ""; // it ended meanwhile
  }
}

const cgroupsOf = (pid: string): string => readProcess(pid, "cgroup").replaceAll("\n", " ");
const commandLine = (pid: number): string => readProcess(pid, "cmdline").replaceAll("\0", " ");
const childrenOf = (pid: number): number[] => readProcess(pid, `task/${pid}/children`).trim().split(" ").map(Number);
