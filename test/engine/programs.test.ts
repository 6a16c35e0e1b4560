import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { pulumiEnvironment } from "../../toolchain/environment";
import type { TestStack } from "../support/engine";
import { finished, ok, type Outcome } from "../support/hosts";
import { ownStack } from "../support/ownStack";

const program = (name: string): string => join(__dirname, "programs", `${name}.ts`);
const said = ({ stdout, stderr }: Outcome): string => stdout + stderr;

const own = ownStack();

async function stackOf(name: string): Promise<TestStack> {
  const stack = await own.create(program(name));
  stack.env.TEST_ROOT = own.root;
  return stack;
}

const isTheStack = (urn: string): boolean => /::pulumi:pulumi:Stack::/.test(urn);

async function expectUntouched(tested: TestStack): Promise<void> {
  expect((await tested.resources()).filter((urn) => !isTheStack(urn))).toEqual([]);
  expect(readdirSync(own.root)).toEqual([]);
}

describe("programs of one's own", () => {
  it("every composition of the page previews", async () => {
    const tested = await stackOf("setups");
    const { stdout } = ok(await tested.preview());
    // stack; lock of the release; two hosts with three children each; the pair; five gateways with six children each
    expect(stdout).toContain(`+ ${2 + 2 * 4 + 1 + 5 * 7} to create`);
    const shown =
      "5 gateways on this machine: claw-main, ports 26000-26110; claw-rescue, ports 26111-26221; ops, ports ";
    expect(stdout).toContain(shown);
    expect(stdout.indexOf(shown)).toBeLessThan(stdout.indexOf(" to create"));
    await expectUntouched(tested);
  });

  it.each([["preview"], ["up"]] as const)("a program is refused with every problem at once (%s)", async (command) => {
    const tested = await stackOf("refused");
    const outcome = await tested[command]();
    expect(outcome.code).not.toBe(0);
    const text = said(outcome).replaceAll(own.root, "<root>");
    for (const expected of [
      'claw.main.version: must be an exact version, e.g. "2026.9.6": a tag or range could upgrade the gateway unexpectedly; it is "latest"',
      "claw.rescue.version: must be an exact version",
      "claw.rescue.forse: is not a known argument\n",
      "did you mean force?",
      "claw.rescue.basePort: its ports 26020-26130 overlap those of claw.main (26000-26110)",
      "use 26111, the nearest free base port",
      "claw.rescue.stateDir: <root>/state/inside is inside claw.main.stateDir (<root>/state)",
      "claw.rescue.telegram.botToken: is the same bot as claw.main.telegram.botToken",
      "ops.version: is older than 2026.8.2",
      "ops.basePort: must be between 1024 and 65425",
      "ops.config.gateway.port: is set by the argument basePort",
      "crossed.browser.cdpUrl: port 26011 on this host belongs to claw.main (26000-26110)",
      "crossed.browser.profiles.work.cdpPort: 26012 is one of the ports of claw.main (26000-26110)",
      "crossed.maxOldSpaceSize: is not less than the memory of its host",
      "open.telegram.allowFrom: the rescue bot can repair the main gateway, so only named operators may talk to it",
    ])
      expect(text).toContain(expected);
    expect(text).not.toMatch(/^\s+at /m);
    expect(text).not.toContain("unhandled");
    expect(text).not.toContain("canary");
    await expectUntouched(tested);
  });

  it("a program is refused where a port is in use or a state directory has another owner", async () => {
    const tested = await stackOf("setups");
    mkdirSync(join(own.root, ".openclaw-ops"));
    writeFileSync(join(own.root, ".openclaw-ops", "openclaw.json"), "{}");
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(26005, "127.0.0.1", resolve));
    try {
      const outcome = await tested.preview();
      expect(outcome.code).not.toBe(0);
      expect(said(outcome)).toContain(
        `(pid ${process.pid}) listens on port 26005, one of this gateway's ports 26000-26110`,
      );
      expect(said(outcome)).toContain(`ops.stateDir: ${own.root}/.openclaw-ops exists and no stack owns it`);
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  });

  it("two equal bot tokens that come from resources are refused before the second is used", async () => {
    const tested = await stackOf("sameBotLater");
    for (const outcome of [await tested.preview(), await tested.up()]) {
      expect(outcome.code).not.toBe(0);
      expect(said(outcome)).toContain("claw.rescue.telegram.botToken: is the same bot as claw.main.telegram.botToken");
      expect(said(outcome)).not.toMatch(/^\s+at /m);
      expect(said(outcome)).not.toContain("canary");
    }
    expect((await tested.resources()).join()).not.toContain("claw-rescue-secrets");
  });

  it("programs of the Automation API are refused before anything is touched, although up() skips preview", async () => {
    const directory = mkdtempSync(join(tmpdir(), "pulumi-openclaw-automation-"));
    try {
      const env = { ...(await pulumiEnvironment({ isolatedIn: directory })), TEST_ROOT: own.root };
      const child = spawn("node", ["-r", "ts-node/register/transpile-only", program("automation")], { env });
      const outcome = ok(await finished(child));
      const { error, urns } = JSON.parse(outcome.stdout) as { error: string; urns: string[] };
      expect(error).toContain("claw.rescue.basePort: its ports 26020-26130 overlap those of claw.main (26000-26110)");
      expect(outcome.stderr).not.toMatch(/^\s+at /m);
      expect(urns.filter((urn) => !isTheStack(urn))).toEqual([]);
      expect(readdirSync(own.root)).toEqual([]);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
});

describe("the root stack's config", () => {
  it("the root stack's config is refused with every problem at once, a secret in plain text among them", async () => {
    const stack = await own.create();
    stack.config("root", own.root);
    stack.config("taget", "local");
    stack.config("main.basePort", "80");
    stack.config("main.telegram.botToken", "4711:canary-plain");
    stack.config("rescue.env.KEY", "canary-plain");
    const outcome = await stack.preview();
    expect(outcome.code).not.toBe(0);
    for (const expected of [
      "openclaw.taget: is not a known argument\n",
      "did you mean target?",
      "openclaw.main.basePort: must be between 1024 and 65425",
      "openclaw.main.telegram.botToken: is stored in plain text in the stack's config file",
      "pulumi config set --secret --path rescue.env.KEY",
    ])
      expect(said(outcome)).toContain(expected);
    expect(said(outcome)).not.toContain("canary");
    await expectUntouched(stack);
  });
});
