import type { ContainerLayout, Layout } from "../../components/rules/placement";
import { resolveGateway, type ResolvedGateway } from "../../components/rules/resolve";
import type { Probe } from "../../components/targets/ssh/probe";
import type { HostLayout } from "../../model/hostLayout";

export const layout: HostLayout = { root: "/home/claw", binDir: "/home/claw/bin", account: null };

export const engine: ContainerLayout = {
  kind: "container",
  prefix: "claw-dev",
  docker: "docker",
  sandboxPort: false,
  memory: 2048,
};

/** A gateway from good arguments. */
export function resolved(label: string, args: Record<string, unknown>, place: Layout = layout): ResolvedGateway {
  const input = Object.fromEntries(
    Object.entries({ version: "2026.9.6", ...args }).filter(([, value]) => value !== undefined),
  );
  const { gateway, problems } = resolveGateway(label, input, place);
  if (!gateway || problems.length) throw new Error(`bad test arguments: ${JSON.stringify(problems)}`);
  return gateway;
}

/** The same in a container. */
export const inContainer = (label: string, args: Record<string, unknown>, place = engine): ResolvedGateway =>
  resolved(label, { basePort: 18789, ...args }, place);

/** A host over SSH with nothing in the way. */
export const GOOD_HOST: Probe = {
  system: "Linux",
  machine: "x86_64",
  libc: "glibc 2.36",
  loaders: ["/lib64/ld-linux-x86-64.so.2"],
  user: "claw",
  home: "/home/claw",
  systemd: true,
  linger: true,
  sudo: false,
  account: "",
  programs: ["docker", "openssl", "tailscale"],
  addresses: [],
  absent: [],
  groups: ["claw", "docker"],
  unsafe: [],
  closed: [],
  root: { state: "writable", parent: "/home/claw" },
  binDir: { state: "writable", parent: "/home/claw" },
  freeBytes: 20e9,
  memoryBytes: 8e9,
  ephemeral: { first: 32768, last: 60999 },
  listeners: [],
  units: [],
  missing: ["main"],
  unownedStates: [],
  lost: [],
  changes: [],
  drifts: [],
  installed: false,
};
