/** What runs as the gateways' account for the host program: `host state <action>`, which knows nothing of the rest. */
import { mkdirSync, rmSync } from "node:fs";
import { setPriority } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Failure } from "../../model/failure";
import { WORK_DIR } from "../../model/hostLayout";
import { measure } from "./contents";
import { beginRestore, completeRestore, exchange } from "./exchange";
import { REHEARSAL } from "./format";
import { packState, type Way } from "./pack";
import { rehearse, type RehearsalOrder } from "./rehearse";
import { unpackState } from "./unpack";

/** Does one thing in a state directory. Its answer, if it has one, is one line of JSON. */
export async function stateHelper([action, stateDir, ...rest]: readonly string[]): Promise<void> {
  process.umask(0o077);
  if (stateDir === undefined) throw new Failure("usage: host state <action> <state directory>");
  const copy = join(stateDir, WORK_DIR, REHEARSAL);
  switch (action) {
    case "measure":
      return answer(measure(stateDir));
    case "pack":
      setPriority(10); // beside a gateway that works
      return packState(stateDir, rest[0] as Way, oneLine);
    case "begin-restore":
      return answer(beginRestore(stateDir));
    case "begin-rehearsal":
      rmSync(copy, { recursive: true, force: true });
      mkdirSync(copy, { recursive: true, mode: 0o700 });
      return answer(copy);
    case "unpack":
      return unpackState(process.stdin, rest[0]!);
    case "complete-restore":
      return completeRestore(stateDir);
    case "exchange":
      return exchange(stateDir);
    case "rehearse":
      return answer(await rehearseFromStdin(stateDir, copy));
    case "end-rehearsal":
      return rmSync(copy, { recursive: true, force: true });
    default:
      throw new Failure(`unknown action ${action}`);
  }
}

const answer = (value: unknown): void => void process.stdout.write(`${JSON.stringify(value)}\n`);

/** Until stdin ends: whoever asked for it is gone then, and it must not run on. */
async function rehearseFromStdin(stateDir: string, copy: string): Promise<unknown> {
  const isOver = new AbortController();
  const lines = createInterface({ input: process.stdin });
  const line = await new Promise<string>((resolve) => lines.once("line", resolve).on("close", () => isOver.abort()));
  const rehearsed = await rehearse({ ...(JSON.parse(line) as RehearsalOrder), stateDir, copy }, isOver.signal);
  lines.close();
  process.stdin.destroy();
  return rehearsed;
}

/** A line on stdin; false where it ends without one: whoever would have written it is gone. */
function oneLine(): Promise<boolean> {
  const lines = createInterface({ input: process.stdin });
  return new Promise((resolve) => {
    lines.on("line", () => resolve(true)).on("close", () => resolve(false));
  });
}
