/**
 * What commands print on the machines where they run, and what engines say. A hostile machine may say anything: none of
 * it goes into another command before it has been validated.
 */
import * as pulumi from "@pulumi/pulumi";
import { pointsIn } from "../../model/recovery";
import { refuse } from "../preflight";
import type { Problem } from "../rules/problems";

const GRAMMARS = {
  /** Of a claim or of secrets on a host. Source: host/claim.ts, host/secrets.ts. */
  id: /^[0-9a-f]{16}$/,
  /** Of a volume with files. Source: deployer/docker/volumes.ts, and Docker's rule for names. */
  volume: /^[a-zA-Z0-9][a-zA-Z0-9_.-]{1,126}$/,
  /** Packages of a release. Source: model/packageLock.ts, `pack`. */
  packages: /^[A-Za-z0-9+/]+={0,2}$/,
  /** Of a container. Source: Docker. */
  container: /^[0-9a-f]{64}$/,
} as const;

type Grammar = keyof typeof GRAMMARS;

/** What a command printed; it reveals nothing about its secrets. `who`: the gateway that it is about. */
export const answerOf = (
  command: { readonly stdout: pulumi.Output<string> },
  grammar: Grammar,
  who: string,
): pulumi.Output<string> => checked(pulumi.unsecret(command.stdout), grammar, who);

/** Ids of recovery points that a deployment has named. Only the mocks in a program's own tests answer with nothing at all. */
export const recoveryPointsOf = ({ stdout }: { readonly stdout: pulumi.Output<string> }): pulumi.Output<string[]> =>
  stdout.apply((said: string | undefined) => pointsIn(said ?? ""));

export const containerId = ({ id }: pulumi.CustomResource, who: string): pulumi.Output<string> =>
  checked(id, "container", who);

/** The actual answer is not shown. */
export const unexpected = (who: string): Problem => ({
  path: who,
  reason: "its machine gave an unexpected answer",
  advice: "inspect that machine: what answers there is not the program that was installed",
});

const checked = (answer: pulumi.Output<string>, grammar: Grammar, who: string): pulumi.Output<string> =>
  answer.apply((text: string | undefined) =>
    Promise.resolve(
      // Only the mocks in a program's own tests answer with nothing at all; a machine cannot.
      text === undefined || GRAMMARS[grammar].test(text)
        ? text!
        : refuse([unexpected(who)], "found before anything else was changed"),
    ),
  );
