/**
 * A stand-in for an OpenClaw release, for rows that start hundreds of gateways and are about what we do: two processes, health
 * answers, the token, a boot of two seconds instead of ten or more.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { VERSION } from "./seed";

/** What the gateway does when it is told to end; `server` answers for it. */
const END = "setTimeout(() => process.exit(0), 500)";

/** Its one program. */
export const standIn = (version = VERSION, end = END): string => `
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
const [command, verb] = process.argv.slice(2);
const portOf = () => JSON.parse(readFileSync(process.env.OPENCLAW_CONFIG_PATH, "utf8")).gateway.port;
if (command === "gateway" && verb === "run") {
  const child = spawn(process.execPath, [process.argv[1], "serve"], { stdio: "inherit" });
  for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => child.kill(signal));
  child.on("exit", (code) => process.exit(code ?? 0));
}
if (command === "serve") {
  process.title = "openclaw-gateway";
  process.on("SIGTERM", () => { ${end}; });
  const answer = ({ url, headers }) =>
    url === "/startupz" ? { ok: true, status: "started", version: "${version}" }
    : url === "/readyz" ? { ready: true, failing: [] }
    : { error: { type: headers.authorization === "Bearer " + process.env.OPENCLAW_GATEWAY_TOKEN ? "invalid_request" : "unauthorized" } };
  const server = createServer((request, response) => response.end(JSON.stringify(answer(request))));
  setTimeout(() => server.listen(portOf(), "127.0.0.1"), 2_000);
}
if (command === "gateway" && verb === "health") await fetch("http://127.0.0.1:" + portOf() + "/readyz");
`;

/** In the place of the real one. */
export function seedStandIn(root: string, id: string): void {
  const directory = join(root, ".pulumi-openclaw/gateways", id, "releases", VERSION, "node_modules/openclaw");
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, "openclaw.mjs"), standIn());
}
