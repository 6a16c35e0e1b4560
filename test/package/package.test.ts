/** The package as somebody else gets it. Nothing here starts a gateway: programs are previewed only. */
import { readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TESTED_VERSIONS } from "../../model/versions";
import { pulumiEnvironment } from "../../toolchain/environment";
import { temporaryRoot } from "../support/hosts";
import { Consumer, OLDEST_SDK, PackedPackage, runIn, SDK, tryIn, type PackageManager } from "../support/package";

const packed = new PackedPackage();
const root = temporaryRoot();
let env: NodeJS.ProcessEnv;
beforeAll(async () => {
  await packed.pack();
  env = { ...(await pulumiEnvironment({ isolatedIn: join(packed.directory, "engine") })), TEST_ROOT: root };
});
afterAll(() => {
  packed.dispose();
  rmSync(root, { recursive: true, force: true });
});

it("the package holds what a program needs, and nothing else", async () => {
  expect([...(await packed.files())].sort()).toEqual([
    "CHANGELOG.md",
    "LICENSE",
    "README.md",
    "dist/LICENSES.txt",
    "dist/cli.cjs",
    "dist/components.cjs",
    "dist/deployer.cjs",
    "dist/host.cjs.br",
    "dist/index.d.ts",
    "dist/ssh.cjs",
    "host/bootstrap.sh",
    "inspect/look.sh",
    "inspect/trusted.sh",
    ...TESTED_VERSIONS.map(({ version }) => `locks/openclaw-${version}.lock`),
    "package.json",
    ...TESTED_VERSIONS.map(({ version }) => `schemas/openclaw-${version}.schema`),
  ]);
  const texts = ["components.cjs", "index.d.ts"].map((file) =>
    readFileSync(join(packed.sources, "dist", file), "utf8"),
  );
  for (const text of texts) expect(text).not.toMatch(/sourceMappingURL|from ['"](zod|@pulumi\/docker)|require\("zod/);
});

it("packing fails where the public API differs from its report", async () => {
  const file = join(packed.sources, "components", "targets", "hostArguments.ts");
  const text = readFileSync(file, "utf8");
  try {
    const declared = text.replace("  readonly root?", "  readonly nickname?: string | undefined;\n  readonly root?");
    writeFileSync(file, declared.replace("  root: ", "  nickname: z.string().optional(),\n  root: "));
    const { code, stderr, stdout } = await tryIn(packed.sources, "npm", ["run", "prepack"]);
    expect(code).not.toBe(0);
    expect(stdout + stderr).toMatch(/^\+\s+readonly nickname\?: string \| undefined;$/m);
    expect(stderr).toContain("npm run api");
  } finally {
    writeFileSync(file, text);
  }
});

// The only install scripts are those of dependencies, which fetch a plugin that the engine fetches itself.
const managers: readonly PackageManager[] = [
  {
    name: "npm",
    install: ["install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline"],
    sdk: OLDEST_SDK,
  },
  { name: "pnpm", version: "12.21.0", install: ["install", "--ignore-scripts"], sdk: SDK },
  // --ignore-engines: the newest SDK asks for a newer Node.js than we do, and works with ours.
  {
    name: "yarn",
    version: "1.22.22",
    install: ["install", "--non-interactive", "--ignore-scripts", "--ignore-engines"],
    sdk: SDK,
  },
];

describe.each(managers)("installed with $name", (manager) => {
  const consumer = new Consumer(packed, manager);
  let unobtainable: string | undefined;
  beforeAll(async () => {
    unobtainable = await consumer.obtainManager();
    if (unobtainable === undefined) await consumer.install();
    else console.warn(`skipped: ${unobtainable}`);
  });

  const test = (name: string, body: () => Promise<void>): void =>
    it(name, async (context) => {
      context.skip(unobtainable !== undefined, unobtainable);
      await body();
    });

  test("an installed package has one SDK, and no development files", async () => {
    const script = `
      const { createRequire } = require("node:module");
      const ours = createRequire(require.resolve("pulumi-openclaw"));
      const commands = createRequire(ours.resolve("@pulumi/command"));
      for (const { resolve } of [require, ours, commands]) console.log(resolve("@pulumi/pulumi/package.json"));`;
    const found = (await consumer.node("-e", script)).split("\n");
    expect(new Set(found).size, found.join()).toBe(1);
    expect(JSON.parse(readFileSync(found[0]!, "utf8"))).toMatchObject({ version: manager.sdk });
    // @pulumi/docker is for programs with containers, which name it themselves.
    for (const name of ["zod", "@pulumi/docker", "vitest"])
      expect(consumer.has(join("node_modules", name))).toBe(false);
  });

  test("the package exports at run time what its types say, for both kinds of modules", async () => {
    const typed = readFileSync(join(packed.sources, "dist", "index.d.ts"), "utf8").matchAll(
      /^export declare (?:class|const|function) (\w+)/gm,
    );
    // These are the root stack's own way into the bundle (`imports` of package.json); they have no types.
    const names = [...[...typed].map(([, name]) => name), "readStackConfig", "stackOutputs"].sort().join();
    const script = `
      const required = require("pulumi-openclaw");
      console.log(Object.keys(required).sort().join());
      import("pulumi-openclaw").then(({ default: whole, ...named }) => {
        delete named["module.exports"];
        console.log(Object.keys(named).sort().join());
        console.log(whole === required, named.Gateway === required.Gateway);
      });`;
    expect(await consumer.node("-e", script)).toBe([names, names, "true true"].join("\n"));
  });

  // node16 resolves as nodenext does. What our declarations say is the same wherever they lie.
  const resolutions = [
    ["commonjs", "node10"],
    ["esnext", "bundler"],
    ["nodenext", "nodenext"],
  ] as const;
  for (const [module, moduleResolution] of manager.name === "npm" ? resolutions : [resolutions[2]])
    test(`type-checks strictly with moduleResolution ${moduleResolution}`, () =>
      consumer.tsc(
        ...["--noEmit", "--exactOptionalPropertyTypes", "--skipLibCheck", String(manager.name !== "npm")],
        ...["--target", "es2022", "--types", "node", "--module", module, "--moduleResolution", moduleResolution],
      ));

  test("a program that uses the package previews", async () => {
    const stack = ["--stack", manager.name, "--non-interactive"];
    await runIn(consumer.directory, "pulumi", ["stack", "init", ...stack], env);
    const { stdout } = await runIn(consumer.directory, "pulumi", ["preview", "--color", "never", ...stack], env);
    // stack; lock of the release; a host with three children; the pair; three gateways with six children each
    expect(stdout).toContain(`+ ${2 + 4 + 1 + 3 * 7} to create`);
    expect(readdirSync(root)).toEqual([]);
    const command = join("node_modules", ".bin", "pulumi-openclaw");
    const checked = await runIn(consumer.directory, command, ["check", "--stack", manager.name], env);
    // Others of this machine are told of.
    expect(checked.stdout).toMatch(
      /^There is no gateway to check\.$|^note: this machine: [^]*No gateway was checked\.$/,
    );
    const shown = await runIn(consumer.directory, command, ["status", "--stack", manager.name], env);
    expect(shown.stdout).toBe("This stack has no gateway.");
  });

  if (manager.name === "npm")
    test("an inline program of the Automation API previews", async () => {
      await consumer.tsc("--skipLibCheck", "--module", "nodenext", "--target", "es2022", "--types", "node");
      const { stdout } = await runIn(consumer.directory, process.execPath, ["automation.mjs"], env);
      expect(JSON.parse(stdout)).toEqual({ create: 2 + 4 + 1 + 2 * 7 });
      expect(readdirSync(root)).toEqual([]);
    });
});
