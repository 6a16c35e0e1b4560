/**
 * What runs on the deployer, in the middle of an `up`, as a local.Command: `node deployer.cjs <verb> …`, with a request
 * on stdin. The other arguments are only there for readers of a preview.
 *
 *   send     sends to a host what it cannot fetch itself
 *   lock     prints the packages that a version of OpenClaw consists of
 *   partner  succeeds if a gateway may be taken down: its partner on another target is healthy
 *
 * Of a gateway in a container:
 *   look     says what an engine has of each gateway; touches nothing
 *   claim    succeeds if nothing of somebody else's is in the way
 *   leave    removes everything of a gateway except its state and workspace
 *   stage    puts its secrets on a new volume
 *   check    succeeds if a container may be created or recreated; puts its configuration on a new volume
 *   health   waits until the gateway in its container is healthy
 */
import { readFileSync } from "node:fs";
import { Failure } from "../model/failure";
import { plain } from "../model/plain";
import { say } from "./archives";
import { lockPackages } from "./packageLock";
import { requirePartnerElsewhere } from "./partner";
import type {
  CheckRequest,
  ContainerClaim,
  HealthRequest,
  PackageLockRequest,
  EngineLookRequest,
  PartnerRequest,
  PushRequest,
  StageRequest,
} from "../model/requests";
import { pushToHost } from "./push";

async function answer(verb: string | undefined, request: unknown): Promise<string> {
  switch (verb) {
    case "send":
      return pushToHost(request as PushRequest);
    case "lock":
      return lockPackages(request as PackageLockRequest);
    case "partner":
      return requirePartnerElsewhere(request as PartnerRequest);
  }
  const docker = await import("./docker");
  switch (verb) {
    case "look":
      return JSON.stringify(await docker.look(request as EngineLookRequest));
    case "claim":
      return docker.claim(request as ContainerClaim);
    case "leave":
      return docker.leave(request as ContainerClaim);
    case "stage":
      return docker.stage(request as StageRequest);
    case "check":
      return docker.checkImage(request as CheckRequest);
    case "health":
      return docker.health(request as HealthRequest);
    default:
      throw new Failure(`unknown verb ${verb}`);
  }
}

async function main(): Promise<void> {
  const said = await answer(process.argv[2], JSON.parse(readFileSync(0, "utf8")));
  // Connections to an engine are kept alive, and would keep this process running.
  process.stdout.write(`${plain(said)}\n`, () => process.exit());
}

main().catch((error: unknown) => {
  say(error instanceof Failure ? error.message : ((error as Error).stack ?? String(error)));
  process.exit(1);
});
