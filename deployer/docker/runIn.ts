/** Runs a command inside a container. */
import { text } from "node:stream/consumers";
import type Docker from "dockerode";

/** `said`: both of its streams, as on a terminal. */
export async function runIn(
  api: Docker,
  container: string,
  command: readonly string[],
): Promise<{ readonly code: number | null; readonly said: string }> {
  const exec = await api.getContainer(container).exec({
    Cmd: [...command],
    AttachStdout: true,
    AttachStderr: true,
    Tty: true,
  });
  const said = await text(await exec.start({ Tty: true }));
  return { code: (await exec.inspect()).ExitCode, said };
}
