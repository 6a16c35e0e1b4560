/** What in a host's facts prevents gateways from running on it. Pure. */
import { refusals } from "../../../model/recovery";
import type { HostLayout } from "../../../model/hostLayout";
import {
  inTrust,
  conflictInWords,
  listensOn,
  type ClaimToCheck,
  type Conflict,
  type Found,
} from "../../../model/conflict";
import { lingering } from "../../../inspect/units";
import { sandboxWarnings } from "../../rules/config/sandbox";
import { heapConflicts } from "../../rules/heap";
import { needsOf, unmet } from "../../../model/needs";
import type { Problem } from "../../rules/problems";
import { claimToCheck } from "../hostGateway";
import { misfits, type HostFacts } from "../hostLayout";
import type { Drift } from "../../../model/drift";
import type { ExpectedChange } from "../../../model/reload";
import type { GatewayToCheck } from "../target";
import { defined } from "../../../model/defined";
import type { Probe } from "./probe";

/** A release with its dependencies, and room for its installation. Source: measured, OpenClaw 2026.9.6. */
const RELEASE_BYTES = 1.5e9;
/** A running gateway. Source: measured, OpenClaw 2026.9.6. */
const GATEWAY_BYTES = 1e9;
/** What Node.js of the bootstrap is linked with. */
const LOADERS: Readonly<Record<string, string>> = {
  x86_64: "/lib64/ld-linux-x86-64.so.2",
  aarch64: "/lib/ld-linux-aarch64.so.1",
};
/** Of glibc 2, for Node.js 24. */
const OLDEST_GLIBC_MINOR = 28;

export interface HostProblems {
  /** Of the host itself. */
  readonly problems: readonly Problem[];
  /** Of each gateway, in their order. */
  readonly obstacles: readonly (readonly Conflict[])[];
  readonly warnings: readonly string[];
  /** Gateways of which something was removed. */
  readonly lost: readonly string[];
  /** What would change of each gateway, in their order; fewer: it is not known. */
  readonly changes: readonly (ExpectedChange | null)[];
  /** What is not as it was left, of each gateway, in their order; fewer: it is not known. */
  readonly drifts: readonly (readonly Drift[])[];
}

/** Nothing was found, and nothing looked for. */
export const nothingFound = (gateways: readonly GatewayToCheck[]): HostProblems => ({
  problems: [],
  obstacles: gateways.map(() => []),
  warnings: [],
  lost: [],
  changes: [],
  drifts: [],
});

export interface LookedAtHost {
  readonly name: string;
  readonly layout: HostLayout;
  readonly sudo: boolean;
}

export function hostProblemsOf(host: LookedAtHost, facts: Probe, gateways: readonly GatewayToCheck[]): HostProblems {
  const nothing = nothingFound(gateways);
  const machine = wrongMachine(facts);
  if (machine)
    return {
      ...nothing,
      problems: [
        { path: `${host.name}.host`, reason: machine, advice: "use a host with Linux on x64 or arm64, e.g. Debian 12" },
      ],
    };
  // Anything else found would be what the user sees, not root.
  if (host.sudo && !facts.sudo) return { ...nothing, problems: [noSudo(host, facts)] };
  const unsafe = facts.unsafe.map((path) => ({ path: `${host.name}.root`, ...inTrust(path) }));
  // Nothing was run there as root, so no more is known.
  if (unsafe.length) return { ...nothing, problems: unsafe };
  return {
    problems: [...misfits(host.name, host.layout, factsOf(facts), "on the host"), ...tooLittleSpace(host, facts)],
    obstacles: gateways.map((each, index) => {
      const claim = claimToCheck(each);
      const found = facts.found?.[index] ?? foundFor(each, claim, facts);
      return [
        ...found.map((thing) => conflictInWords(host.layout, claim, thing)),
        ...refusals(facts.changes[index]),
        ...unmet(needsOf(each.gateway.config), {
          ...facts,
          isFile: (path) => !facts.absent.includes(path),
        }),
        ...heapConflicts(each.gateway.maxOldSpaceSize, "host", (facts.memoryBytes ?? Infinity) / 2 ** 20),
      ];
    }),
    warnings: [...littleMemory(host, facts, gateways.length), ...noSandboxes(host, facts, gateways)],
    lost: facts.lost,
    changes: facts.changes,
    drifts: facts.drifts,
  };
}

const factsOf = ({ linger, user, former, ...facts }: Probe): HostFacts => ({
  ...facts,
  user,
  linger: linger || !facts.systemd ? undefined : lingering(user),
  former: former && defined(former),
});

function wrongMachine({ system, machine, loaders, libc }: Probe): string | undefined {
  const loader = LOADERS[machine];
  if (system !== "Linux" || loader === undefined) return `runs ${system} on ${machine}`;
  if (!loaders.includes(loader))
    return `has no glibc for ${machine} (${loader}), which Node.js needs: musl is not enough`;
  const minor = /^glibc 2\.(\d+)/.exec(libc)?.[1];
  if (minor !== undefined && Number(minor) < OLDEST_GLIBC_MINOR)
    return `has ${libc}, but Node.js needs 2.${OLDEST_GLIBC_MINOR} or newer`;
  return undefined;
}

const noSudo = ({ name }: LookedAtHost, { user }: Probe): Problem => ({
  path: `${name}.sudo`,
  reason: `${user} cannot become root on the host without a password (sudo -n true)`,
  advice: `have an administrator run: echo '${user} ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/${user}; or remove sudo: the gateways then run as services of ${user}`,
});

function tooLittleSpace({ name }: LookedAtHost, { freeBytes, missing, root }: Probe): Problem[] {
  const needed = missing.length * RELEASE_BYTES;
  if (freeBytes === undefined || freeBytes >= needed) return [];
  return [
    {
      path: `${name}.root`,
      reason: `the disk of ${root.parent} has ${gigabytes(freeBytes)} free, but installing OpenClaw for ${missing.join(" and ")} needs about ${gigabytes(needed)}`,
      advice: "free up space there, or set root to a directory on another disk",
    },
  ];
}

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;

function littleMemory({ name }: LookedAtHost, { memoryBytes }: Probe, count: number): string[] {
  if (memoryBytes === undefined || memoryBytes >= count * GATEWAY_BYTES) return [];
  return [
    `${name}: the host has ${gigabytes(memoryBytes)} of memory, but its gateways need about ${gigabytes(count * GATEWAY_BYTES)}`,
  ];
}

const noSandboxes = (
  { layout }: LookedAtHost,
  { programs, groups, user }: Probe,
  gateways: readonly GatewayToCheck[],
) => gateways.flatMap(({ gateway }) => sandboxWarnings(gateway, programs, { name: layout.account ?? user, groups }));

/** What the facts say, if the host has no program that can look. */
function foundFor({ gateway }: GatewayToCheck, claim: ClaimToCheck, facts: Probe): Found[] {
  const { id } = gateway;
  // If a program cannot look, or none is left, the listener may be this very gateway: the claim finds out.
  const listeners =
    facts.installed || facts.lost.includes(id) ? [] : facts.listeners.filter(({ port }) => listensOn(claim, port));
  return [
    ...(facts.unownedStates.includes(id) ? [{ is: "unownedState" } as const] : []),
    ...facts.units.filter((unit) => unit.id === id).map(({ path }) => ({ is: "unit", path }) as const),
    ...listeners.map((listener) => ({ is: "port", listener, ephemeral: facts.ephemeral }) as const),
  ];
}
