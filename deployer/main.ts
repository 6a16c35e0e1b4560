/**
 * What runs on the deployer, in the middle of an `up`, as a local.Command: `node deployer.cjs <verb> …`, with a request
 * on stdin. The other arguments are only for whoever reads a preview.
 *
 *   send     sends to a host what it cannot fetch itself
 *   partner  ends well where a gateway may be taken down: its partner on another target is healthy
 */
import { readFileSync } from "node:fs";
import { Failure } from "../host/failure";
import { requirePartner } from "./partner";
import type { PartnerRequest, SendRequest } from "./request";
import { sendToHost } from "./send";

function answer(verb: string | undefined, request: unknown): Promise<string> {
  switch (verb) {
    case "send":
      return sendToHost(request as SendRequest);
    case "partner":
      return requirePartner(request as PartnerRequest);
    default:
      throw new Failure(`unknown verb ${verb}`);
  }
}

async function main(): Promise<void> {
  process.stdout.write(`${await answer(process.argv[2], JSON.parse(readFileSync(0, "utf8")))}\n`);
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Failure ? error.message : ((error as Error).stack ?? String(error))}\n`);
  process.exitCode = 1;
});
