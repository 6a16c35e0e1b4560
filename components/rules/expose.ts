/** How a gateway is reached from elsewhere, and what would not be safe. Pure. Source: measured on OpenClaw 2026.9.6. */
import { BlockList, isIP } from "node:net";
import * as z from "zod";
import { EVERY_ADDRESS, inPlainText, inPlainTextEverywhere, isLoopback, isPrivate } from "../../model/addresses";
import type { Conflict } from "../../model/conflict";
import { defined } from "../../model/defined";
import { isWithin } from "../../model/hostLayout";
import { valueAt } from "../../model/json";
import { BY_PROXY } from "../../model/secrets";
import type { JsonObject } from "../../model/spec";
import type { EngineMachine } from "../../model/requests";
import type { ExposeArgs, LanArgs, MountArgs, ProxyArgs, TlsArgs } from "../arguments";
import { absolutePath, type Schemas } from "./fields";
import type { Problem } from "./problems";
import type { ResolvedGateway } from "./resolve";

const ipv4 = z.string().refine((text) => isIP(text) === 4, "must be an IPv4 address");

/** As a browser sends it. */
const origin = z
  .string()
  .refine(
    (text) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol) && new URL(text).origin === text,
    'must be an origin: http:// or https:// and a name, without a path, e.g. "https://claw.example.org"',
  );

const header = z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, "must be the name of an HTTP header");

const network = z
  .string()
  .refine(isNetwork, 'must be an IP address or a network, e.g. "10.0.0.5" or "10.0.0.0/24"')
  .refine((text) => !/\/0+$/.test(text), "would trust every machine");

function isNetwork(text: string): boolean {
  const [address = "", length, ...rest] = text.split("/");
  const bits = { 4: 32, 6: 128 }[isIP(address)];
  return bits !== undefined && !rest.length && (length === undefined || (/^\d+$/.test(length) && +length <= bits));
}

const ORIGINS = '["https://claw.example.org"]';

const lan = z.strictObject({
  address: ipv4.refine((text) => !isLoopback(text), "is loopback, where the gateway listens anyway").optional(),
  allowedOrigins: z.array(origin).meta({ example: ORIGINS }).optional(),
} satisfies Schemas<LanArgs>);

const proxy = z
  .strictObject({
    allowedOrigins: z
      .array(origin)
      .min(1, "must not be empty: it is the address that people open")
      .meta({ example: ORIGINS }),
    trustedProxies: z.array(network).min(1, "must not be empty").meta({ example: '["10.0.0.5"]' }).optional(),
    userHeader: header.optional(),
    allowUsers: z
      .array(z.string().min(1, "must not be empty"))
      .min(1, "must not be empty")
      .meta({ example: '["you@example.org"]' })
      .optional(),
    requiredHeaders: z.array(header).meta({ example: '["X-Forwarded-Proto"]' }).optional(),
  } satisfies Schemas<ProxyArgs>)
  .superRefine(({ userHeader, allowUsers, requiredHeaders }, context) => {
    const issue = (path: string, message: string): void => context.addIssue({ code: "custom", path: [path], message });
    if (userHeader !== undefined && allowUsers === undefined)
      issue("allowUsers", 'is required with userHeader; ["*"] admits everybody whom the proxy signs in');
    if (allowUsers?.includes("*") && allowUsers.length > 1)
      issue("allowUsers", 'admits everybody with "*", whatever else it names: leave "*" alone, or remove it');
    for (const [path, value] of Object.entries({ allowUsers, requiredHeaders }))
      if (userHeader === undefined && value !== undefined) issue(path, "needs userHeader, which names the user");
  });

const tls = z
  .strictObject({
    certFile: absolutePath.optional(),
    keyFile: absolutePath.optional(),
  } satisfies Schemas<TlsArgs>)
  .superRefine(({ certFile, keyFile }, context) => {
    if ((certFile === undefined) !== (keyFile === undefined))
      context.addIssue({
        code: "custom",
        path: [certFile === undefined ? "certFile" : "keyFile"],
        message: "is required: a certificate and its key belong together",
      });
  });

