/** What a preview says that a deployment will change of a gateway, and what it costs. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { specOf } from "../../components/targets/hostGateway";
import { expectedChange } from "../../inspect/change";
import { gatewayPaths, manageDir, type HostLayout } from "../../model/hostLayout";
import { costInWords } from "../../model/reload";
import { withSecretsFile } from "../../model/secrets";
import { resolved } from "./gateways";

const VERSION = "2026.9.6";
const main = (args: object = {}) => specOf(resolved("main", { basePort: 18789, version: VERSION, ...args }));

let layout: HostLayout;
beforeEach(() => void (layout = { root: mkdtempSync(join(tmpdir(), "change-")), binDir: "/usr/bin", account: null }));
afterEach(() => rmSync(layout.root, { recursive: true }));

/** As the host program has deployed it. */
function deployed(args: object = {}, service: object = { process: "0123" }): void {
  const { config, ...spec } = main(args);
  const { current } = gatewayPaths(manageDir(layout.root), "main");
  mkdirSync(current, { recursive: true });
  const files = { "spec.json": spec, "service.json": service, "openclaw.json": withSecretsFile(config, "/given.json") };
  for (const [name, content] of Object.entries(files)) writeFileSync(join(current, name), JSON.stringify(content));
}
const said = (args: object): string => {
  const change = expectedChange(layout, "main", main(args));
  return change ? costInWords(change, main(args).version) : "nothing";
};

it("of a gateway that is not there, nothing is said", () => expect(said({})).toBe("nothing"));

it.each([
  [{}, "nothing"],
  [{ force: true }, "nothing"],
  [{ config: { session: { scope: "global" } } }, "changes while it runs, without a pause: session.scope"],
  [
    { config: { gateway: { controlUi: { basePath: "/claw" } } } },
    "restarts inside its process, seconds without answers: gateway.controlUi.basePath",
  ],
  [
    { config: { session: { scope: "global" }, gateway: { controlUi: { basePath: "/claw" } } } },
    "restarts inside its process, seconds without answers: gateway.controlUi.basePath, session.scope",
  ],
  [{ maxOldSpaceSize: 4096 }, "stops, and starts again in a new process: maxOldSpaceSize"],
  [{ basePort: 20789 }, "stops, and starts again in a new process: basePort"],
  [{ version: "2026.9.7" }, "stops, and starts again in a new process: version"],
])("a gateway that is deployed as it was, with %j: %s", (args, words) => {
  deployed();
  expect(said(args)).toBe(words);
});

it("a version whose rules are not known leaves it open", () => {
  deployed({ version: "2026.9.7" });
  expect(said({ version: "2026.9.7", config: { session: { scope: "global" } } })).toBe(
    "changes while it runs, or restarts inside its process, as OpenClaw 2026.9.7 decides: session.scope",
  );
});

it("a gateway from before changes were live gets a new process with its first change, and not before", () => {
  deployed({}, {});
  expect(said({ config: { session: { scope: "global" } } })).toMatch(/in a new process: session\.scope$/);
  expect(said({})).toBe("nothing");
});

it("a long list ends in a number", () => {
  deployed();
  const keys = Object.fromEntries(["a", "b", "c", "d", "e", "f"].map((key) => [key, true]));
  expect(said({ config: { tools: keys } })).toMatch(/: tools\.a, tools\.b, tools\.c, tools\.d and 2 more$/);
});
