/**
 * Fetches from the registry that this machine's npm is configured for, by npm's own modules: they know its address,
 * proxy, certificates and login, and none of that needs to be known here.
 */
import { realpathSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { command } from "./commands";
import { labCache } from "./names";

interface Response {
  readonly headers: { get(name: string): string | null };
  readonly body: NodeJS.ReadableStream;
  text(): Promise<string>;
}

type Options = Readonly<Record<string, unknown>>;
type Fetch = (uri: string, options: Options) => Promise<Response>;

interface Configuration {
  load(): Promise<void>;
  readonly flat: Options;
}

interface ConfigurationModule {
  new (options: Options): Configuration;
}

/** `uri` is below the registry of `spec`'s scope, or a whole one. */
export type FetchFromRegistry = (
  uri: string,
  options: { spec: string; headers?: Record<string, string>; preferOffline?: boolean },
) => Promise<Response>;

export async function npmClient(): Promise<FetchFromRegistry> {
  const cli = realpathSync(command("sh", "-c", "command -v npm").trim());
  const load = createRequire(cli);
  const fetch = load("npm-registry-fetch") as Fetch;
  const Configuration = load("@npmcli/config") as ConfigurationModule;
  const definitions = load("@npmcli/config/lib/definitions") as Options;
  const npmPath = dirname(dirname(cli));
  const configuration = new Configuration({ ...definitions, npmPath, argv: [], cwd: npmPath, env: process.env });
  await configuration.load();
  const cache = join(labCache(), "npm");
  return (uri, options) => fetch(uri, { ...configuration.flat, cache, ...options });
}
