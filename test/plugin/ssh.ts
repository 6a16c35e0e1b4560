/** Plugins with a host to reach: an sshd on the loopback interface. */
import { afterAll, beforeAll, describe, it } from "vitest";
import { SshSite, type Key, type Sshd } from "../support/sshd";
import { type Properties, type StepOptions } from "./pluginClient";
import { forEachPlugin, type PluginUnderTest } from "./plugins";

export const COMMAND = "urn:pulumi:dev::project::command:remote:Command::res";

/** Whoever runs the tests may have an agent. */
delete process.env["SSH_AUTH_SOCK"];

export interface Ssh {
  readonly site: SshSite;
  readonly sshd: Sshd;
  readonly key: Key;
  /** Reaches the sshd. Its few tries do not take long. */
  connection(changes?: Properties): Properties;
}

/** As `forEachPlugin`, with one sshd for the file; where there can be none, the rows are skipped and say why. */
export function forEachPluginWithSsh(define: (plugin: PluginUnderTest, ssh: Ssh) => void): void {
  let site: SshSite;
  try {
    // Without whatever the user's shell does first: it takes longer than a row.
    site = new SshSite(["SetEnv HOME=/"]);
  } catch (error) {
    describe.skip(`no sshd here: ${(error as Error).message}`, () => it("skipped", () => undefined));
    return;
  }
  const key = site.makeKey();
  site.authorize(key);
  let sshd: Sshd;
  beforeAll(async () => {
    sshd = await site.start();
  });
  afterAll(() => site.stop());
  const ssh: Ssh = {
    site,
    key,
    get sshd() {
      return sshd;
    },
    connection: (changes = {}) => {
      const all = {
        host: "127.0.0.1",
        port: sshd.port,
        user: site.user,
        privateKey: key.privateKey,
        dialErrorLimit: 0,
        perDialTimeout: 15,
        ...changes,
      };
      return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null));
    },
  };
  forEachPlugin((plugin) => define(plugin, ssh));
}

/** Creates a remote command and returns its outputs. */
export async function create(
  plugin: Pick<PluginUnderTest, "client">,
  inputs: Properties,
  options: StepOptions = {},
): Promise<Properties> {
  return (await plugin.client.create({ addPreviousOutputInEnv: false, ...inputs }, options, COMMAND)).outputs;
}
