/** What npm is told, wherever this package runs it. */
import { expect, it } from "vitest";
import { workerEnvironment } from "../../model/npm";

const OF_THE_CALLER = { npm_config_registry: "http://callers", HOME: "/home/you", PATH: "/odd", SECRET: "canary" };

it("the registry of the caller's npm is used where no other is named", () => {
  expect(workerEnvironment(OF_THE_CALLER).npm_config_registry).toBe("http://callers");
  expect(workerEnvironment(OF_THE_CALLER, { registry: "http://named" }).npm_config_registry).toBe("http://named");
  expect(workerEnvironment({})).not.toHaveProperty("npm_config_registry");
});

it("nothing of the caller's environment reaches npm but npm's own settings", () => {
  expect(JSON.stringify(workerEnvironment(OF_THE_CALLER))).not.toMatch(/canary|\/odd/);
});
