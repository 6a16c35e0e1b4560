/** The arguments of gateways, for programs. What each may be is checked by rules/schemas.ts, which these must agree with. */
import type * as pulumi from "@pulumi/pulumi";
import type { ConfigValue } from "./rules/config/json";
import type { Target } from "./targets/target";

/** Arguments of {@link Gateway}. Everything but secrets is a plain value, so that preview can check it. */
export interface GatewayArgs {
  /**
   * Where the gateway runs.
   * @example new LocalHost("here")
   */
  readonly target: Target;
  /**
   * Exact OpenClaw version from the npm registry, 2026.8.2 or newer. Changes only when you change it.
   * @example "2026.9.6"
   */
  readonly version: string;
  /**
   * Port of the gateway's HTTP and WebSocket server. The gateway owns the whole block base … base+110 on its host; two
   * blocks on one host must not overlap, so base ports are at least 111 apart. Source: measured on OpenClaw 2026.9.6,
   * see model/ports.ts; OpenClaw's page says 20, which is too few.
   * @unit TCP port, 1024-65425
   * @example 20789
   */
  readonly basePort: number;
  /**
   * OpenClaw profile. Determines the service name, the command and the default directories. 1-64 of a-z 0-9 _ -; not
   * `gateway` or `node`. Source: OpenClaw's own profile check, and the names that it reserves.
   * @default "default", OpenClaw's default profile
   * @example "ops"
   */
  readonly profile?: string | undefined;
  /**
   * State directory (sessions, credentials, caches). Kept on destroy.
   * @unit absolute path
   * @default `<root>/.openclaw`, or `<root>/.openclaw-<profile>` with a named profile
   * @example "/srv/claw/ops"
   */
  readonly stateDir?: string | undefined;
  /**
   * Workspace of the default agent. An existing one is used as is if the gateway can write to it. Kept on destroy.
   * @unit absolute path
   * @default `<stateDir>/workspace`
   * @example "/srv/claw/ops-work"
   */
  readonly workspace?: string | undefined;
  /**
   * An additional path for reading the configuration: a link to the file, which is in the component's own directory,
   * where the agent cannot edit it.
   * @unit absolute path
   * @default no link
   * @example "/srv/claw/ops.json"
   */
  readonly configPath?: string | undefined;
  /**
   * Telegram bot of this gateway.
   * @default no Telegram channel
   * @example { botToken: config.requireSecret("opsBotToken"), allowFrom: ["4242"] }
   */
  readonly telegram?: TelegramArgs | undefined;
  /**
   * Explicit Chrome DevTools (CDP) endpoints.
   * @default OpenClaw allocates ports inside the gateway's own CDP range
   * @example { profiles: { work: { cdpPort: 20810 } } }
   */
  readonly browser?: BrowserArgs | undefined;
  /**
   * More OpenClaw configuration (openclaw.json as an object), checked in preview against OpenClaw's own schema. A key that
   * the component decides may be set to the same value only. A channel's plugin is enabled with it. No secrets here: set
   * them in `secrets` or `env`, and write ${NAME}.
   * @default {}
   * @example { update: { channel: "stable" } }
   */
  readonly config?: Readonly<Record<string, ConfigValue>> | undefined;
  /**
   * Secrets that `config` refers to as ${NAME}, where OpenClaw reads them from a file: keys of model providers, tokens of
   * channels (docs/configuration.md has the list). On a host a new value changes the gateway while it runs, without a pause.
   * None of them is in the gateway's environment.
   * @default {}
   * @example { ZAI_API_KEY: config.requireSecret("zaiKey") }
   */
  readonly secrets?: Readonly<Record<string, pulumi.Input<string>>> | undefined;
  /**
   * Extra environment variables for the gateway, kept as secrets, for what reads nothing else; everything that the gateway
   * starts has them, too. A change needs a new process. Not those that decide which gateway a process is (OPENCLAW_…, HOME,
   * PATH …).
   * @default {}
   * @example { ANTHROPIC_API_KEY: config.requireSecret("anthropicKey") }
   */
  readonly env?: Readonly<Record<string, pulumi.Input<string>>> | undefined;
  /**
   * Limit of the gateway's JavaScript heap: Node.js's own --max-old-space-size, for the gateway's process alone. Less than the
   * memory of its host or container. Source of the default: `openclaw gateway install` of OpenClaw 2026.9.6 (its PR 96250);
   * of the least: measured.
   * @unit MiB, 512 or more
   * @default half of the memory of its host, service or container, at least 2048, at most 8192 (or a quarter), never more than
   * three quarters
   * @example 6144
   */
  readonly maxOldSpaceSize?: number | undefined;
  /**
   * More plugins of OpenClaw: npm packages with exact versions. They are locked and installed with the gateway's release, so
   * that no start needs a registry, and an upgrade or a way back takes them along. Plugins of channels that `config` names
   * come by themselves, in OpenClaw's own version; named here, in yours. A plugin runs with all rights of the gateway. Not in
   * containers, whose image has them.
   * @default {}
   * @example { "@openclaw/voice-call": "2026.9.6" }
   */
  readonly plugins?: Readonly<Record<string, string>> | undefined;
  /**
   * How others reach the gateway: on its network, over Tailscale, through a proxy, with HTTPS. See docs/reach.md.
   * @default on loopback only
   * @example { lan: { address: "192.168.1.5" }, tls: {} }
   */
  readonly expose?: ExposeArgs | undefined;
  /**
   * Docker networks that the gateway's container joins besides its own, so that it reaches other containers by their names:
   * LiteLLM, signal-cli, a browser, a database. They must be there already (docker network create, docker compose).
   * Whoever is in one of them reaches the gateway's port 18789 too, with only the token as protection. In containers only.
   * @default none: the container's own network
   * @example ["ai"]
   */
  readonly networks?: readonly string[] | undefined;
  /**
   * More names that the gateway's container knows, each with an IP address, or "host-gateway" for the engine's machine. A
   * program of that machine is reached only if it listens on Docker's bridge too, and not on 127.0.0.1 alone. In containers
   * only.
   * @default {}
   * @example { "host.docker.internal": "host-gateway" }
   */
  readonly extraHosts?: Readonly<Record<string, string>> | undefined;
  /**
   * Directories and files of the engine's machine in the gateway's container: a disk, a git workspace, a certificate. User id
   * 1000 must be able to read them, and to write to those that are not `readOnly`. With the target
   * /home/node/.openclaw/workspace one is the workspace, in the place of its volume. Nothing of them is ever deleted. In
   * containers only.
   * @default none
   * @example [{ source: "/mnt/crypt/work", target: "/home/node/.openclaw/workspace" }]
   */
  readonly mounts?: readonly MountArgs[] | undefined;
  /**
   * More ports of the gateway's container that are published under the same number on the engine's machine, at its
   * address there (`expose.lan`, or else loopback): listeners for webhooks that `config` names. Others in its `networks` reach
   * them without. In containers only; on a host a listener is where `config` has it.
   * @unit TCP port
   * @default none: the base port, and the next one with `sandboxPort`
   * @example [3978]
   */
  readonly publish?: readonly number[] | undefined;
  /**
   * How many recovery points of an `up` are kept: before another `version` runs on the gateway's state, and before `restoreFrom`,
   * that is kept as it was, to go back to. As many of those made by hand (`host backup`) stay besides. Not in containers.
   * @unit recovery points, 1 or more
   * @default 3
   * @example 5
   */
  readonly backups?: number | undefined;
  /**
   * Id of a recovery point (`host backups`): the next `up` puts that state in the place of the present one, which becomes a
   * recovery point too, and starts the `version` that it belongs to. Once: it may stay in the code. Not in containers.
   * @default none
   * @example "0001-2026.8.2"
   */
  readonly restoreFrom?: string | undefined;
  /**
   * Remove what the gateway has learned, too, when it is destroyed or leaves the program: its state directory, and its workspace
   * if that was made for it. A last recovery point stays, in `<root>/purged`. Takes effect with the `up` that sets it. Not in
   * containers, whose volumes stay.
   * @default false: both stay, and the next `up` finds them
   * @example true
   */
  readonly purge?: boolean | undefined;
  /**
   * Apply a change even if the partner gateway is not healthy, so that both may be down for a moment. Has an effect in
   * a GatewayPair only.
   * @default false
   * @example true
   */
  readonly force?: boolean | undefined;
}

