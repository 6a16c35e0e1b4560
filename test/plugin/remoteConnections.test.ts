/** How a host is reached: its key, ways to log in, tries again, a host in between. */
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { existsSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Server as SshServer, type AuthContext } from "ssh2";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { freePort, type KeyOptions } from "../support/sshd";
import { refusal, type Properties, type StepOptions } from "./pluginClient";
import { create, forEachPluginWithSsh } from "./ssh";

const UNKNOWN_ERROR = 2;
const NO_WAY_IN = (tried: string): string =>
  `ssh: handshake failed: ssh: unable to authenticate, attempted methods [${tried}], no supported methods remain`;
const MISMATCH = "ssh: handshake failed: ssh: host key mismatch";
const failed = (tries: number, reason: string): string => `after ${tries} failed attempts: ${reason}`;

forEachPluginWithSsh((plugin, ssh) => {
  beforeEach(() => void (plugin.engine.logs.length = 0));
  const logs = (): string[] => plugin.engine.logs.map(({ message }) => message);

  /** Runs `echo a` over a connection. */
  const reach = (connection: Properties = {}, options: StepOptions = {}): Promise<Properties> =>
    create(plugin, { connection: ssh.connection(connection), create: "echo a" }, options);
  const reaches = async (connection: Properties = {}): Promise<void> => {
    expect(await reach(connection)).toMatchObject({ stdout: "a" });
  };
  const refuses = async (connection: Properties, message: string | RegExp): Promise<void> => {
    const expected = typeof message === "string" ? message : (expect.stringMatching(message) as string);
    expect(await refusal(reach(connection))).toEqual({ code: UNKNOWN_ERROR, message: expected });
  };

  describe("the host's key", () => {
    const blob = (): string => ssh.sshd.hostKey.publicKey.split(" ")[1]!;

    it.each([
      ["as ssh-keygen writes it", () => ssh.sshd.hostKey.publicKey],
      ["without a comment", () => `ssh-ed25519 ${blob()}`],
    ])("the host's key may be given %s", async (_name, hostKey) => reaches({ hostKey: hostKey() }));

    const NONE = "failed to parse host key: ssh: no key found";
    const because = (reason: string): string => `${NONE}; last parsing error for ignored line: ${reason}`;
    it.each([
      ["nothing", () => "", NONE],
      ["what is not base64", () => `ssh-ed25519 ${blob()}!`, because("illegal base64 data at input byte 68")],
      ["base64 without its end", () => `ssh-ed25519 ${blob().slice(0, -4)}`, because("ssh: short read")],
      ["too much", () => `ssh-ed25519 ${blob()}AAAA`, because("ssh: trailing junk in public key")],
      ["a type that is not known", () => "a AAAAB3NzaC1mb28=", because("ssh: unknown key algorithm: ssh-foo")],
    ])("the host's key cannot be %s", async (_name, hostKey, message) => {
      await refuses({ hostKey: hostKey(), host: "no.such.invalid" }, message);
    });

    it("nothing is sent to a host with another key", async () => {
      const strict = await ssh.site.start();
      const hostKey = ssh.site.makeKey().publicKey;
      await refuses({ port: strict.port, hostKey }, failed(0, MISMATCH));
      await sleep(200);
      const log = strict.takeLog();
      expect(log).toContain("Connection from 127.0.0.1");
      // With a word of authentication, sshd would name the user.
      expect(log).not.toContain(ssh.site.user);
    });

    it("the host's key must be of the given type", async () => {
      const message = "ssh: handshake failed: ssh: no common algorithm for host key; we offered: [ecdsa-sha2-nistp256]";
      const hostKey = ssh.site.makeKey({ type: "ecdsa" }).publicKey;
      await refuses({ hostKey }, failed(0, `${message}, peer offered: [ssh-ed25519]`));
    });

    it("the host's key may be ECDSA", async () => {
      const { port, hostKey } = await ssh.site.start({ hostKey: { type: "ecdsa", bits: 384 } });
      await reaches({ port, hostKey: hostKey.publicKey });
    });
  });

  describe("a private key", () => {
    const reachesWith = async (options: KeyOptions, privateKeyPassword: string | null = null): Promise<void> => {
      const key = ssh.site.makeKey(options);
      ssh.site.authorize(key);
      await reaches({ privateKey: key.privateKey, privateKeyPassword });
    };

    it.each<[string, KeyOptions]>([
      ["of RSA", { type: "rsa", bits: 2048 }],
      ["of RSA, PKCS#1", { type: "rsa", bits: 2048, format: "PEM" }],
      ["of RSA, PKCS#8", { type: "rsa", bits: 2048, format: "PKCS8" }],
      ["of P-256", { type: "ecdsa", bits: 256 }],
      ["of P-384", { type: "ecdsa", bits: 384 }],
      ["of P-521", { type: "ecdsa", bits: 521 }],
      ["of P-256, SEC 1", { type: "ecdsa", format: "PEM" }],
      ["of P-256, PKCS#8", { type: "ecdsa", format: "PKCS8" }],
    ])("a private key may be %s", (_name, options) => reachesWith(options));

    it.each<[string, KeyOptions]>([
      ["OpenSSH's", {}],
      ["OpenSSH's of RSA", { type: "rsa", bits: 2048 }],
      ["OpenSSL's of RSA", { type: "rsa", bits: 2048, format: "PEM" }],
      ["OpenSSL's of ECDSA", { type: "ecdsa", format: "PEM" }],
    ])("a private key may have a password, as %s", (_name, options) =>
      reachesWith({ ...options, passphrase: "päss wörd" }, "päss wörd"),
    );

    it("a private key may be Ed25519 in PKCS#8", async () => {
      const { privateKey, publicKey } = generateKeyPairSync("ed25519");
      const raw = Buffer.from(publicKey.export({ format: "jwk" }).x!, "base64url");
      const blob = Buffer.concat([Buffer.from("\0\0\0\x0bssh-ed25519\0\0\0\x20", "latin1"), raw]);
      ssh.site.authorize({ privateKey: "", publicKey: `ssh-ed25519 ${blob.toString("base64")}` });
      await reaches({ privateKey: privateKey.export({ type: "pkcs8", format: "pem" }).toString() });
    });

    it.each<[string, (pem: string) => string]>([
      ["have DOS line ends", (pem) => pem.replaceAll("\n", "\r\n")],
      ["lack its last line end", (pem) => pem.trimEnd()],
      ["follow other text", (pem) => `my key\n\n${pem}`],
    ])("a private key may %s", (_name, change) => reaches({ privateKey: change(ssh.key.privateKey) }));

    const pem = (type: string, content = "AAAA"): string =>
      `-----BEGIN ${type}-----\n${content}\n-----END ${type}-----\n`;
    const protectedKey = (options: KeyOptions = {}): string =>
      ssh.site.makeKey({ ...options, passphrase: "right" }).privateKey;
    const k1 = generateKeyPairSync("ec", { namedCurve: "secp256k1" }).privateKey;
    const plain = { type: "rsa", bits: 2048, format: "PEM" } as const;

    it.each<[string, () => string, string | null, string]>([
      ["nothing", () => "", null, "ssh: no key found"],
      ["text", () => "key", null, "ssh: no key found"],
      ["a public key", () => ssh.key.publicKey, null, "ssh: no key found"],
      ["indented", () => `  ${ssh.key.privateKey}`, null, "ssh: no key found"],
      ["on one line", () => ssh.key.privateKey.replaceAll("\n", " "), null, "ssh: no key found"],
      ["with written line ends", () => ssh.key.privateKey.replaceAll("\n", "\\n"), null, "ssh: no key found"],
      ["a certificate", () => pem("CERTIFICATE"), null, 'ssh: unsupported key type "CERTIFICATE"'],
      ["cut off", () => pem("OPENSSH PRIVATE KEY"), null, "ssh: invalid openssh private key format"],
      [
        "of another curve",
        () => k1.export({ type: "sec1", format: "pem" }).toString(),
        null,
        "x509: unknown elliptic curve",
      ],
      ["without its password", protectedKey, null, "ssh: this private key is passphrase protected"],
      [
        "without its password, OpenSSL's",
        () => protectedKey(plain),
        null,
        "ssh: this private key is passphrase protected",
      ],
      ["with a wrong password", protectedKey, "wrong", "x509: decryption password incorrect"],
      ["with a wrong password, OpenSSL's", () => protectedKey(plain), "wrong", "x509: decryption password incorrect"],
      ["with a password in vain", () => ssh.key.privateKey, "", "ssh: key is not password protected"],
      [
        "with a password in vain, OpenSSL's",
        () => ssh.site.makeKey(plain).privateKey,
        "x",
        "ssh: not an encrypted key",
      ],
      [
        "PKCS#8 with a password",
        () => protectedKey({ ...plain, format: "PKCS8" }),
        "right",
        "ssh: not an encrypted key",
      ],
      [
        "PKCS#8 without its password",
        () => protectedKey({ ...plain, format: "PKCS8" }),
        null,
        'ssh: unsupported key type "ENCRYPTED PRIVATE KEY"',
      ],
    ])("a private key cannot be %s: no host is contacted", async (_name, privateKey, privateKeyPassword, message) => {
      await refuses({ privateKey: privateKey(), privateKeyPassword, host: "no.such.invalid" }, message);
    });

    it("a private key must be known to the host", () =>
      refuses({ privateKey: ssh.site.makeKey().privateKey }, failed(0, NO_WAY_IN("none publickey"))));

    it("a private key must be known for the user", () =>
      refuses({ user: "nobody-at-all" }, failed(0, NO_WAY_IN("none publickey"))));

    it("a host may refuse a private key after too many tries", async () => {
      const { port } = await ssh.site.start({ config: ["MaxAuthTries 1"] });
      const message = "ssh: handshake failed: ssh: disconnect, reason 2: Too many authentication failures";
      await refuses({ port, privateKey: ssh.site.makeKey().privateKey }, failed(0, message));
    });

    it("a private key may be missing", () => refuses({ privateKey: null }, failed(0, NO_WAY_IN("none"))));
  });

  describe("an agent", () => {
    const socket = (): string => join(ssh.site.directory, "agent");
    let agent: ChildProcess;
    beforeAll(async () => {
      agent = spawn("ssh-agent", ["-D", "-a", socket()], { stdio: "ignore" });
      while (!existsSync(socket())) await sleep(20);
    });
    afterAll(async () => {
      agent.kill();
      await once(agent, "exit");
    });

    it("an agent without keys fails", () =>
      refuses({ privateKey: null, agentSocketPath: socket() }, failed(0, NO_WAY_IN("none publickey"))));

    it("an agent logs in", async () => {
      const file = join(ssh.site.directory, "agent-key");
      writeFileSync(file, ssh.key.privateKey, { mode: 0o600 });
      execFileSync("ssh-add", ["-q", file], { env: { ...process.env, SSH_AUTH_SOCK: socket() } });
      await reaches({ privateKey: null, agentSocketPath: socket() });
    });

    it("an agent is found by the environment", async () => {
      const client = await plugin.start({ env: { SSH_AUTH_SOCK: socket() } });
      const connection = ssh.connection({ privateKey: null });
      expect(await create({ client }, { connection, create: "echo a" })).toMatchObject({ stdout: "a" });
    });

    it("an agent is not used after a key", () =>
      refuses(
        { privateKey: ssh.site.makeKey().privateKey, agentSocketPath: socket() },
        failed(0, NO_WAY_IN("none publickey")),
      ));

    it("a given agent must be running, even where there is a key", () =>
      refuses({ agentSocketPath: "/no/such" }, "dial unix /no/such: connect: no such file or directory"));
  });

  describe("a password", () => {
    let server: SshServer;
    const asked: string[] = [];
    let offers: AuthContext["method"][];
    const port = (): number => (server.address() as AddressInfo).port;
    const password = "pass wörd";

    beforeAll(async () => {
      const hostKeys = [ssh.site.makeKey({ type: "rsa", bits: 2048, format: "PEM" }).privateKey];
      server = new SshServer({ hostKeys }, (client) => {
        client.on("error", () => undefined);
        client.on("authentication", (context) => {
          asked.push(context.method);
          const check = (given: string | undefined): void =>
            given === password ? context.accept() : context.reject(offers);
          if (context.method === "password") check(context.password);
          else if (context.method === "keyboard-interactive")
            context.prompt([{ prompt: "Password:", echo: false }], ([answer]) => check(answer));
          else context.reject(offers);
        });
        client.on("session", (accept) =>
          accept().on("exec", (acceptExec) => {
            const stream = acceptExec();
            stream.write("a\n");
            stream.exit(0);
            stream.end();
          }),
        );
      }).listen(0, "127.0.0.1");
      await once(server, "listening");
    });
    afterAll(() => void server.close());
    beforeEach(() => {
      asked.length = 0;
      offers = ["publickey", "password", "keyboard-interactive"];
    });

    it("a password logs in", async () => {
      await reaches({ port: port(), privateKey: null, password });
      expect(asked).toEqual(["none", "password"]);
    });

    it("a password is tried after a key", async () => {
      await reaches({ port: port(), password });
      expect(asked).toEqual(["none", "publickey", "password"]);
    });

    it("a password answers keyboard-interactive questions", async () => {
      offers = ["keyboard-interactive"];
      await reaches({ port: port(), password });
      expect(asked).toEqual(["none", "keyboard-interactive"]);
    });

    it("a wrong password fails", async () => {
      const tried = "none publickey password keyboard-interactive";
      await refuses({ port: port(), password: "wrong" }, failed(0, NO_WAY_IN(tried)));
    });

    it("a password fails where the host accepts none", async () => {
      offers = ["publickey"];
      await refuses({ port: port(), password }, failed(0, NO_WAY_IN("none publickey")));
      expect(asked).not.toContain("password");
    });
  });

  describe("tries", () => {
    let server: Server;
    let dials = 0;
    let answer: (socket: Socket) => void;
    const port = (): number => (server.address() as AddressInfo).port;
    beforeAll(async () => {
      server = createServer((socket) => {
        dials++;
        answer(socket.on("error", () => undefined));
      }).listen(0, "127.0.0.1");
      await once(server, "listening");
    });
    afterAll(() => void server.close());
    beforeEach(() => {
      dials = 0;
      answer = (socket) => socket.end();
    });

    it("one try more than may fail is made, each after a longer pause", async () => {
      const began = Date.now();
      await refuses({ port: port(), dialErrorLimit: 4 }, failed(4, "ssh: handshake failed: EOF"));
      // 100, 150, 225 and 337 ms.
      expect(Date.now() - began).toBeGreaterThan(800);
      expect(Date.now() - began).toBeLessThan(2500);
      expect(dials).toBe(5);
      expect(logs()).toEqual([1, 2, 3, 4].map((dial) => `Dial ${dial}/4 failed: retrying`));
    });

    it("no try is made after the first that succeeds", async () => {
      const late = await freePort();
      const call = reach({ port: late, dialErrorLimit: -1 });
      await expect.poll(logs, { interval: 20, timeout: 5000 }).toContain("Dial 1/inf failed: retrying");
      const { port: to } = ssh.sshd;
      const relay = spawn(process.execPath, ["-e", RELAY, String(late), String(to)], { stdio: "ignore" });
      expect(await call).toMatchObject({ stdout: "a" });
      relay.kill();
      await once(relay, "exit");
    });

    it("a wrong key is tried again as well", async () => {
      const privateKey = ssh.site.makeKey().privateKey;
      await refuses({ privateKey, dialErrorLimit: 2 }, failed(2, NO_WAY_IN("none publickey")));
    });

    it("all tries fail where nobody listens", async () => {
      const closed = await freePort();
      await refuses({ port: closed }, failed(0, `dial tcp 127.0.0.1:${closed}: connect: connection refused`));
    });

    it("all tries fail for an unknown host", () =>
      refuses(
        { host: "no.such.invalid" },
        /^after 0 failed attempts: dial tcp: lookup no\.such\.invalid( on \S+)?: no such host$/,
      ));

    it("all tries fail where something other than SSH answers", async () => {
      answer = (socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n");
      await refuses({ port: port() }, failed(0, "ssh: handshake failed: EOF"));
    });

    it.concurrent("each try has a time limit of its own", async () => {
      const full = await freePort();
      const stopped = spawn(process.execPath, ["-e", FULL, String(full)], { stdio: ["ignore", "pipe", "ignore"] });
      await once(stopped.stdout, "data");
      stopped.kill("SIGSTOP");
      const queue = Array.from({ length: 3 }, () => connect(full, "127.0.0.1").on("error", () => undefined));
      await sleep(200);
      const began = Date.now();
      const { message } = await refusal(reach({ port: full, perDialTimeout: 1, dialErrorLimit: 1 }));
      expect(message).toBe(failed(1, `dial tcp 127.0.0.1:${full}: i/o timeout`));
      expect(Date.now() - began).toBeGreaterThan(2000);
      expect(Date.now() - began).toBeLessThan(4000);
      for (const socket of queue) socket.destroy();
      stopped.kill("SIGKILL");
      await once(stopped, "exit");
    });

    // perDialTimeout is for the TCP connection only.
    it.concurrent("a silent host has no time limit", async () => {
      const silent = createServer((socket) => socket.on("error", () => undefined)).listen(0, "127.0.0.1");
      let dials = 0;
      silent.on("connection", () => dials++);
      await once(silent, "listening");
      const client = await plugin.start();
      const connection = ssh.connection({ port: (silent.address() as AddressInfo).port, perDialTimeout: 1 });
      const call = create({ client }, { connection, create: "a" }).catch(() => "refused");
      expect(await Promise.race([call, sleep(2500).then(() => "silent")])).toBe("silent");
      expect(dials).toBe(1);
      silent.close();
    });
  });

  describe("a host in between", () => {
    const proxy = (changes: Properties = {}): Properties => ssh.connection(changes);
    const refused = "connect: connection refused";

    it("a host is reached through a proxy", async () => {
      const inner = await ssh.site.start();
      const hostKey = inner.hostKey.publicKey;
      const through = { proxy: proxy({ hostKey: ssh.sshd.hostKey.publicKey }), port: inner.port, hostKey };
      ssh.sshd.takeLog();
      await reaches(through);
      expect(ssh.sshd.takeLog()).toContain("Accepted publickey");
      expect(inner.takeLog()).toContain("Accepted publickey");
    });

    it("a proxy must have its key", async () => {
      const hostKey = ssh.site.makeKey().publicKey;
      await refuses({ proxy: proxy({ hostKey }) }, `proxy: ${failed(0, MISMATCH)}`);
    });

    it("a proxy must accept the login", () =>
      refuses(
        { proxy: proxy({ privateKey: ssh.site.makeKey().privateKey, dialErrorLimit: 1 }) },
        `proxy: ${failed(1, NO_WAY_IN("none publickey"))}`,
      ));

    it("a proxy needs a readable private key", () =>
      refuses({ proxy: proxy({ privateKey: "x" }) }, "proxy: ssh: no key found"));

    it("a proxy is dialled again", async () => {
      const port = await freePort();
      const message = `proxy: ${failed(2, `dial tcp 127.0.0.1:${port}: ${refused}`)}`;
      await refuses({ proxy: proxy({ port, dialErrorLimit: 2 }) }, message);
      expect(logs()).toEqual(["Dial proxy 1/2 failed: retrying", "Dial proxy 2/2 failed: retrying"]);
    });

    it("a proxy reports that nobody listens on the host", async () => {
      const message = `proxy: ${failed(1, "ssh: rejected: connect failed (Connection refused)")}`;
      await refuses({ port: await freePort(), dialErrorLimit: 1, proxy: proxy() }, message);
      expect(logs()).toEqual(["Dial from proxy 1/1 failed: retrying"]);
    });

    it("a proxy reports that the host is unknown", () =>
      refuses(
        { host: "no.such.invalid", proxy: proxy() },
        /^proxy: after 0 failed attempts: ssh: rejected: connect failed \(.+\)$/,
      ));

    it("a proxy may refuse to forward", async () => {
      const { port } = await ssh.site.start({ config: ["AllowTcpForwarding no"] });
      const message = "ssh: rejected: administratively prohibited (open failed)";
      await refuses({ proxy: proxy({ port }) }, `proxy: ${failed(0, message)}`);
    });

    it("a proxy's key does not replace the host's", async () => {
      const hostKey = ssh.site.makeKey().publicKey;
      await refuses({ hostKey, proxy: proxy() }, `proxy: ${failed(0, MISMATCH)}`);
    });

    // The official plugin tries again on the connection that the first failure has closed.
    it("behind a proxy, only the first try shows why the host refused", async () => {
      const privateKey = ssh.site.makeKey().privateKey;
      const message = `proxy: ${failed(2, "ssh: handshake failed: EOF")}`;
      await refuses({ privateKey, dialErrorLimit: 2, proxy: proxy() }, message);
      expect(logs()).toEqual(["Dial 1/2 failed: retrying", "Dial 2/2 failed: retrying"]);
    });
  });
});

/** Listens, with room for two who wait once it is stopped. */
const FULL = `
  const port = Number(process.argv[1]);
  require("node:net").createServer().listen({ port, host: "127.0.0.1", backlog: 1 }, () => console.log("listens"));
`;

/** Listens on the first port, for the second. */
const RELAY = `
  const { connect, createServer } = require("node:net");
  const [from, to] = process.argv.slice(1).map(Number);
  createServer((socket) => {
    const other = connect(to, "127.0.0.1");
    socket.on("error", () => {}).pipe(other.on("error", () => {})).pipe(socket);
  }).listen(from, "127.0.0.1");
`;
