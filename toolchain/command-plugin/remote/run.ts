/** Runs one command on another host. */
import type { Connection } from "../connection";
import { quote } from "../goText";
import type { Step } from "../resourceType";
import { dial } from "./dial";
import { Session } from "./session";

export interface RemoteRun {
  readonly connection: Connection;
  readonly command: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly previousOutput: Readonly<Record<string, string>>;
  readonly stdin: string;
  readonly step: Step;
  onOutput(from: "stdout" | "stderr", chunk: Buffer): void;
}

/** How the command failed, if it did. Throws why it was not run. Once it runs, neither a cancel nor a time-out ends it. */
export async function runRemotely(run: RemoteRun): Promise<string | undefined> {
  const client = await dial(run.connection, run.step);
  try {
    const session = await Session.open(client);
    await setVariables(session, run);
    return await session.run(run.command, run.stdin, (from, chunk) => run.onOutput(from, chunk));
  } finally {
    client.end();
  }
}

async function setVariables(session: Session, { environment, previousOutput, step }: RemoteRun): Promise<void> {
  for (const [name, value] of Object.entries(environment)) {
    const refused = await session.setVariable(name, value);
    if (!refused) continue;
    await step.report("error", howToSet(name));
    throw new Error(`could not set environment variable ${quote(name)}: ${refused}`);
  }
  for (const [name, value] of Object.entries(previousOutput)) {
    if (await session.setVariable(name, value)) await step.report("warning", howToSet(name));
  }
}

const howToSet = (name: string): string =>
  `Unable to set '${name}'. This only works if your SSH server is configured to accept
	these variables via AcceptEnv. Alternatively, if a Bash-like shell runs the command on the remote host, you could
	prefix the command itself with the variables in the form 'VAR=value command'`;
