/** Whom root trusts on the way to a path: the host program and the scripts say the same. */
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  lchownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { hostScript, packageFile, renderBootstrap } from "../../components/targets/bootstrap";
import { parseProbe, probeScript } from "../../components/targets/ssh/probe";
import { hostProblemsOf } from "../../components/targets/ssh/hostProblems";
import { unsafeOnWayTo } from "../../inspect/trusted";
import { resolved } from "./gateways";

const NOBODY = 65534;
const isRoot = process.getuid!() === 0;

const shell = (script: string, ...args: string[]) =>
  spawnSync("sh", ["-s", "--", ...args], { input: script, encoding: "utf8" });

// Without root nothing can be given to somebody else.
describe.runIf(isRoot)("the way to a program of root's", () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "pulumi-openclaw-trust-"));
    chmodSync(root, 0o755);
    for (const path of ["safe/deep", "bobs/deep", "open", "sticky"]) mkdirSync(join(root, path), { recursive: true });
    writeFileSync(join(root, "bobs/deep/host"), "");
    chownSync(join(root, "bobs"), NOBODY, 0);
    chmodSync(join(root, "open"), 0o775);
    chmodSync(join(root, "sticky"), 0o1777);
    const link = (target: string, path: string): void => symlinkSync(target, join(root, path));
    link("safe", "link");
    link("../safe", "bobs/away");
    link(join(root, "bobs/away"), "throughBob");
    link("safe", "bobsLink");
    lchownSync(join(root, "bobsLink"), NOBODY, 0);
    link("round", "round");
  });
  afterEach(() => rmSync(root, { recursive: true }));

  it.each<[path: string, unsafe: string[]]>([
    ["safe/deep/not/there", []],
    ["sticky/mine", []],
    ["link/deep", []],
    ["round/x", []],
    ["bobs/deep/host", ["bobs"]],
    ["bobs/deep/../../safe", ["bobs"]],
    ["open/x", ["open"]],
    ["bobs/away/deep", ["bobs"]],
    ["throughBob/deep", ["bobs"]],
    ["bobsLink/deep", ["bobsLink"]],
  ])("untrusted directories on the way to a root program are found: %s", (path, unsafe) => {
    const expected = unsafe.map((each) => join(root, each));
    expect(unsafeOnWayTo(`${root}/${path}`)).toEqual(expected);
    const script = `sudo=\n${readFileSync(packageFile("inspect", "trusted.sh"), "utf8")}\nsay_unsafe "$1"`;
    const { stdout, stderr } = shell(script, `${root}/${path}`);
    expect(stderr).toBe("");
    expect([...new Set(stdout.split("\n").filter(Boolean))]).toEqual(expected);
  });

  /** Somebody's program in the place of one of ours, which says that it ran. */
  function plant(name: string): string {
    const directory = join(root, "bobs/.pulumi-openclaw", name, "..");
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(root, "bobs/.pulumi-openclaw", name), `#!/bin/sh\ntouch ${root}/ran\n`, { mode: 0o755 });
    return join(root, "ran");
  }

  const layout = () => ({ root: join(root, "bobs"), binDir: join(root, "bobs/bin"), account: "openclaw" });

  it("an untrusted path is refused before the host's own program is asked", () => {
    const ran = plant("host");
    const gateways = [{ name: "claw-main", gateway: resolved("claw.main", { basePort: 18789 }) }];
    const { stdout } = shell(probeScript(hostScript("look.sh"), layout(), false, gateways));
    expect(existsSync(ran)).toBe(false);
    const facts = parseProbe(stdout, 1);
    if (typeof facts !== "object") throw new Error(stdout);
    const { problems } = hostProblemsOf({ name: "box", sudo: false, layout: layout() }, facts, gateways);
    expect(problems).toEqual([
      {
        path: "box.root",
        reason: `${root}/bobs can be changed by users other than root, who could make root run or write anything`,
        advice: expect.stringContaining(`chown -h root ${root}/bobs && chmod go-w ${root}/bobs`) as string,
      },
    ]);
  });

  it("an untrusted path is refused before anything is installed, or its Node.js runs", () => {
    const { script } = renderBootstrap(layout());
    const [, version] = /nodes\/([\d.]+)/.exec(script)!;
    const ran = plant(`nodes/${version}/bin/node`);
    const { status, stderr } = shell(script, join(root, "bobs/.pulumi-openclaw"));
    expect(stderr).toMatch(
      /bobs can be changed by users other than root.*\n {4}-> chown -h root '.*bobs' && chmod go-w/,
    );
    expect(status).toBe(1);
    expect(existsSync(ran)).toBe(false);
  });
});
