import * as pulumi from "@pulumi/pulumi";
import { expect, it, vi } from "vitest";
import { knownSoon } from "../../components/outputs";

it("a value that is known, also a secret one and one that comes in a moment", async () => {
  expect(await knownSoon(pulumi.output("here"))).toBe("here");
  expect(await knownSoon(pulumi.secret({ key: pulumi.output("here") }))).toEqual({ key: "here" });
  expect(await knownSoon(pulumi.output(new Promise((resolve) => setTimeout(resolve, 10, "here"))))).toBe("here");
});

it("nothing where it is unknown, or cannot be made", async () => {
  const outputOf = (isKnown: boolean, promise: () => Promise<string>) =>
    ({ isKnown: Promise.resolve(isKnown), promise }) as unknown as pulumi.Output<string>;
  expect(await knownSoon(outputOf(false, () => Promise.resolve("?")))).toBeUndefined();
  expect(await knownSoon(outputOf(true, () => Promise.reject(new Error("no"))))).toBeUndefined();
});

it("nothing where it takes long: its maker may wait for the look", async () => {
  vi.useFakeTimers();
  const value = knownSoon(pulumi.output(new Promise(() => undefined)));
  await vi.advanceTimersByTimeAsync(3_000);
  expect(await value).toBeUndefined();
  vi.useRealTimers();
});
