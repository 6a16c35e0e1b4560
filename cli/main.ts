/** The package's command, `pulumi-openclaw`. */
import { plain } from "../model/plain";
import { runCheck, USAGE } from "./checkCommand";

const CANNOT_RUN = 2;

async function main([verb, ...args]: readonly string[]): Promise<number> {
  if (verb === "check") return runCheck(args, process.env);
  console.error(USAGE);
  return verb === "--help" ? 0 : CANNOT_RUN;
}

main(process.argv.slice(2)).then(
  (code) => (process.exitCode = code),
  (error: unknown) => {
    console.error(plain(`error: ${error instanceof Error ? error.message : String(error)}`));
    process.exitCode = CANNOT_RUN;
  },
);