export const exposeSchema = z.strictObject({
  lan: lan.meta({ example: '{ address: "192.168.1.5" }' }).optional(),
  tailscale: z.literal("serve").optional(),
  proxy: proxy.meta({ example: `{ allowedOrigins: ${ORIGINS} }` }).optional(),
  tls: tls.meta({ example: '{ certFile: "/etc/ssl/claw.pem", keyFile: "/etc/ssl/claw.key" }' }).optional(),
} satisfies Schemas<ExposeArgs>);

export type Expose = z.output<typeof exposeSchema>;

/** Whether a proxy says who somebody is. Then clients on the machine itself use the token as a password. */
export const signsIn = (expose: Expose | undefined): boolean => expose?.proxy?.userHeader !== undefined;

export const schemeOf = (expose: Expose | undefined): "https" | "http" => (expose?.tls ? "https" : "http");

/** Address beyond loopback on which others reach the gateway. */
export const lanAddress = ({ lan }: Expose = {}): string | undefined => lan && (lan.address ?? EVERY_ADDRESS);

/** Address of the engine's machine that a container's ports are published on. */
export const publishedOn = (lanAddress = "127.0.0.1"): string => lanAddress;

/** And where that machine itself reaches them. */
export const reachedAt = (lanAddress: string | undefined): string =>
  lanAddress === EVERY_ADDRESS ? publishedOn() : publishedOn(lanAddress);

const LOCAL_PROXY = ["127.0.0.1", "::1"];

/** The proxies that are believed; by default, one on this machine. */
const trusted = ({ proxy }: Expose): readonly string[] => proxy?.trustedProxies ?? LOCAL_PROXY;

interface Place {
  /** Ports as people reach them. */
  readonly port: number;
  readonly isContainer: boolean;
}

/** What the component sets in OpenClaw's configuration, and what `config` may change. */
export function exposed(expose: Expose, place: Place): { readonly owned: JsonObject; readonly defaults: JsonObject } {
  const { lan, tailscale, proxy, tls } = expose;
  const address = lanAddress(expose);
  const isNamed = address !== undefined && address !== EVERY_ADDRESS;
  const listens: JsonObject = place.isContainer
    ? {}
    : address === undefined
      ? {}
      : isNamed
        ? { bind: "custom", customBindHost: address }
        : { bind: "lan" };
  const origins = ["127.0.0.1", "localhost", ...(isNamed ? [address] : [])].map(
    (host) => `${schemeOf(expose)}://${host}:${place.port}`,
  );
  const others = [...(lan?.allowedOrigins ?? []), ...(proxy?.allowedOrigins ?? [])];
  return {
    owned: {
      gateway: defined({
        ...listens,
        tailscale: tailscale && { mode: tailscale },
        trustedProxies: proxy && [...trusted(expose)],
        tls: tls && defined({ enabled: true, ...filesOf(tls) }),
      }),
    },
    defaults: {
      gateway: defined({
        auth: defined({
          // Who is on the tailnet would be in without the token.
          allowTailscale: tailscale && false,
          rateLimit: lan || proxy || place.isContainer ? RATE_LIMIT : undefined,
        }),
        controlUi: lan || proxy || place.isContainer ? { allowedOrigins: [...origins, ...others] } : undefined,
      }),
    },
  };
}

/** One that is missing must not be made up. */
const filesOf = ({ certFile, keyFile }: TlsArgs): JsonObject =>
  certFile === undefined || keyFile === undefined
    ? { autoGenerate: true }
    : { autoGenerate: false, certPath: certFile, keyPath: keyFile };

/** Of guesses at the token. */
const RATE_LIMIT = { maxAttempts: 10, windowMs: 60_000, lockoutMs: 300_000 };

/**
 * Whether who is on the tailnet needs no token. Then no program of the machine does either: the port that `tailscale serve`
 * leads to is on loopback, and believes what a request says of its sender. Source: OpenClaw 2026.9.6, its ingress-attribution.
 */
export const letsTailnetIn = (config: JsonObject): boolean => valueAt(config, "gateway.auth.allowTailscale") === true;