/** A directory or file of the engine's machine in a gateway's container. */
export interface MountArgs {
  /**
   * Where it is on the engine's machine. It must be there already. Not a socket of an engine, nor what the machine itself runs
   * on.
   * @unit absolute path
   * @example "/mnt/crypt/work"
   */
  readonly source: string;
  /**
   * Where it is in the container: not in a place of the gateway's own, except its workspace.
   * @unit absolute path
   * @example "/data"
   */
  readonly target: string;
  /**
   * Whether the gateway can only read it.
   * @default false
   * @example true
   */
  readonly readOnly?: boolean | undefined;
}

/** The Telegram bot of a gateway. */
export interface TelegramArgs {
  /**
   * Token of the bot, from \@BotFather. Always kept as a secret. No two gateways may share one: each would steal the
   * other's messages. Source: Telegram's Bot API delivers each update to one reader only.
   * @default none: tokenFile is given
   * @example config.requireSecret("mainBotToken")
   */
  readonly botToken?: pulumi.Input<string> | undefined;
  /**
   * File on the gateway's host that holds the token instead, e.g. of a secret manager. It never leaves the host, and is not
   * compared with other gateways' bots. Not in containers.
   * @unit absolute path, which the gateway's account can read
   * @default none: botToken is given
   * @example "/run/secrets/telegram"
   */
  readonly tokenFile?: string | undefined;
  /**
   * Telegram user ids that may talk to the bot and own its commands. Numbers become strings. "*" is everybody and
   * requires dmPolicy "open".
   * @default nobody: anyone who writes is first asked to pair
   * @example ["4242"]
   */
  readonly allowFrom?: readonly (string | number)[] | undefined;
  /**
   * Who may write to the bot.
   * @default "allowlist" if allowFrom is given, else "pairing"
   * @example "disabled"
   */
  readonly dmPolicy?: "pairing" | "allowlist" | "open" | "disabled" | undefined;
  /**
   * Base URL of another Bot API server, without /bot<token>.
   * @default Telegram's own
   * @example "https://telegram.example.org"
   */
  readonly apiRoot?: string | undefined;
}

