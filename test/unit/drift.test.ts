/** What is said of a gateway that is not as it was left. */
import { expect, it } from "vitest";
import { parseProbe } from "../../components/targets/ssh/probe";
import { driftInWords, isDown, type Drift } from "../../model/drift";

it.each<[Drift, string]>([
  [{ is: "config", keys: ["gateway.auth.mode"] }, "gateway.auth.mode was changed on the host by hand"],
  [{ is: "config", keys: ["a.b", "c"] }, "a.b, c (2 keys) were changed on the host by hand"],
  [{ is: "config", keys: [] }, "its configuration was made unreadable on the host by hand"],
  [{ is: "gone", path: "/x" }, "/x is gone"],
  [{ is: "edited", path: "/x" }, "/x was changed on the host by hand"],
  [{ is: "access", path: "/x", now: "mode 666", before: "mode 640" }, "/x has mode 666, and had mode 640"],
  [{ is: "release", version: "2026.9.6", files: 3 }, "release 2026.9.6 has 3 changed files"],
  [{ is: "stopped" }, "is stopped"],
  [{ is: "stopped", rebootedAt: Date.UTC(2026, 10, 28, 12, 3) }, "is stopped since the reboot of 2026-11-28 12:03 UTC"],
  [{ is: "gaveUp", reason: "exit code 78" }, "has stopped for good: exit code 78"],
  [{ is: "notEnabled", unit: "u.service" }, "u.service is not enabled: it would not start after a reboot"],
  [{ is: "silent", port: 18789 }, "runs, and does not answer on port 18789"],
  [{ is: "version", runs: "2026.8.2" }, "answers as OpenClaw 2026.8.2"],
  [
    { is: "generation", version: "2026.8.2" },
    "runs another deployment than the one that was finished last (OpenClaw 2026.8.2)",
  ],
  [{ is: "unproved" }, "an earlier change of it was not finished"],
])("%j in words", (drift, words) => expect(driftInWords([drift])).toBe(words));

it("longer lists end in a number, and only what does not answer is down", () => {
  const all = [..."abcdefgh"].map((name): Drift => ({ is: "gone", path: `/${name}` }));
  expect(driftInWords(all)).toMatch(/^\/a is gone; .*\/f is gone; and 2 more$/);
  expect((["stopped", "gaveUp", "silent", "edited", "notEnabled"] as const).map(isDown)).toEqual([
    ...[true, true, true],
    ...[false, false],
  ]);
});

/** What the script says of a host with one gateway on it, whose program says this. */
const saidBy = (program: object): string =>
  [
    "pulumi-openclaw look",
    ...["system Linux", "machine x86_64", "user claw", "home /home/claw", "root writable /", "bin_dir writable /"],
    ...["program installed", `answer ${JSON.stringify({ found: [[]], ...program })}`, "end"],
  ].join("\n");

it("what a host says of itself is believed as far as it is understood", () => {
  const known = { is: "stopped" };
  const drifts = (said: unknown): unknown => {
    const facts = parseProbe(saidBy({ drifts: said }), 1);
    return typeof facts === "object" ? facts.drifts : facts;
  };
  expect(drifts([[known, { is: "tomorrow's" }, { is: "edited", path: "relative" }, 7]])).toEqual([[known]]);
  expect(drifts([[{ is: "edited", path: "/a\u001b]0;title\u0007" }]])).toEqual([[]]);
  expect(drifts([Array(5_000).fill(known)])).toEqual([Array(200).fill(known)]);
  expect(drifts("much")).toBe("strange");
  expect(drifts(undefined)).toEqual([]);
});