/** The configuration of OpenClaw behind a proxy that signs people in. */
export function proxySignIn(expose: Expose): JsonObject {
  const { userHeader, allowUsers = [], requiredHeaders } = expose.proxy!;
  return {
    mode: BY_PROXY,
    trustedProxy: defined({
      userHeader,
      allowUsers: allowUsers.includes("*") ? undefined : [...allowUsers],
      requiredHeaders: requiredHeaders && [...requiredHeaders],
      allowLoopback: trusted(expose).some(includesLoopback) || undefined,
    }),
  };
}

/** What does not fit together, or lets in more than anybody would want. `path`: of the argument. */
export function exposeProblems(
  expose: Expose,
  path: string,
  { isContainer, isRescue, mounts = [] }: { isContainer: boolean; isRescue: boolean; mounts?: readonly MountArgs[] },
): Problem[] {
  const { lan, tailscale, proxy, tls } = expose;
  const problems: Problem[] = [];
  const refuse: Refuse = (property, reason, advice) =>
    void problems.push({ path: `${path}.${property}`, reason, advice });
  if (tailscale && isContainer)
    refuse(
      "tailscale",
      "cannot be used in a container, which has no Tailscale",
      "remove it, and run `tailscale serve` on the engine's machine: docs/reach.md",
    );
  if (tailscale)
    for (const other of ["lan", "proxy", "tls"] as const)
      if (expose[other])
        refuse(
          other,
          "does not go together with tailscale, which reaches the gateway on loopback and brings its own certificate",
          `remove ${other}, or remove tailscale`,
        );
  if (lan?.address !== undefined && lan.address !== EVERY_ADDRESS && !isPrivate(lan.address) && !tls) {
    const { reason, advice } = inPlainText(lan.address);
    refuse("lan.address", reason, advice);
  }
  for (const [property, file] of Object.entries(defined(tls ?? {})))
    if (isContainer && !mounts.some(({ target }) => isWithin(file, target)))
      refuse(
        `tls.${property}`,
        `${file} is in none of the gateway's mounts: a container sees no other file of the engine's machine`,
        "mount its directory: docs/reach.md; or leave out certFile and keyFile: OpenClaw makes a certificate",
      );
  if (proxy) refuseProxy(expose, { isContainer, isRescue }, refuse);
  return problems;
}

type Refuse = (property: string, reason: string, advice: string) => void;

function refuseProxy(
  expose: Expose,
  { isContainer, isRescue }: { isContainer: boolean; isRescue: boolean },
  refuse: Refuse,
): void {
  const loopback = trusted(expose).filter(includesLoopback);
  if (isContainer && loopback.length)
    refuse(
      "proxy.trustedProxies",
      "must name the proxy as the container sees it: loopback there is the container itself",
      "use the address of the proxy's container, or of the gateway's Docker network for a proxy on the engine's machine: docs/reach.md",
    );
  if (isContainer && isRescue && signsIn(expose) && !loopback.length && trusted(expose).some(mayBeEnginesMachine))
    refuse(
      "proxy.trustedProxies",
      "may be the engine's machine, every program of which could then pose as an operator of rescue, main's bot included",
      NAME_CONTAINER,
    );
  if (!isContainer && !expose.lan && loopback.length < trusted(expose).length)
    refuse(
      "proxy.trustedProxies",
      "names a proxy on another machine, but the gateway listens on loopback only",
      "add lan, or run the proxy on the gateway's machine",
    );
  if (!isContainer && isRescue && signsIn(expose) && loopback.length)
    refuse(
      "proxy.userHeader",
      "lets every program on this machine pose as an operator of rescue, main's bot included",
      "leave it out, so that rescue wants its token; or run the proxy on another machine, and name that in trustedProxies",
    );
}

/** What of `config` opens a gateway that others reach. `path`: of the argument `expose`. */
function openedByConfig({ lan, proxy }: Expose, path: string, config: JsonObject): string[] {
  const at = `${path.replace(/expose$/, "config")}.gateway.controlUi`;
  const origins = valueAt(config, "gateway.controlUi.allowedOrigins");
  const isHost = valueAt(config, "gateway.controlUi.dangerouslyAllowHostHeaderOriginFallback") === true;
  const key = isHost ? "dangerouslyAllowHostHeaderOriginFallback" : "allowedOrigins";
  const isOpen =
    isHost || (Array.isArray(origins) && origins.some((each) => typeof each === "string" && each.trim() === "*"));
  return isOpen && (lan || proxy)
    ? [
        `${at}.${key}: any web page that somebody opens who can reach the gateway may talk to it in that person's name, ` +
          "and command its agent. Name the pages' own addresses in expose.lan.allowedOrigins or expose.proxy.allowedOrigins, and remove it",
      ]
    : [];
}

