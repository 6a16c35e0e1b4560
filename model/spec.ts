/**
 * The contract between the Pulumi components and the host program: what the commands send on stdin.
 * `format` changes only when an old host program could misread a new document.
 */

/** Plain JSON. */
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

/** Who owns a gateway: written into its directories, compared before anything is touched. */
export interface Owner {
  /** organization/project/stack */
  stack: string;
  /** Name of the gateway's Pulumi resource. */
  gateway: string;
  /** Random id kept in the stack's state: tells two stacks of the same name apart. */
  id: string;
}

/** stdin of `claim`: what a gateway takes possession of. */
export interface Claim {
  format: 1;
  owner: Owner;
  basePort: number;
  stateDir: string;
  workspace: string;
  /** A link to the configuration; the gateway itself reads it in its own directory. */
  configPath: string;
  wrapper: string;
  /** Where the deployer reaches this host, e.g. root@203.0.113.7:22. Missing: it is the deployer's own machine. */
  address?: string;
}

/**
 * stdin of `stage-secrets`: what a gateway is given. With the claim, so that it is made again if an
 * interrupted destroy has given it up.
 */
export interface Secrets {
  format: 1;
  env: Record<string, string>;
  /** What OpenClaw reads from a file, and reads again when it changes. Missing: nothing. */
  files?: Record<string, string>;
  claim: Claim;
}

/** A gateway that no stack owns. Nothing here changes how its neighbour runs. */
export interface ExistingMainSpec {
  /** It must answer there before the other gateway, if that is healthy, is taken down. */
  port: number;
  /** How to help it: written into the other one's workspace. */
  guide: string;
}

/** stdin of `apply`: everything about a gateway that is not secret. */
export interface Spec {
  format: 1;
  version: string;
  profile: string;
  stateDir: string;
  workspace: string;
  /** openclaw.json as the gateway will read it. */
  config: JsonObject;
  /** Limit of its JavaScript heap, in MiB. Missing: OpenClaw's own, for the memory that it finds where it starts. */
  maxOldSpaceSize?: number;
  /** Id of the gateway that must be healthy before this one, if it is healthy, is taken down. */
  partner?: string;
  /** Another version is tried only when the partner is healthy with it. */
  afterPartner?: true;
  /** The main gateway beside this one, which no stack owns. */
  neighbour?: ExistingMainSpec;
  force?: true;
  /** How many recovery points are kept. Missing: 3. */
  backups?: number;
  /** Id of the recovery point whose state it gets, once. */
  restoreFrom?: string;
}

/** What a gateway has on its host outside our own directory. */
export type OutsidePaths = Pick<Claim, "stateDir" | "wrapper" | "configPath">;

/** What `claim` writes down: the claim, and what it created. */
export interface OwnedClaim extends Claim {
  /** Directories that did not exist before this gateway: removed again if they are empty and it never became healthy. */
  created: string[];
  /** Random; kept as long as the claim, so that whatever depends on it runs again after a new claim. */
  claimId: string;
  /** Its previous places, until nothing of it is left there: a claim may be interrupted. */
  leaving?: OutsidePaths[];
  /** Given up by `disown`: the next stack that claims this gateway gets it. */
  disowned?: true;
}
