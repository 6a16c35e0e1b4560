/** Stand-ins for OpenClaw that show at once what takes the real one minutes. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestHost } from "./hosts";

/** An `openclaw` that validates everything; `gateway run` is the given program, e.g. `serve(VERSION)`. */
export function installFake(host: TestHost, id: string, version: string, gatewayRun: string): void {
  const directory = join(host.dir(id), "releases", version, "node_modules", "openclaw");
  mkdirSync(directory, { recursive: true });
  writeFileSync(
    join(directory, "openclaw.mjs"),
    `import { createServer } from "node:http";
     import { readFileSync } from "node:fs";
     const [command, verb] = process.argv.slice(2);
     const port = JSON.parse(readFileSync(process.env.OPENCLAW_CONFIG_PATH, "utf8")).gateway.port;
     const serve = (version) => createServer((request, response) => response.end(JSON.stringify(
       request.url === "/startupz" ? { ok: true, status: "started", version } : { ready: true, failing: [] })))
       .listen(port, "127.0.0.1");
     if (command === "gateway" && verb === "run") { ${gatewayRun} }`,
  );
}
