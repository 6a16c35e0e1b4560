/** A host is looked at before anything on it is touched, in one connection. */
import { generateKeyPairSync } from "node:crypto";
import { createRequire } from "node:module";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { hostScript, packageFile } from "../../components/targets/bootstrap";
import { layoutOf } from "../../components/targets/hostLayout";
import type * as client from "../../ssh/ask";
import { probeScript } from "../../components/targets/ssh/probe";
import type { LookedAtHost } from "../../components/targets/ssh/hostProblems";
import { inspectHost } from "../../components/targets/ssh/inspectHost";
import { TestStack } from "../support/engine";
import { ok, type Outcome } from "../support/processes";
import type { Connection } from "../../model/connection";
import type { Host } from "./host";
import { inLab } from "./inLab";
import { Lab } from "./lab";
import { rootLayer } from "./layers";
import { PairOn } from "./stacks";

inLab("a look at a host", () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await Lab.start();
  });
  afterAll(() => lab?.stop());

  /** The root stack on a host. */
  async function stackOn(host: Host, user: string): Promise<TestStack> {
    const { stack } = await PairOn.create(lab, host, "root");
    stack.config("ssh.user", user);
    return stack;
  }

  describe("that nobody has deployed to", () => {
    let host: Host;
    let stack: TestStack;
    beforeAll(async () => {
      host = await lab.host({ debian: "trixie" });
      await logConnections(host);
      stack = await stackOn(host, host.user);
    });
    afterAll(() => stack?.forget());

    /** What `up` says where it is refused, and changes nothing. */
    async function refusal(): Promise<string> {
      const before = await contents(host);
      const outcome = await stack.up();
      expect(outcome.code, outcome.stdout).not.toBe(0);
      expect(await contents(host)).toBe(before);
      expect(outcome.stdout).toContain("found before anything was changed");
      return outcome.stdout + outcome.stderr;
    }

    describe("refuses", () => {
      let undo: (() => unknown)[] = [];
      afterEach(async () => {
        for (const each of undo) await each();
        undo = [];
      });

      /** Config for one test. */
      function set(path: string, value: string, usual: string): void {
        undo.push(() => stack.config(path, usual));
        stack.config(path, value);
      }

      /** What a look alone finds wrong with the host: what comes of that, the first row and the last show. */
      async function problems(connection: Partial<Connection> = {}, args: Partial<LookedAtHost> = {}) {
        const { address, hostKey, port, user } = host;
        const dialing = { host: address, port, hostKey, user, privateKey: lab.privateKey, ...DIALING, ...connection };
        const isRoot = dialing.user === "root" || args.sudo === true;
        const layout = { ...layoutOf({}, isRoot, `/home/${user}`), ...args.layout };
        const found = await inspectHost({ name: "ssh", sudo: false, ...args, layout }, dialing, []);
        return found.problems.map(({ path, reason }) => `${path}: ${reason}`);
      }

      it("preview refuses another host key, and sends it no login", async () => {
        set("ssh.hostKey", otherKey(), host.hostKey);
        const since = await now(host);
        const text = await refusal();
        expect(text).toMatch(
          /ssh\.hostKey: is ssh-ed25519 SHA256:\S+, but the host presents ssh-ed25519 SHA256:\S+: nothing/,
        );
        expect(text).toContain("ssh-keyscan -t ed25519");
        const log = await connections(host, since);
        expect(log.filter((line) => line.startsWith("Connection from"))).toHaveLength(1);
        expect(log.join("\n")).not.toMatch(/user|Accepted|Failed|preauth.*password/i);
      });

      it("preview refuses an unknown user", async () => {
        const said = "ssh.user: the host rejects the login of nobody-there with publickey";
        expect(await problems({ user: "nobody-there" })).toEqual([said]);
      });

      it("preview refuses another private key", async () => {
        const { privateKey } = generateKeyPairSync("ed25519");
        const text = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
        expect(await problems({ privateKey: text })).toEqual([
          `ssh.user: the host rejects the login of ${host.user} with publickey`,
        ]);
      });

      it("preview refuses an expired account", async () => {
        ok(await host.inside(`chage -E 0 ${host.user}`));
        undo.push(() => host.inside(`chage -E -1 ${host.user}`));
        expect(await problems()).toEqual([`ssh.user: the host rejects the login of ${host.user} with publickey`]);
      });

      it("preview refuses an account without a shell", async () => {
        ok(await host.inside(`usermod -s /usr/sbin/nologin ${host.user}`));
        undo.push(() => host.inside(`usermod -s /bin/bash ${host.user}`));
        expect(await problems()).toEqual([
          expect.stringMatching(/ssh\.user: .* can log in, but cannot run `sh` .*This account is currently not/),
        ]);
      });

      it("preview refuses a user without lingering, with the administrator's command", async () => {
        const text = await refusal();
        expect(text).toContain("1 problem found");
        expect(text).toContain(`ssh.supervisor: ${host.user}'s services stop when ${host.user}'s last session ends`);
        expect(text).toContain(`run: loginctl enable-linger ${host.user}`);
      });

      it("preview refuses a user without sudo", async () => {
        const said = `ssh.sudo: ${host.user} cannot become root on the host without a password`;
        expect(await problems({}, { sudo: true })).toEqual([expect.stringContaining(said)]);
      });

      it("preview refuses all other problems at once", async () => {
        ok(await host.inside(`loginctl enable-linger ${host.user}`));
        const units = `/home/${host.user}/.config/systemd/user`;
        ok(await host.inside(`mkdir -p ${units} && echo '[Service]' >${units}/openclaw-gateway-rescue.service`));
        ok(await host.inside(`mkdir /home/${host.user}/.openclaw && touch /home/${host.user}/.openclaw/openclaw.json`));
        ok(await host.inside(`chown -R ${host.user}: /home/${host.user}`));
        ok(await host.inside(LISTEN(18_800)));
        set("root", "/srv/claw", "");
        undo.push(() => host.inside(`systemctl stop listener; loginctl disable-linger ${host.user}`));
        undo.push(() => host.inside(`rm -r /home/${host.user}/.config /home/${host.user}/.openclaw`));
        let text = await refusal();
        expect(text).toContain(`ssh.root: ${host.user} cannot write to /srv on the host`);
        expect(text).toMatch(/main\.basePort: .* listens on port 18800, one of this gateway's ports 18789-18899/);
        expect(text).toContain(`rescue.profile: ${units}/openclaw-gateway-rescue.service runs a gateway with the same`);
        stack.config("root", "");
        text = await refusal();
        expect(text).toContain(`main.stateDir: /home/${host.user}/.openclaw exists and no stack owns it`);
      });

      it("preview refuses the account of another program, seen as root", async () => {
        const layout = layoutOf({ account: host.user }, true, "/root");
        expect(await problems({ user: "root" }, { layout })).toEqual([
          expect.stringContaining(`ssh.account: the account ${host.user} exists and was not created by`),
        ]);
      });
    });

    it("costs one connection", async () => {
      stack.config("ssh.user", "root");
      const since = await now(host);
      const started = Date.now();
      ok(await stack.preview());
      console.log(`preview: ${Date.now() - started} ms`);
      expect(opened(await connections(host, since))).toEqual({ connections: 1, logins: 1 });
    });

    describe("by itself", () => {
      const script = (): string => {
        const layout = { root: "/var/lib/openclaw", binDir: "/usr/local/bin", account: "openclaw" };
        return probeScript(hostScript("look.sh"), layout, false, []);
      };
      const { askHost: ask } = createRequire(__filename)(packageFile("dist", "ssh.cjs")) as typeof client;
      const dialing = () => ({
        host: host.address,
        port: host.port,
        hostKey: host.hostKey,
        user: "root",
        privateKey: lab.privateKey,
        ...DIALING,
      });
      const whole = { output: expect.stringMatching(/end\n$/) as string };

      it("an inspection alone takes a moment", async () => {
        const times: number[] = [];
        for (let n = 0; n < 7; n++) {
          const started = performance.now();
          expect(await ask(dialing(), script())).toMatchObject(whole);
          times.push(Math.round(performance.now() - started));
        }
        console.log(`one look: ${times.join(", ")} ms`);
        expect(Math.min(...times)).toBeLessThan(2_000);
      });

      it("an inspection goes through a bastion, whose key is compared first", async () => {
        const behind = { ...dialing(), host: "127.0.0.1" };
        expect(await ask({ ...behind, proxy: dialing() }, script())).toMatchObject(whole);
        const proxy = { ...dialing(), hostKey: otherKey() };
        expect(await ask({ ...behind, proxy }, script())).toMatchObject({
          at: "proxy",
          shownKey: expect.any(String) as string,
        });
        expect(await ask({ ...behind, port: 1, proxy: dialing() }, script())).toEqual({
          silence: expect.any(String) as string,
        });
      });

      it("an inspection needs the right passphrase, and a running agent", async () => {
        const key = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
        const privateKey = key
          .export({ type: "pkcs1", format: "pem", cipher: "aes-256-cbc", passphrase: "right" })
          .toString();
        const wrong = await ask({ ...dialing(), privateKey, privateKeyPassword: "wrong" }, script());
        expect(wrong).toMatchObject({ unusable: "privateKeyPassword" });
        expect(await ask({ ...dialing(), privateKey }, script())).toMatchObject({ unusable: "privateKey" });
        const agentSocketPath = "/no/such/agent";
        expect(await ask({ ...dialing(), agentSocketPath }, script())).toMatchObject({ unusable: "agentSocketPath" });
      });

      it("an inspection logs in with a password", async () => {
        ok(await host.inside(`echo ${host.user}:correct-horse | chpasswd`));
        const { privateKey: _, ...rest } = { ...dialing(), user: host.user };
        expect(await ask({ ...rest, password: "correct-horse" }, script())).toMatchObject(whole);
        expect(await ask({ ...rest, password: "wrong-horse" }, script())).toMatchObject({ user: host.user });
      });
    });

    it("preview waits until the address of a new host is known", async () => {
      const other = await TestStack.create(join(__dirname, "programs/newHost.ts"));
      try {
        Object.assign(other.env, { address: host.address, hostKey: host.hostKey, user: "nobody-there" });
        expect(ok(await other.preview()).stdout).toContain("box: its address or key is not known yet");
        const { stdout, code } = await other.up();
        expect(code).not.toBe(0);
        expect(stdout).toContain("box.user: the host rejects the login of nobody-there with password");
        expect(other.transcript).not.toContain("canary");
      } finally {
        other.forget();
      }
    });

    it("preview only warns of a host that refuses connections, is down, or has no address", async () => {
      const lines = (outcome: Outcome) => [
        ...new Set(ok(outcome).stdout.match(/ssh: the host does not answer \([^)]*\)/g)),
      ];
      host.refusePort(22);
      expect(lines(await stack.preview())).toEqual(["ssh: the host does not answer (connection refused)"]);
      host.acceptPort(22);
      host.cut();
      const started = Date.now();
      expect(lines(await stack.preview())).toEqual([expect.stringMatching(/timeout|no route|unreachable/)]);
      console.log(`preview, cut off: ${Date.now() - started} ms`);
      host.heal();
      await host.freeze();
      const hung = await stack.preview();
      await host.thaw();
      expect(hung.code).not.toBe(0); // the command plugin would wait for ever
      expect(hung.stdout + hung.stderr).toContain("ssh.host: accepts connections but does not answer");
      stack.config("ssh.host", "no-such-host.invalid");
      expect(lines(await stack.preview())).toEqual([expect.stringMatching(/no such host|EAI_AGAIN/)]);
      stack.config("ssh.host", host.address);
    });
  });

  describe("with a pair on it", () => {
    let host: Host;
    let stack: TestStack;
    beforeAll(async () => {
      host = await lab.host({ debian: "bookworm", layers: [await rootLayer("main", "rescue", "ops", "ops2")] });
      await logConnections(host);
      stack = await stackOn(host, "root");
      const since = await now(host);
      const started = Date.now();
      ok(await stack.up());
      console.log(`first up: ${Date.now() - started} ms`, opened(await connections(host, since)));
    });
    afterAll(() => stack?.forget());

    it("the inspection costs one connection, also in an up that changes nothing", async () => {
      const since = await now(host);
      ok(await stack.preview("--expect-no-changes"));
      expect(opened(await connections(host, since))).toEqual({ connections: 1, logins: 1 });
      const before = await now(host);
      ok(await stack.up("--expect-no-changes"));
      expect(opened(await connections(host, before))).toEqual({ connections: 1, logins: 1 });
    });

    describe("and another stack that comes to it", () => {
      const manage = "/var/lib/openclaw/.pulumi-openclaw";
      let one: TestStack;
      beforeAll(async () => {
        one = await TestStack.create(join(__dirname, "programs/oneGateway.ts"), "other");
        const { address, hostKey } = host;
        Object.assign(one.env, { address, hostKey, privateKey: lab.privateKey, registry: lab.registryUrl });
      });
      afterAll(() => one?.forget());

      const isWhole = async (id: string): Promise<void> => void ok(await host.inside(`openclaw-${id} gateway health`));

      /** What a deployment could change of these gateways, and their processes. */
      async function traces(...ids: string[]): Promise<string> {
        const units = ids.map((id) => (id === "main" ? "openclaw-gateway" : `openclaw-gateway-${id}`));
        const places = [
          ...ids.flatMap((id) => [`${manage}/gateways/${id}`, `/usr/local/bin/openclaw-${id}`]),
          ...units.map((unit) => `/etc/systemd/system/${unit}.service`),
        ].join(" ");
        const files = `find ${places} -not -path '*/releases/*' -printf '%p %m %u %g %l %T@\\n'`;
        const texts = `find ${places} -not -path '*/releases/*' -type f -exec sha256sum {} +`;
        return ok(await host.inside(`${files} && ${texts} && systemctl show -P MainPID ${units.join(" ")}`)).stdout;
      }

      /** All but what running gateways write, and their releases, which take long to read. */
      const rest = async (): Promise<string> =>
        (await contents(host, "/var/lib/openclaw/.openclaw*/*", "*/releases/*")) + (await traces("main", "rescue"));

      /** An up says this, and changes nothing. */
      async function refused(theirs: TestStack, ...messages: RegExp[]): Promise<void> {
        const before = await rest();
        const outcome = await theirs.up();
        expect(outcome.code, outcome.stdout).not.toBe(0);
        expect(outcome.stdout).toContain("found before anything was changed");
        for (const message of messages) expect(outcome.stdout).toMatch(message);
        expect(await rest()).toBe(before);
      }

      it("another stack is refused the pair's names and directories, with their owner", async () => {
        const { stack: same } = await PairOn.create(lab, host, "root", "other");
        try {
          const owner = (gateway: string) => `gateway openclaw-${gateway} of stack organization/openclaw/test`;
          await refused(
            same,
            ...["main", "rescue"].flatMap((id) => [
              new RegExp(`${id}\\.profile: this host already has a gateway ${id}, which belongs to ${owner(id)}\n`),
              new RegExp(`${id}\\.stateDir: /var/lib/openclaw/\\.openclaw\\S* belongs to ${owner(id)}\n`),
            ]),
          );
        } finally {
          same.forget();
        }
        await isWhole("main");
      });

      it("another stack is refused overlapping ports", async () => {
        Object.assign(one.env, { profile: "ops", basePort: "18889" });
        await refused(
          one,
          /basePort: its ports 18889-18999 overlap those of gateway openclaw-main of stack \S+\/test /,
        );
      });

      it("a stack beside the pair works, and the pair is refused what that stack owns", async () => {
        const before = await traces("main", "rescue");
        Object.assign(one.env, { profile: "ops", basePort: "20789" });
        ok(await one.up());
        await isWhole("ops");
        expect(await traces("main", "rescue")).toBe(before);
        ok(await stack.preview("--expect-no-changes"));
        const theirs = await traces("ops");
        stack.config("main.basePort", "20700");
        stack.config("rescue.profile", "ops");
        await refused(
          stack,
          /main\.basePort: its ports 20700-20810 overlap those of gateway ops of stack \S+\/other /,
          /rescue\.profile: this host already has a gateway ops, which belongs to gateway ops of stack \S+\/other\n/,
        );
        for (const path of ["main.basePort", "rescue.profile"]) ok(await stack.run(["config", "rm", "--path", path]));
        expect(await traces("ops")).toBe(theirs);
      });

      it("destroying another stack leaves the pair alone", async () => {
        const before = await traces("main", "rescue");
        ok(await one.destroy());
        expect(await traces("main", "rescue")).toBe(before);
        for (const id of ["main", "rescue"]) await isWhole(id);
        ok(await stack.preview("--expect-no-changes"));
        const left = `find ${manage}/gateways /etc/systemd /usr/local/bin -maxdepth 2 -name '*ops' -o -name '*ops.service'`;
        expect(ok(await host.inside(left)).stdout).toBe("");
      });

      it("another stack survives the pair's destruction, and takes over its data", async () => {
        Object.assign(one.env, { profile: "ops2" });
        ok(await one.up());
        const before = await traces("ops2");
        ok(await stack.destroy());
        expect(await traces("ops2")).toBe(before);
        await isWhole("ops2");
        ok(await one.preview("--expect-no-changes"));
        expect(ok(await host.inside(`ls ${manage}/gateways`)).stdout).toBe("ops2\n");
        ok(await one.destroy());
        expect(
          ok(await host.inside("ls -A /var/lib/openclaw"))
            .stdout.split("\n")
            .filter(Boolean),
        ).toEqual([".openclaw", ".openclaw-ops", ".openclaw-ops2", ".openclaw-rescue"]);
      });
    });
  });
});

