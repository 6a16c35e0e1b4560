/**
 * One of each thing that is named here at a time on a machine. The lock is an abstract socket: the kernel takes it back
 * however its holder ends.
 */
import { connect, createServer, type Server } from "node:net";
import { pause } from "./commands";
import { LAB } from "./names";

const addressOf = (name: string): string => `\0${name}`;

export class LabIsTaken extends Error {}

/** For a holder that was just killed and is not quite gone, and for one that only cleans up after such a one. */
const PATIENCE_MILLISECONDS = 3_000;

/** Takes the lock, or throws who has it. */
export async function takeLock(name = LAB, patience = PATIENCE_MILLISECONDS): Promise<Server> {
  for (const end = Date.now() + patience; ; await pause(50)) {
    const server = await tryLock(name);
    if (server) return server;
    if (Date.now() > end)
      throw new LabIsTaken(
        `this machine's ${name} is in use by ${await askHolder(name)}: wait until it ends, or end it`,
      );
  }
}

async function tryLock(name: string): Promise<Server | undefined> {
  const holder = `process ${process.pid} in ${process.cwd()}`;
  const server = createServer((asks) => asks.on("error", () => undefined).end(holder));
  try {
    await new Promise<void>((resolve, reject) => server.once("error", reject).listen(addressOf(name), resolve));
    return server.unref();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
    return undefined;
  }
}

export const releaseLock = (server: Server): Promise<void> => new Promise((resolve) => server.close(() => resolve()));

function askHolder(name: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = "";
    const socket = connect({ path: addressOf(name), timeout: 1_000 });
    socket.setEncoding("utf8").on("data", (text: string) => (answer += text));
    socket.on("timeout", () => socket.destroy());
    socket.on("error", () => undefined).on("close", () => resolve(answer || "another process"));
  });
}
