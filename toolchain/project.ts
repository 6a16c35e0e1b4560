/** Where things are: this repository and the user's Pulumi directory. */
import { homedir, userInfo } from "node:os";
import { join } from "node:path";

export const PROJECT = join(__dirname, "..");
export const MODULES = join(PROJECT, "node_modules");

/** The user's Pulumi directory, as the engine finds it: PULUMI_HOME, or `.pulumi` in the account's home (not $HOME). */
export function pulumiHome(env: NodeJS.ProcessEnv): string {
  return env["PULUMI_HOME"] || join(accountHome(), ".pulumi");
}

function accountHome(): string {
  try {
    return userInfo().homedir;
  } catch {
    return homedir(); // an account that /etc/passwd does not know, as in some containers
  }
}
