/** Has a Docker engine with a container until it is killed. */
import { Dockerd } from "../dockerd";
import { WRONG_IMAGE } from "../images";

async function main(): Promise<void> {
  const { api } = await Dockerd.start();
  await api.createNetwork({ Name: "one" });
  const container = await api.createContainer({
    Image: WRONG_IMAGE,
    Cmd: ["sleep", "1000"],
    HostConfig: { NetworkMode: "one", RestartPolicy: { Name: "always" }, Binds: ["one:/tmp"] },
  });
  await container.start();
  process.stdout.write("ready\n");
  setInterval(() => undefined, 1_000);
}

void main();