/** Ways in, beside loopback. What one decides, `config` need not: what is set there is refused with the right way. */
export interface ExposeArgs {
  /**
   * Listens on addresses of its network, too; in a container, it is published there. Guesses at the token are slowed down
   * (10 a minute from one address, then a pause of 5 minutes; `config.gateway.auth.rateLimit` sets others).
   * @default loopback only
   * @example { address: "192.168.1.5" }
   */
  readonly lan?: LanArgs | undefined;
  /**
   * "serve": OpenClaw puts the gateway on the machine's tailnet with `tailscale serve`, and still listens on loopback only.
   * Needs Tailscale on the host, with the gateway's account as its operator; one gateway of a machine, since there is one
   * port 443. The token is needed there, too, unless `config.gateway.auth.allowTailscale` is true. Not in containers.
   * @default not on the tailnet
   * @example "serve"
   */
  readonly tailscale?: "serve" | undefined;
  /**
   * A reverse proxy in front, which may also sign people in.
   * @default none
   * @example { allowedOrigins: ["https://claw.example.org"] }
   */
  readonly proxy?: ProxyArgs | undefined;
  /**
   * HTTPS and WSS instead of HTTP and WS, on loopback as well.
   * @default HTTP
   * @example { certFile: "/etc/ssl/claw.pem", keyFile: "/etc/ssl/claw.key" }
   */
  readonly tls?: TlsArgs | undefined;
}

/** Listening on a network. */
export interface LanArgs {
  /**
   * One of the machine's addresses. A public one needs `tls`, also where it is one of all.
   * @unit IPv4 address
   * @default "0.0.0.0", every address of the machine
   * @example "192.168.1.5"
   */
  readonly address?: string | undefined;
  /**
   * Names under which browsers open the Control UI. Needless for private addresses, *.local and *.ts.net.
   * @unit origin: scheme, name and port
   * @default none but those of loopback and of `address`
   * @example ["https://claw.example.org:18789"]
   */
  readonly allowedOrigins?: readonly string[] | undefined;
}

/** A reverse proxy in front of a gateway. */
export interface ProxyArgs {
  /**
   * Addresses that people open.
   * @unit origin: scheme, name and port
   * @example ["https://claw.example.org"]
   */
  readonly allowedOrigins: readonly string[];
  /**
   * Where the proxy's connections come from. Only what they say about clients is believed. One on another machine needs
   * `lan`, too.
   * @unit IP address, or network in CIDR notation
   * @default ["127.0.0.1", "::1"]: it runs on the gateway's machine; none in containers
   * @example ["10.0.0.5"]
   */
  readonly trustedProxies?: readonly string[] | undefined;
  /**
   * Header in which the proxy says who somebody is, if it signs people in. Then nobody else gets in but with the output
   * `token` as a password, from the gateway's machine. The proxy must set or remove this header in every request.
   * @default none: the proxy only forwards, and clients use the token
   * @example "X-Forwarded-User"
   */
  readonly userHeader?: string | undefined;
  /**
   * Users who may come in, as the header names them; ["*"] is everybody whom the proxy signs in.
   * @default none; required with userHeader
   * @example ["you@example.org"]
   */
  readonly allowUsers?: readonly string[] | undefined;
  /**
   * Headers without which a request is refused.
   * @default none
   * @example ["X-Forwarded-Proto"]
   */
  readonly requiredHeaders?: readonly string[] | undefined;
}

/** Where a gateway's certificate comes from. Nothing given: OpenClaw makes one, which browsers warn of. */
export interface TlsArgs {
  /**
   * Certificate on the gateway's host, with its chain. A new one is used after a restart of the gateway. In a container: in one
   * of its `mounts`, by the path that it has there.
   * @unit absolute path, which the gateway's account can read
   * @default made by OpenClaw
   * @example "/etc/ssl/claw.pem"
   */
  readonly certFile?: string | undefined;
  /**
   * Its private key, without a passphrase.
   * @unit absolute path, which the gateway's account can read
   * @default made by OpenClaw
   * @example "/etc/ssl/claw.key"
   */
  readonly keyFile?: string | undefined;
}

