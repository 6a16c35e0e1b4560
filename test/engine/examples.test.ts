/** Every example, previewed on the real engine: with its ports moved, and below a directory of the test. */
import { spawn } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { pulumiEnvironment } from "../../toolchain/environment";
import { PROJECT } from "../support/engine";
import { finished, ok } from "../support/hosts";
import { ownStack } from "../support/ownStack";
import { installDockerPlugin } from "../docker/plugin/build";
import { FakeDocker } from "../unit/fakeDocker";

const EXAMPLES = join(PROJECT, "examples");
/** The gateways that the examples describe may well run on this machine. */
const MOVED_BY = 11_000;

const moved = (port: number): number => port + MOVED_BY;

const own = ownStack();

/** A copy of an example in a project of its own that finds this package as an installed one. `engine`: of Docker. */
function copyOf(example: string, engine = ""): string {
  const project = join(own.root, "project");
  mkdirSync(join(project, "node_modules"), { recursive: true });
  symlinkSync(PROJECT, join(project, "node_modules", "pulumi-openclaw"));
  for (const name of ["@pulumi", "ts-node", "typescript"])
    symlinkSync(join(PROJECT, "node_modules", name), join(project, "node_modules", name));
  cpSync(join(EXAMPLES, "template", "tsconfig.json"), join(project, "tsconfig.json"));
  const text = readFileSync(join(EXAMPLES, example), "utf8");
  const home = JSON.stringify({ root: join(own.root, "home"), account: "openclaw-test" });
  // Ports first: the directory's name has numbers, too.
  const elsewhere = text
    .replaceAll(/\b(18|19|20)\d{3}\b/g, (port) => String(moved(Number(port))))
    .replaceAll('new LocalHost("here")', `new LocalHost("here", ${home})`)
    .replaceAll('new DockerEngine("engine")', `new DockerEngine("engine", ${JSON.stringify({ host: engine })})`);
  expect(elsewhere, "an example is for the machine that runs it").not.toContain('LocalHost("here")');
  writeFileSync(join(project, basename(example)), elsewhere);
  return join(project, basename(example));
}

function makeMain(): void {
  const stateDir = join(own.root, "home", ".openclaw");
  mkdirSync(stateDir, { recursive: true });
  writeFileSync(join(stateDir, "openclaw.json"), JSON.stringify({ gateway: { port: moved(18789) } }));
}

const url = (basePort: number): string => `http://127.0.0.1:${moved(basePort)}`;
const cdp = (first: number): string => `first: ${moved(first)} last : ${moved(first + 99)}`;

const aPrivateKey = (): string =>
  generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ type: "pkcs1", format: "pem" }) as string;

interface Expected {
  /** Secrets that the example asks for. */
  readonly config?: readonly string[];
  readonly gateways: number;
  /** Whether two of them are a pair; a rescue alone stands beside a main gateway made by hand. */
  readonly alone?: boolean;
  /** Resources besides those of gateways on one host. */
  readonly more?: number;
  /** Whether it needs a Docker engine. */
  readonly docker?: true;
  /** Of the outputs as preview shows them, with one space for many. */
  readonly outputs: readonly string[];
}

