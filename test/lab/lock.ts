/** One lab at a time on a machine. The lock is an abstract socket: the kernel takes it back however its holder ends. */
import { connect, createServer, type Server } from "node:net";
import { LAB } from "./names";

const ADDRESS = `\0${LAB}`;

export class LabIsTaken extends Error {}

/** Takes the lock, or throws who has it. */
export async function takeLock(): Promise<Server> {
  const holder = `process ${process.pid} in ${process.cwd()}`;
  const server = createServer((asks) => asks.on("error", () => undefined).end(holder));
  try {
    await new Promise<void>((resolve, reject) => server.once("error", reject).listen(ADDRESS, resolve));
    return server.unref();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
    throw new LabIsTaken(`this machine's lab is in use by ${await askHolder()}: wait until it ends, or end it`);
  }
}

export const releaseLock = (server: Server): Promise<void> => new Promise((resolve) => server.close(() => resolve()));

function askHolder(): Promise<string> {
  return new Promise((resolve) => {
    let answer = "";
    const socket = connect({ path: ADDRESS, timeout: 1_000 });
    socket.setEncoding("utf8").on("data", (text: string) => (answer += text));
    socket.on("timeout", () => socket.destroy());
    socket.on("error", () => undefined).on("close", () => resolve(answer || "another process"));
  });
}
