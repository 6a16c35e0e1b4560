/** `pulumi-openclaw status`: the gateways of the stack that Pulumi has selected, and whether they are healthy. */
import { plain } from "../model/plain";
import { askHealth, type CheckedGateway, type StackGateways } from "./gateways";
import { OPTIONS, readGateways, type Options } from "./stack";
import { renderTable } from "./table";

export const STATUS_USAGE = `usage: pulumi-openclaw status ${OPTIONS}

Shows the gateways of the stack, where they are, and whether they are healthy. Those on other machines are not asked.
Run it on the gateways' machine, in the Pulumi project's directory. Exit code 1 means that one is not healthy.`;

const HEADER = ["GATEWAY", "URL", "VERSION", "HEALTH", "COMMAND"] as const;

/** A gateway as the table shows it; what is not known is empty. */
export interface StatusRow {
  readonly gateway: string;
  readonly url: string;
  readonly version: string;
  readonly health: string;
  readonly command: string;
}

/** Prints the table, or its rows as JSON; returns the exit code. */
export async function runStatus(options: Options, env: NodeJS.ProcessEnv): Promise<number> {
  const rows = await rowsOf(await readGateways(options, env));
  console.log(options.json ? JSON.stringify(rows, undefined, 2) : plain(renderStatus(rows)));
  return rows.every(({ health }) => health === "healthy" || health === NOT_ASKED) ? 0 : 1;
}

const NOT_ASKED = "not asked (on another machine)";

export async function rowsOf({ gateways, neverUp, elsewhere = [] }: StackGateways): Promise<StatusRow[]> {
  const row =
    (health: string) =>
    (gateway: string): StatusRow => ({ gateway, url: "", version: "", health, command: "" });
  return [
    ...(await Promise.all(gateways.map(rowOf))),
    ...neverUp.map(row("was never healthy")),
    ...elsewhere.map(row(NOT_ASKED)),
  ];
}

async function rowOf(gateway: CheckedGateway): Promise<StatusRow> {
  const { name, url, version = "", command } = gateway;
  return { gateway: name, url, version, health: await askHealth(gateway), command };
}

export const renderStatus = (rows: readonly StatusRow[]): string =>
  rows.length
    ? renderTable([
        HEADER,
        ...rows.map(({ gateway, url, version, health, command }) => [gateway, url, version, health, command]),
      ])
    : "This stack has no gateway.";