const DIALING = { dialErrorLimit: 0, perDialTimeout: 5 };

function otherKey(): string {
  const { x } = generateKeyPairSync("ed25519").publicKey.export({ format: "jwk" });
  const field = (bytes: Buffer): Buffer => Buffer.concat([Buffer.from([0, 0, 0, bytes.length]), bytes]);
  const blob = Buffer.concat([field(Buffer.from("ssh-ed25519")), field(Buffer.from(x!, "base64url"))]);
  return `ssh-ed25519 ${blob.toString("base64")}`;
}

const LISTEN = (port: number): string =>
  `systemd-run --quiet --unit=listener perl -MIO::Socket::INET -e '@l = (IO::Socket::INET->new(Listen=>1,LocalAddr=>"127.0.0.1:${port}") or die); sleep 999' && sleep 1`;

async function logConnections(host: Host): Promise<void> {
  ok(await host.inside("echo LogLevel VERBOSE >/etc/ssh/sshd_config.d/lab.conf && systemctl reload ssh && sleep 1"));
}

const now = async (host: Host): Promise<string> => ok(await host.inside("sleep 1.1; date +%s")).stdout.trim();

/** What sshd has logged since then. */
async function connections(host: Host, since: string): Promise<string[]> {
  const log = `journalctl --sync; journalctl -q -o cat -t sshd -t sshd-session --since=@${since}`;
  return ok(await host.inside(log)).stdout.split("\n");
}

const opened = (log: readonly string[]) => ({
  connections: log.filter((line) => line.startsWith("Connection from")).length,
  logins: log.filter((line) => /^Accepted \w+ for /.test(line)).length,
});

/** Everything that a deployment could change, but what the machine itself writes down. */
async function contents(host: Host, ...but: string[]): Promise<string> {
  const not = ["*/lastlog*", "/var/lib/systemd/*", ...but].map((path) => `-not -path '${path}'`).join(" ");
  const places = `find /etc /home /root /var/lib /srv /usr/local -xdev ${not}`;
  const texts = "-type f -exec sha256sum {} +";
  return ok(await host.inside(`{ ${places} -printf '%p %m %u %g %l\\n'; ${places} ${texts}; } | sort`)).stdout;
}
