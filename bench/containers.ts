/** The rows about gateways in containers, on the tests' own Docker engine and with their double of the docker plugin. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { Dockerd } from "../test/docker/dockerd";
import { OPENCLAW_IMAGE } from "../test/docker/images";
import { DockerPair } from "../test/docker/pairs";
import { finished } from "../test/support/processes";
import { byTurns, say, timed } from "./rounds";
import type { Row } from "./table";

const FIRST_UP_ROUNDS = 2;
const ROUNDS = 5;

export async function inContainers(): Promise<Row[]> {
  const dockerd = await Dockerd.start();
  let pair: DockerPair | undefined;
  const script = (verb: "up" | "look" | "down") =>
    timed(
      finished(
        spawn("sh", [join(__dirname, "floorContainers.sh"), verb, OPENCLAW_IMAGE], {
          env: { ...process.env, DOCKER_HOST: dockerd.host },
        }),
      ),
    );
  try {
    const first = await byTurns(
      FIRST_UP_ROUNDS,
      async () => {
        await pair?.dispose();
        pair = await DockerPair.ofOpenclaw(dockerd);
        return timed(pair.up());
      },
      async () => {
        const seconds = await script("up");
        await script("down");
        return seconds;
      },
    );
    say("first up in containers: done");
    await script("up");
    const rows: Row[] = [
      { what: "first up of a pair in containers", ...first, than: "a shell script with docker's commands" },
    ];
    for (const operation of ["up", "preview"] as const) {
      const times = await byTurns(
        ROUNDS,
        () => timed(pair![operation]()),
        () => script("look"),
      );
      rows.push({ what: `${operation} of an unchanged pair in containers`, ...times, than: "docker inspect of all" });
      say(`no-op ${operation} in containers: done`);
    }
    await script("down");
    return rows;
  } finally {
    await pair?.dispose();
    await dockerd.stop();
  }
}
