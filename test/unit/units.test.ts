/** Units that people and former versions of OpenClaw have left. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { findConflicts } from "../../inspect/conflicts";
import type { HostLayout } from "../../model/hostLayout";

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "units-"));
  vi.stubEnv("HOME", home);
  mkdirSync(join(home, ".config/systemd/user"), { recursive: true });
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(home, { recursive: true });
});

const put = (name: string, start: string): void =>
  writeFileSync(join(home, ".config/systemd/user", name), `[Service]\nExecStart=${start}\n`);

function conflicts(): string[] {
  const root = join(home, "root");
  const layout: HostLayout = { root, binDir: join(root, "bin"), account: null };
  const owner = { stack: "o/p/s", gateway: "main" };
  const paths = { stateDir: join(root, ".openclaw"), workspace: join(root, "work"), configPath: join(root, "c.json") };
  const claim = { id: "main", owner, basePort: 26789, wrapper: join(root, "bin/openclaw-main"), ...paths };
  return findConflicts(layout, [claim])[0]!.map(({ property, reason }) => `${property}: ${reason}`);
}

it.each([
  ["clawdbot-gateway.service", "/usr/bin/node /usr/lib/node_modules/clawdbot/dist/index.js gateway --port 26789"],
  ["my-bot.service", "/usr/local/bin/openclaw gateway run --port=26800"],
  ["moltbot.service", "/usr/bin/node /srv/index.js gateway --port 26899"],
])("a unit %s on one of the gateway's ports is in its way, running or not", (name, start) => {
  put(name, start);
  expect(conflicts()).toEqual([
    expect.stringMatching(new RegExp(`^basePort: .*/${name} starts another gateway on port 268?\\d+, one of this`)),
  ]);
});

it.each([
  ["openclaw-gateway-ops.service", "/usr/local/bin/openclaw gateway --port 20000"],
  ["web.service", "/usr/bin/python3 -m http.server --port 26789"],
])("a unit %s is not in the way: %s", (name, start) => {
  put(name, start);
  expect(conflicts()).toEqual([]);
});

it("a masked unit is not in the way", () => {
  symlinkSync("/dev/null", join(home, ".config/systemd/user/clawdbot-gateway.service"));
  expect(conflicts()).toEqual([]);
});
