import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  BLOCK_SIZE,
  derivePorts,
  MAX_BASE_PORT,
  MIN_BASE_PORT,
  nearestFreeBase,
  overlaps,
  portBlock,
  portRole,
} from "../../model/ports";

const base = fc.integer({ min: MIN_BASE_PORT, max: MAX_BASE_PORT });

describe("derived ports", () => {
  it("the derived ports of the page's two bases are the measured ones", () => {
    expect(derivePorts(18789)).toEqual({
      gateway: 18789,
      canvas: 18789,
      sandbox: 18790,
      browserControl: 18791,
      extensionRelay: { first: 18792, last: 18799 },
      cdp: { first: 18800, last: 18899 },
    });
    expect(derivePorts(19789).cdp).toEqual({ first: 19800, last: 19899 });
  });

  it("derived ports fill the block without a gap and are valid", () => {
    fc.assert(
      fc.property(base, (value) => {
        const { gateway, sandbox, browserControl, extensionRelay, cdp } = derivePorts(value);
        expect([gateway, sandbox, browserControl, extensionRelay.first]).toEqual([0, 1, 2, 3].map((n) => value + n));
        expect(cdp.first).toBe(extensionRelay.last + 1);
        expect(portBlock(value)).toEqual({ first: gateway, last: cdp.last });
        expect(cdp.last).toBeLessThanOrEqual(65535);
        expect(cdp.last - gateway + 1).toBe(BLOCK_SIZE);
      }),
    );
  });

  it("derived ports name the role of each port", () => {
    expect([0, 1, 2, 3, 10, 11, 110].map((offset) => portRole(20000, 20000 + offset))).toEqual([
      "gateway",
      "sandbox",
      "browser control",
      "extension relay",
      "extension relay",
      "CDP",
      "CDP",
    ]);
  });
});

describe("nearestFreeBase", () => {
  it.each([
    [18809, [18789], 18900],
    [18700, [18789], 18678],
    [1024, [1024], 1135],
    [65425, [65425], 65314],
    [20000, [], 20000],
  ])("the nearest free base near %i beside %j is %i", (wanted, taken, expected) => {
    expect(nearestFreeBase(wanted, taken.map(portBlock))).toBe(expected);
  });

  it("the nearest free base is free, and nothing nearer is", () => {
    fc.assert(
      fc.property(base, fc.array(base, { maxLength: 8 }), (wanted, bases) => {
        const taken = bases.map(portBlock);
        const found = nearestFreeBase(wanted, taken)!;
        const free = (candidate: number) => !taken.some((block) => overlaps(block, portBlock(candidate)));
        expect(free(found)).toBe(true);
        const distance = Math.abs(found - wanted);
        for (let nearer = 0; nearer < distance; nearer++) {
          for (const candidate of [wanted - nearer, wanted + nearer])
            if (candidate >= MIN_BASE_PORT && candidate <= MAX_BASE_PORT) expect(free(candidate)).toBe(false);
        }
      }),
    );
  });

  it("the nearest free base is undefined when every port is taken", () => {
    expect(nearestFreeBase(20000, [{ first: 1, last: 65535 }])).toBeUndefined();
  });
});
