import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { requirePartner } from "../../deployer/partner";

let directory: string;
beforeEach(() => void (directory = mkdtempSync(join(tmpdir(), "partner-"))));
afterEach(() => rmSync(directory, { recursive: true }));

/** A host program that gives one answer after the other, the last one for ever. */
function program(name: string, ...answers: string[]): string {
  const path = join(directory, name);
  const lines = answers.map((answer, index) => `  ${index === answers.length - 1 ? "*" : index}) ${answer} ;;`);
  const asked = `n=$(cat ${path}.asked 2>/dev/null || echo 0); echo $((n + 1)) >${path}.asked`;
  writeFileSync(path, `#!/bin/sh\necho "$*" >>${path}.words\n${asked}\ncase $n in\n${lines.join("\n")}\nesac\n`);
  chmodSync(path, 0o755);
  return path;
}

const required = (main: string, rescue: string): Promise<string> =>
  requirePartner(
    { gateway: { id: "main", program: main, version: "1.2.3" }, partner: { id: "rescue", program: rescue } },
    { graceMs: 600, pollMs: 100 },
  );

it.each(["unhealthy", "absent"])("a gateway that is %s may be changed, whatever its partner is", async (state) => {
  const rescue = program("rescue", "echo unhealthy");
  expect(await required(program("main", `echo ${state}`), rescue)).toContain("nothing to protect");
  expect(existsSync(`${rescue}.asked`)).toBe(false);
});

it("a host that was never set up has no gateway", async () => {
  expect(await required(join(directory, "none"), "")).toContain("nothing to protect");
  expect(await required(program("main", "echo healthy"), join(directory, "none"))).toContain("nothing to protect");
});

it("a healthy gateway may be changed while its partner is healthy", async () => {
  expect(await required(program("main", "echo healthy"), program("rescue", "echo healthy"))).toBe("rescue is healthy");
});

it("a partner that is just coming up is waited for", async () => {
  const rescue = program("rescue", "echo unhealthy", "exit 1", "echo healthy");
  expect(await required(program("main", "echo healthy"), rescue)).toBe("rescue is healthy");
});

it.each(["echo unhealthy", "exit 1", "echo"])(
  "a healthy gateway is kept while its partner says: %s",
  async (answer) => {
    const refused = required(program("main", "echo healthy"), program("rescue", answer));
    await expect(refused).rejects.toThrow(
      /^gateway rescue on this machine, its partner, is not healthy .*force: true/s,
    );
  },
);

it("a gateway that cannot be asked is not changed", async () => {
  await expect(required(program("main", "exit 1"), program("rescue", "echo healthy"))).rejects.toThrow("prepare main");
});
