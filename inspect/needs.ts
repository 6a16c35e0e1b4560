/** What this machine has of what a configuration may need. */
import { statSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { SYSTEM_PATH } from "../model/hostLayout";
import { PROGRAMS, type HostHas } from "../model/needs";
import { which } from "./which";

/** IPv4. */
export const ownAddresses = (): string[] =>
  Object.values(networkInterfaces())
    .flatMap((each) => each ?? [])
    .filter(({ family }) => family === "IPv4")
    .map(({ address }) => address);

export const machineHas = (): HostHas => ({
  programs: PROGRAMS.filter((name) => which(name, SYSTEM_PATH) !== undefined),
  addresses: ownAddresses(),
  isFile: (path) => statSync(path, { throwIfNoEntry: false })?.isFile() === true,
});
