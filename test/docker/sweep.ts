/** Removes everything of the tests' Docker engine from this machine, whatever state it is in. */
import { existsSync } from "node:fs";
import { command, remove } from "../lab/commands";
import { unmountBelow } from "../lab/disk";
import { ENGINE, groups, RUN_DIRECTORY, SUBNET } from "./names";

interface Link {
  readonly ifname: string;
  readonly addr_info: readonly { readonly local?: string }[];
}

/** Only for whoever holds the lock. */
export async function sweep(): Promise<void> {
  await groups.killGroup();
  if (existsSync(RUN_DIRECTORY)) unmountBelow(RUN_DIRECTORY);
  removeBridges();
  await groups.removeGroup();
  remove(RUN_DIRECTORY);
}

/** The engine's own and those of its networks, whose names Docker chooses. Containers' links go with their namespaces. */
function removeBridges(): void {
  const links = JSON.parse(command("ip", "-json", "address", "show", "type", "bridge")) as Partial<Link>[];
  for (const { ifname, addr_info = [] } of links) {
    const isOurs = ifname === ENGINE || addr_info.some(({ local }) => local?.startsWith(`${SUBNET}.`));
    if (ifname !== undefined && isOurs) command("ip", "link", "delete", ifname);
  }
}
