/** The plugins that a gateway needs, and those that nobody has. Pure. */
import { channelNames } from "../../../model/channels";
import {
  BUILT_IN,
  BUNDLED,
  CHANNEL_PLUGINS,
  OFFICIAL,
  OTHERS,
  OWN_PLUGINS,
  packageOf,
  pluginChannels,
} from "../../../model/plugins";
import { isObject, objectAt, valueAt } from "../../../model/json";
import type { JsonObject } from "../../../model/spec";
import { didYouMean, type Problem } from "../problems";
import type { CheckedGatewayArgs } from "../schemas";

type Args = Pick<CheckedGatewayArgs, "config" | "plugins" | "version">;

/** Ids of the plugins that a configuration switches on itself. */
const pluginsIn = (config: JsonObject): string[] =>
  Object.entries(objectAt(config, "plugins.entries")).flatMap(([id, entry]) =>
    isObject(entry) && entry.enabled !== false ? [id] : [],
  );

/** The packages that are installed with OpenClaw, and their exact versions: those of channels, and what `plugins` names. */
export function packagesOf({ config = {}, plugins = {}, version }: Args): Readonly<Record<string, string>> {
  const wanted = [
    ...channelNames(config).map(packageOf),
    ...pluginsIn(config).map((id) => CHANNEL_PLUGINS.find(({ plugin }) => plugin === id)),
  ].filter((each) => each !== undefined);
  const all = [...wanted.map((each) => [each.name, each.version ?? version] as const), ...Object.entries(plugins)];
  // By name, so that their order in the program means nothing.
  return Object.fromEntries([...new Map(all)].sort(([one], [other]) => (one < other ? -1 : 1)));
}

/**
 * A channel's plugin does not start before it is enabled as well. Source: measured on 2026.9.6: "is installed without explicit
 * trust".
 */
export function trustedPlugins(config: JsonObject): JsonObject {
  const ids = pluginChannels(config).map((channel) => packageOf(channel)?.plugin ?? channel);
  return ids.length ? { plugins: { entries: Object.fromEntries(ids.map((id) => [id, { enabled: true }])) } } : {};
}

/**
 * Channels and plugins that nobody has. `path`: of the configuration. An image may contain any plugin: for a container only
 * what looks like a mistake in typing is named.
 */
export function unknownPlugins(
  { config = {}, plugins = {}, version }: Args,
  path: string,
  isContainer: boolean,
): Problem[] {
  const paths = valueAt(config, "plugins.load.paths");
  if (Array.isArray(paths) && paths.length) return [];
  const names = channelNames(config);
  const channels = [...BUILT_IN, ...OFFICIAL, ...Object.keys(OTHERS)];
  const ids = [...BUNDLED, ...CHANNEL_PLUGINS.map(({ plugin }) => plugin)];
  const unknown = [
    ...unknownOf(names, { known: channels, path: `${path}.channels`, what: "channel", version }),
    ...unknownOf(
      pluginsIn(config).filter((id) => !names.includes(id)),
      { known: ids, path: `${path}.plugins.entries`, what: "plugin", version },
    ),
  ];
  // What another package brings along, nobody knows from here.
  const isOther = Object.keys(plugins).length > 0;
  return unknown
    .filter(({ isTyping, official }) => (isOther ? official !== undefined : isTyping || !isContainer))
    .filter(({ official }) => official === undefined || !(official in plugins))
    .map(({ problem }) => problem);
}

interface Known {
  readonly known: readonly string[];
  readonly path: string;
  readonly what: string;
  readonly version: string;
}

interface UnknownPlugin {
  readonly isTyping: boolean;
  /** OpenClaw's own package of it. */
  readonly official: string | undefined;
  readonly problem: Problem;
}

function unknownOf(names: readonly string[], { known, path, what, version }: Known): UnknownPlugin[] {
  return names
    .filter((name) => !known.includes(name))
    .map((name) => {
      const official = what === "plugin" ? OWN_PLUGINS[name] : undefined;
      const meant = official === undefined ? didYouMean(name, known) : undefined;
      const example = official === undefined ? '"@scope/name": "1.2.3"' : `"${official}": "${version}"`;
      const advice =
        meant ?? `name its package in \`plugins\`${official === undefined ? ", e.g." : ":"} plugins: { ${example} }`;
      const problem = { path: `${path}.${name}`, reason: `is no ${what} that OpenClaw brings along`, advice };
      return { isTyping: meant !== undefined, official, problem };
    });
}
