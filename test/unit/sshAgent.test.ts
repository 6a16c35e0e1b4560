/** The way to a Docker engine behind SSH. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { SshAgent } from "../../deployer/docker/engine";

let directory: string;
beforeEach(() => void (directory = mkdtempSync(join(tmpdir(), "ssh-agent-"))));
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(directory, { recursive: true });
});

/** Asks an engine whose `ssh` does this. */
function ask(answer: string): Promise<number> {
  const ssh = join(directory, "ssh");
  writeFileSync(ssh, `#!/bin/sh\n${answer}\n`);
  chmodSync(ssh, 0o755);
  vi.stubEnv("PATH", `${directory}:${process.env.PATH}`);
  return new Promise((resolve, reject) => {
    get({ host: "docker.invalid", path: "/info", agent: new SshAgent([]) }, (response) => {
      let bytes = 0;
      response.on("data", (chunk: Buffer) => (bytes += chunk.length)).on("end", () => resolve(bytes));
      response.on("error", reject);
    }).on("error", reject);
  });
}

const HEAD = "printf 'HTTP/1.1 200 OK\\r\\n\\r\\n'";

it("an SSH agent's answer is read", async () => {
  expect(await ask(`${HEAD}; printf 12345`)).toBe(5);
});

it("an SSH agent whose answer does not end is given up", async () => {
  await expect(ask(`${HEAD}; exec yes`)).rejects.toThrow(/answer does not end|aborted/);
});

it("a failed SSH agent is reported briefly", async () => {
  await expect(ask("yes complaint | head -c 1000000 >&2; echo no route >&2; exit 255")).rejects.toThrow(/no route$/);
});
