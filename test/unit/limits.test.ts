/** Tests run the host program with shorter limits; what is shipped has its own, and no way to be given others. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { brotliDecompressSync } from "node:zlib";
import { expect, it } from "vitest";
import * as limits from "../../host/limits";
import { bundleHost, type Values } from "../../toolchain/build";
import { TEST_LIMITS } from "../support/hostProgram";

/** Archives, and the order of versions. */
const PACKAGES = [
  ...["bl", "end-of-stream", "fs-constants", "inherits", "once", "readable-stream", "safe-buffer", "semver"],
  ...["string_decoder", "tar-stream", "util-deprecate", "wrappy"],
];

const textOf = async (changed?: Values): Promise<string> => (await bundleHost(changed)).outputFiles[0]!.text;

it("the shipped host program has these limits", () =>
  expect(limits).toMatchInlineSnapshot(`
    {
      "CHANNEL_PATIENCE_MS": 5000,
      "CHANNEL_POLL_MS": 2000,
      "CHANNEL_TIMEOUT_MS": 90000,
      "DRAIN_TIMEOUT_MS": 330000,
      "EXIT_TIMEOUT_MS": 30000,
      "FIRST_BACKOFF_MS": 1000,
      "HEALTH_POLL_MS": 250,
      "JOB_POLL_MS": 100,
      "MAX_BACKOFF_MS": 60000,
      "MUTEX_POLL_MS": 200,
      "PARTNER_GRACE_MS": 20000,
      "PARTNER_POLL_MS": 500,
      "PROCESS_POLL_MS": 50,
      "RELOAD_ASK_MS": 4000,
      "RELOAD_POLL_MS": 100,
      "RELOAD_TIMEOUT_MS": 60000,
      "RUNNING_PATIENCE_MS": 15000,
      "STOP_TIMEOUT_MS": 15000,
      "SUPERVISOR_START_TIMEOUT_MS": 10000,
      "UNIT_POLL_MS": 100,
    }
  `));

it("the host program consists of host/, inspect/ and model/ and these packages, with these limits", async () => {
  const { metafile, outputFiles } = await bundleHost();
  const others = Object.keys(metafile.inputs).filter((path) => !/^(host|inspect|model)\//.test(path));
  const packages = others.map((path) => /^node_modules\/([^/]+)\//.exec(path)?.[1] ?? path);
  expect([...new Set(packages)].sort()).toEqual(PACKAGES);
  expect(outputFiles[0]!.text).toBe(await textOf({ ...limits }));
  const built = readFileSync(join(__dirname, "../../dist/host.cjs.br"));
  expect(brotliDecompressSync(built).toString(), "run `npm run build`").toBe(outputFiles[0]!.text);
});

it.each(Object.entries(TEST_LIMITS))("the limit %s differs in the host program of the tests", async (name, value) => {
  expect(await textOf({ [name]: value })).not.toBe(await textOf());
});
