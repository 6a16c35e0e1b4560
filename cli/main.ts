/** The package's command, `pulumi-openclaw`. */
import { plain } from "../model/plain";
import { CANNOT_RUN, runCommand } from "./commands";

const [name = "", ...args] = process.argv.slice(2);
runCommand(name, args, process.env).then(
  (code) => (process.exitCode = code),
  (error: unknown) => {
    console.error(plain(`error: ${error instanceof Error ? error.message : String(error)}`));
    process.exitCode = CANNOT_RUN;
  },
);
