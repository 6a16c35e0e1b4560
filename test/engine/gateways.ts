/** What a host's directories say of the gateways of the root stack there. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

export const manage = (root: string): string => join(root, ".pulumi-openclaw");

interface SupervisorState {
  readonly supervisor: { readonly pid: number };
  /** Not there between two starts. */
  readonly gateway: { readonly pid: number };
}

export const supervisorState = (root: string, id: string): SupervisorState =>
  JSON.parse(readFileSync(join(manage(root), "gateways", id, "supervisor.json"), "utf8")) as SupervisorState;

export const pids = (root: string) => ({
  main: supervisorState(root, "main").gateway.pid,
  rescue: supervisorState(root, "rescue").gateway.pid,
});
