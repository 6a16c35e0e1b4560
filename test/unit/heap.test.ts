import { totalmem } from "node:os";
import { describe, expect, it } from "vitest";
import { heapConflicts } from "../../components/rules/heap";
import { resolveGateway } from "../../components/rules/resolve";
import { hostProblemsOf } from "../../components/targets/ssh/hostProblems";
import { specOf } from "../../components/targets/hostGateway";
import { serviceArguments, processOf } from "../../host/generation";
import { containerCommand, filesVolumeName } from "../../model/containerLayout";
import { adaptiveHeap, heapFlag } from "../../model/heap";
import { engine, GOOD_HOST, inContainer, layout, resolved } from "./gateways";

const service = { node: "/node", entry: "/openclaw.mjs", cwd: "/", env: {}, secrets: "/secrets" };

describe("the limit of the heap", () => {
  it.each([
    [1024, 768],
    [1536, 1152],
    [2048, 1536],
    [4096, 2048],
    [6144, 3072],
    [24_576, 8192],
    [65_536, 16_384],
  ])("the heap limit with %i MiB of memory is %i", (memory, heap) => expect(adaptiveHeap(memory)).toBe(heap));

  it("a generation from before heap limits keeps Node.js's own", () => {
    expect(serviceArguments(service)).toEqual(["/openclaw.mjs", "gateway", "run"]);
  });

  it("the heap limit is the given one, or follows from this machine's memory", () => {
    const run = ["/openclaw.mjs", "gateway", "run"];
    expect(serviceArguments({ ...service, maxOldSpaceSize: 6144 })).toEqual(["--max-old-space-size=6144", ...run]);
    const here = Math.min(totalmem(), process.constrainedMemory() || Infinity) / 2 ** 20;
    expect(serviceArguments({ ...service, maxOldSpaceSize: "adaptive" })).toEqual([
      heapFlag(adaptiveHeap(Math.floor(here))),
      ...run,
    ]);
  });

  it("needs another process where it is set, and only there", () => {
    const name = (args: object) =>
      processOf(specOf(resolved("main", { basePort: 18789, ...args })), "nonce", "release");
    expect(name({ maxOldSpaceSize: undefined })).toBe(name({}));
    expect(name({ maxOldSpaceSize: 4096 })).not.toBe(name({}));
  });
});

describe("the limit of the heap in a container", () => {
  const limits = { memoryMiB: 2048, cpus: 2, pids: 512 };
  const volume = filesVolumeName("claw-dev-main", "config", "0123456789ab");

  it("a container's heap limit is the given one, or follows from its memory", () => {
    expect(containerCommand(volume, limits, {}).slice(0, 4)).toEqual([
      "node",
      "--max-old-space-size=1536",
      "--env-file=/etc/openclaw-secrets/env",
      "dist/index.js",
    ]);
    expect(containerCommand(volume, limits, { maxOldSpaceSize: 1000 })[1]).toBe("--max-old-space-size=1000");
  });

  it("a container from before heap limits is not recreated", () => {
    for (const before of ["claw-dev-main-config-0123456789ab", undefined])
      expect(containerCommand(before, limits, {})[1]).toBe("--env-file=/etc/openclaw-secrets/env");
    expect(filesVolumeName("claw-dev-main", "secrets", "0123456789ab")).toBe("claw-dev-main-secrets-0123456789ab");
  });
});

describe("a limit of the heap that the memory is too small for", () => {
  it("a heap limit that exceeds a container's memory is refused", () => {
    const problems = (maxOldSpaceSize: number) =>
      resolveGateway("ops", { version: "2026.9.6", basePort: 18789, maxOldSpaceSize }, engine).problems;
    expect(problems(2047)).toEqual([]);
    expect(problems(2048)).toEqual([
      {
        path: "ops.maxOldSpaceSize",
        reason: "is not less than the memory of its container, 2048 MiB: memory would run out before the heap is full",
        advice: "use 1536 or less, or give the container more memory",
      },
    ]);
    expect(inContainer("ops", { maxOldSpaceSize: 1024 }).maxOldSpaceSize).toBe(1024);
  });

  it("a heap limit that exceeds an SSH host's memory is refused, as far as that is known", () => {
    const gateway = resolved("ops", { basePort: 18789, maxOldSpaceSize: 8192 });
    const { memoryBytes: _, ...unknown } = GOOD_HOST;
    const found = (facts: typeof unknown) =>
      hostProblemsOf({ name: "box", layout, sudo: false }, { ...facts, missing: [] }, [{ name: "ops", gateway }])
        .obstacles.flat()
        .map(({ property }) => property);
    expect(found({ ...GOOD_HOST, memoryBytes: 8 * 2 ** 30 } as never)).toEqual(["maxOldSpaceSize"]);
    expect(found({ ...GOOD_HOST, memoryBytes: 9 * 2 ** 30 } as never)).toEqual([]);
    expect(found(unknown)).toEqual([]);
  });

  it("without a heap limit nothing is refused", () => expect(heapConflicts(undefined, "host", 1)).toEqual([]));
});
