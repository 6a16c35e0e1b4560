/** Programs with which a gateway on this machine could start containers, and who may use them. */
import { spawnSync } from "node:child_process";
import { SYSTEM_PATH } from "../model/hostLayout";
import { which } from "./which";

export interface Engines {
  /** Of `docker` and `podman`, those that are installed. */
  readonly programs: readonly string[];
  /** Groups of the account that gateways run as; none where it does not exist yet. */
  readonly groups: readonly string[];
}

/** `account`: null for this user. */
export function enginesHere(account: string | null): Engines {
  const { stdout } = spawnSync("id", ["-nG", ...(account === null ? [] : [account])], { encoding: "utf8" });
  return {
    programs: ["docker", "podman"].filter((name) => which(name, SYSTEM_PATH) !== undefined),
    groups: (stdout ?? "").split(/\s+/).filter((name) => name !== ""),
  };
}