const EXPECTED: Readonly<Record<string, Expected>> = {
  "pair.ts": {
    config: ["mainBotToken", "rescueBotToken"],
    gateways: 2,
    outputs: ["mainToken : [secret]", `main : "${url(18789)}" rescue: "${url(19789)}"`],
  },
  "ops-beside-pair.ts": {
    gateways: 3,
    outputs: [`gateway : ${moved(20789)}`, `browserControl: ${moved(20791)}`, `cdp : { ${cdp(20800)} }`],
  },
  "named-profiles.ts": {
    gateways: 2,
    outputs: ['[0]: "openclaw-gateway-main" [1]: "openclaw-gateway-rescue"', "/home/.openclaw-main"],
  },
  "server-over-ssh.ts": {
    config: ["sshKey"],
    gateways: 2,
    outputs: ['units : [ [0]: "openclaw-gateway" [1]: "openclaw-gateway-rescue"', "root@203.0.113.7"],
  },
  "two-hosts.ts": {
    config: ["sshKey"],
    gateways: 2,
    more: 4 + 2, // another host, and the questions of one to the other
    outputs: [`urls: [ [0]: "http://127.0.0.1:18789" [1]: "${url(19789)}"`],
  },
  "rescue-beside-main.ts": {
    config: ["rescueBotToken"],
    gateways: 1,
    alone: true,
    outputs: [`url : "${url(19789)}"`, `url : "${url(18789)}"`, '/home/.openclaw/workspace"'],
  },
  "browser.ts": {
    config: ["chromeToken"],
    gateways: 2,
    outputs: [`main : { ${cdp(18800)} }`, `rescue: { ${cdp(19800)} }`],
  },
  "containers.ts": {
    docker: true,
    gateways: 2,
    more: 2 * 5 - 1, // an engine has as many children as a host, a gateway in a container five more than on one; no lock
    outputs: [`urls: [ [0]: "${url(18789)}" [1]: "${url(19789)}"`, ' exec openclaw-test-claw-main openclaw"'],
  },
  "mixed-pair.ts": {
    docker: true,
    gateways: 2,
    more: 4 + 5 + 1, // the engine, main, and rescue's question to it
    outputs: [`urls : [ [0]: "${url(18789)}" [1]: "${url(19789)}"`, '/home/bin/openclaw-rescue"'],
  },
  "template/index.ts": { gateways: 2, outputs: [`main : "${url(18789)}" rescue: "${url(19789)}"`] },
};

/** The stack, the lock of the release, the host and its three children, the pair; each gateway with its six children. */
const resources = (gateways: number, alone = false): number => 2 + 4 + (alone ? 0 : 1) + 7 * gateways;

describe("examples", () => {
  it("every example is previewed by this test", () => {
    const files = readdirSync(EXAMPLES).filter((name) => name.endsWith(".ts"));
    expect([...Object.keys(EXPECTED), "automation.ts"].sort()).toEqual([...files, "template/index.ts"].sort());
  });

  // It answers like an engine that has nothing yet: a preview asks it no more than that.
  let engine: FakeDocker | undefined;
  afterEach(() => {
    expect(engine?.changes ?? []).toEqual([]);
    engine?.stop();
    engine = undefined;
  });

  it.each(Object.entries(EXPECTED))(
    "the example %s previews",
    async (example, { config = [], gateways, alone, docker, more = 0, outputs }) => {
      if (alone) makeMain();
      if (docker) engine = await FakeDocker.start();
      const stack = await own.create(copyOf(example, engine?.address.host));
      if (docker) installDockerPlugin(stack.env.PULUMI_HOME!);
      for (const key of config) await stack.secretConfig(key, key === "sshKey" ? aPrivateKey() : `4711:canary-${key}`);
      const { stdout } = ok(await stack.preview());
      expect(stdout).toContain(`+ ${resources(gateways, alone) + more} to create`);
      for (const output of outputs) expect(stdout.replaceAll(/\s+/g, " ")).toContain(output);
      expect(stdout).not.toContain("canary");
      expect(readdirSync(own.root)).toEqual(alone ? ["home", "project"] : ["project"]); // nothing was touched
    },
  );

  it("the example automation.ts previews", async () => {
    const program = copyOf("automation.ts");
    const env = await pulumiEnvironment({ isolatedIn: join(own.root, "engine") });
    const child = spawn("node", ["-r", "ts-node/register", program], { env, cwd: join(own.root, "project") });
    const { stdout } = ok(await finished(child));
    expect(stdout).toContain(`{ create: ${resources(2)} }`);
    expect(readdirSync(own.root).sort()).toEqual(["engine", "project"]);
  });
});

it("the template is a project that `pulumi new` can fill in", () => {
  const template = (name: string): string => readFileSync(join(EXAMPLES, "template", name), "utf8");
  const { devDependencies, version } = JSON.parse(readFileSync(join(PROJECT, "package.json"), "utf8")) as {
    devDependencies: Record<string, string>;
    version: string;
  };
  const pinned = (name: string): Record<string, string | undefined> => ({ [name]: devDependencies[name] });
  expect(JSON.parse(template("package.json"))).toMatchObject({
    name: "${PROJECT}",
    dependencies: { ...pinned("@pulumi/pulumi"), "pulumi-openclaw": version },
    // Without them Pulumi compiles with a TypeScript of its own that is too old for this package's types.
    devDependencies: { ...pinned("ts-node"), ...pinned("typescript") },
  });
  expect(template("Pulumi.yaml")).toContain("name: ${PROJECT}\n");
});