/** What is allowed, and should be known. `path`: of the argument. */
export function exposeWarnings(
  expose: Expose,
  path: string,
  { isContainer, config }: { readonly isContainer: boolean; readonly config: JsonObject },
): string[] {
  const { lan, tailscale, tls } = expose;
  const warnings: string[] = openedByConfig(expose, path, config);
  if (tailscale && letsTailnetIn(config))
    warnings.push(
      `${path}.tailscale: with gateway.auth.allowTailscale every program on the gateway's machine can pose as somebody on the tailnet. ` +
        "Where that matters, leave it out, so that the token is needed: docs/reach.md",
    );
  if (lan && !tls)
    warnings.push(
      `${path}.lan: whoever is on that network can read the token as it passes. ` +
        `Add ${path}.tls; or remove lan, and put a proxy in front on the gateway's machine: docs/reach.md`,
    );
  if (!isContainer && signsIn(expose) && trusted(expose).some(includesLoopback))
    warnings.push(
      `${path}.proxy: every program on the gateway's machine can pose as one of its users, since the proxy is on it, too. ` +
        "Where that matters, run the proxy on another machine: docs/reach.md",
    );
  if (isContainer && signsIn(expose) && trusted(expose).some(mayBeEnginesMachine))
    warnings.push(
      `${path}.proxy: every program on the engine's machine can pose as one of its users, if trustedProxies includes that machine's address in a Docker network. ` +
        "Where that matters, name the address of the proxy's container: docs/reach.md",
    );
  return warnings;
}

const NAME_CONTAINER =
  "name the address of the proxy's container (docker run --ip); or leave userHeader out, so that rescue wants its token";

/** What is found in the way of a gateway in a container, and what should be known, where its engine's machine is seen. */
export function exposedOn(
  machine: EngineMachine,
  { label, config, lanAddress }: ResolvedGateway,
  isRescue: boolean,
): { readonly obstacles: readonly Conflict[]; readonly warnings: readonly string[] } {
  const isTls = valueAt(config, "gateway.tls.enabled") === true;
  const open = lanAddress === EVERY_ADDRESS && !isTls ? inPlainTextEverywhere(machine.addresses) : [];
  const places = [...machine.addresses, ...machine.inNetworks];
  const posing = valueAt(config, "gateway.auth.mode") === BY_PROXY ? valueAt(config, "gateway.trustedProxies") : [];
  const itself = (posing as string[]).find((address) => !mayBeEnginesMachine(address) && places.includes(address));
  if (itself === undefined) return { obstacles: open, warnings: [] };
  const property = "expose.proxy.trustedProxies";
  const reason = `${itself} is the engine's machine, every program of which could pose as an operator of rescue, main's bot included`;
  return isRescue
    ? { obstacles: [...open, { property, reason, advice: NAME_CONTAINER }], warnings: [] }
    : {
        obstacles: open,
        warnings: [
          `${label}.expose.proxy: every program on the engine's machine can pose as one of its users: ${itself} is that machine. ` +
            "Where that matters, name the address of the proxy's container: docs/reach.md",
        ],
      };
}

/**
 * A guess, since the network of a new gateway is not there yet. The first address of each of Docker's networks is the
 * machine's, if nobody has chosen another (docker network create).
 */
const mayBeEnginesMachine = (text: string): boolean => text.includes("/") || /[.:]1$/.test(text);

/** Whether an address or a network, of either kind, contains loopback. */
function includesLoopback(text: string): boolean {
  const [address = "", bits] = text.split("/");
  const kind = isIP(address) === 6 ? "ipv6" : "ipv4";
  const list = new BlockList();
  list.addSubnet(address, Number(bits ?? (kind === "ipv6" ? 128 : 32)), kind);
  return list.check("127.0.0.1") || list.check("::1", "ipv6") || (kind === "ipv4" && isLoopback(address));
}
