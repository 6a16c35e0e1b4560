/** What stacks give out, as the components write it and the command reads it. */
/** The main gateway beside a rescue gateway, as it was found: what to type when it is in trouble. */
export interface ExistingMainOutputs {
  /** Its HTTP address on its host. */
  readonly url: string;
  /** Its state directory. */
  readonly stateDir: string;
  /** Workspace of its default agent. */
  readonly workspace: string;
  /** Its configuration file. */
  readonly configPath: string;
  /** Runs its CLI, e.g. with `gateway status --deep`. */
  readonly command: string;
  /** Restarts its service; missing if none was found. */
  readonly restart?: string;
}

/** One gateway, as the stack's output `gateways` describes it. */
export interface GatewayOutput {
  readonly name: string;
  readonly profile: string;
  readonly url: string;
  readonly basePort: number;
  readonly portBlock: { readonly first: number; readonly last: number };
  readonly version: string;
  readonly wrapper: string;
  readonly stateDir: string;
  readonly workspace: string;
  readonly configPath: string;
  readonly serviceName: string;
  /** Ids of recovery points after its last change, newest first. Missing: deployed before they were made. */
  readonly recoveryPoints?: readonly string[];
  /** Where it runs, as an argument of `ssh`: `root@203.0.113.7`; absent: on this machine. */
  readonly host?: string;
  /** Docker's command, where it runs in a container. */
  readonly docker?: string;
  /** Name of the secret stack output with its token. */
  readonly tokenOutput: string;
}
