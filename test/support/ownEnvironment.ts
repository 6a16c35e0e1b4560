/** Files that share their worker's process share its environment: what one of them sets ends with it. */
import { afterAll, vi } from "vitest";
// Takes the worker's number, which is to stay.
import "./slot";

const before = { ...process.env };
afterAll(() => {
  vi.unstubAllEnvs();
  for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
  Object.assign(process.env, before);
});