/** Chrome DevTools (CDP) endpoints of a gateway. */
export interface BrowserArgs {
  /**
   * DevTools URL of one remote browser for the default profile. Must differ between gateways. Stored in plain text in
   * the stack's state: write a token in it as ${NAME}, and set NAME in `env`.
   * @default OpenClaw's own browser, on a port in the gateway's CDP range
   * @example "wss://chrome.example.org?token=${CHROME_TOKEN}"
   */
  readonly cdpUrl?: string | undefined;
  /**
   * Browser profiles by name (a-z 0-9 -), each with either a port on this host or a URL elsewhere.
   * @default none
   * @example { work: { cdpPort: 18810 } }
   */
  readonly profiles?: Readonly<Record<string, BrowserProfileArgs>> | undefined;
}

/** One browser: needs either `cdpPort` or `cdpUrl`. */
export interface BrowserProfileArgs {
  /**
   * Port of a browser on this host: inside the gateway's own CDP range, or outside every gateway's block.
   * @unit TCP port
   * @default none: cdpUrl is given
   * @example 18810
   */
  readonly cdpPort?: number | undefined;
  /**
   * DevTools URL of a browser elsewhere. For secrets in it, see `browser.cdpUrl`.
   * @default none: cdpPort is given
   * @example "http://chrome.example.org:9222"
   */
  readonly cdpUrl?: string | undefined;
}

/** Arguments of {@link MainGateway}: the base port has a default. */
export type MainGatewayArgs = Omit<GatewayArgs, "basePort"> & Partial<Pick<GatewayArgs, "basePort">>;

/** Arguments of {@link RescueGateway}: base port and profile have defaults. */
export interface RescueGatewayArgs extends MainGatewayArgs {
  /**
   * Facts about a main gateway that no stack owns. Anything left out is looked up; if nothing is given and no such
   * gateway is found, there is none. Not allowed for the rescue gateway of a pair.
   * @default found on the machine
   * @example { stateDir: "/home/you/.openclaw" }
   */
  readonly existingMain?: ExistingMainArgs | undefined;
}

/** A main gateway that no stack owns. Anything left out is looked up on the machine. Only read, never changed. */
export interface ExistingMainArgs {
  /**
   * Its state directory.
   * @unit absolute path
   * @default `.openclaw` in the home of the deploying user (with sudo: of the user who ran it), or in the target's root
   * @example "/home/you/.openclaw"
   */
  readonly stateDir?: string | undefined;
  /**
   * Its configuration file.
   * @unit absolute path
   * @default what the running gateway reports, else `<stateDir>/openclaw.json`
   * @example "/home/you/.openclaw/openclaw.json"
   */
  readonly configPath?: string | undefined;
  /**
   * Workspace of its default agent.
   * @unit absolute path
   * @default from its configuration, else `<stateDir>/workspace`
   * @example "/home/you/work"
   */
  readonly workspace?: string | undefined;
  /**
   * Its base port.
   * @unit TCP port
   * @default what the running gateway reports, else its service, else its configuration, else 18789
   * @example 18789
   */
  readonly port?: number | undefined;
  /**
   * Command that runs its CLI. Must not contain secrets.
   * @default `openclaw`, with whatever points it at this gateway
   * @example "/opt/openclaw/bin/openclaw"
   */
  readonly command?: string | undefined;
  /**
   * Command that restarts it. Must not contain secrets.
   * @default a command for its systemd unit, if one is found
   * @example "systemctl --user restart openclaw-gateway.service"
   */
  readonly restart?: string | undefined;
}

/** What the two gateways of a pair may set for themselves. */
export type Own<Args> = Omit<Args, "target" | "version"> & Partial<Pick<GatewayPairArgs, "target" | "version">>;

/** Arguments of {@link GatewayPair}. */
export interface GatewayPairArgs {
  /**
   * Where both gateways run, unless one sets its own.
   * @example new LocalHost("here")
   */
  readonly target: Target;
  /**
   * Exact OpenClaw version of both, unless one sets its own.
   * @example "2026.9.6"
   */
  readonly version: string;
  /**
   * Arguments of the main gateway; `target` and `version` here override those of the pair.
   * @default those of MainGateway
   * @example { basePort: 18789, telegram: { botToken: config.requireSecret("mainBotToken") } }
   */
  readonly main?: Own<MainGatewayArgs> | undefined;
  /**
   * Arguments of the rescue gateway; `target` and `version` here override those of the pair.
   * @default those of RescueGateway
   * @example { basePort: 19789 }
   */
  readonly rescue?: Own<RescueGatewayArgs> | undefined;
}
