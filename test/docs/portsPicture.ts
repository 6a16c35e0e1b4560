/** docs/ports.svg: the two port blocks of a pair, and what else each gateway has for itself. */
import { derivePorts, BLOCK_SIZE, formatRange, MAIN_BASE_PORT, portBlock, RESCUE_BASE_PORT } from "../../model/ports";
import {
  configFile,
  defaultStateDir,
  defaultWorkspace,
  gatewayId,
  gatewayLogFile,
  gatewayPaths,
  manageDir,
  serviceName,
  wrapperName,
} from "../../model/hostLayout";

const WIDTH = 960;
const MARGIN = 24;
const INNER = WIDTH - 2 * MARGIN;
const AXIS_Y = 92;
const PANEL_Y = 156;
const PANEL_HEIGHT = 288;
const HEIGHT = PANEL_Y + 2 * PANEL_HEIGHT;

interface Tile {
  readonly name: string;
  readonly use: string;
  readonly ports: string;
  readonly width: number;
}

function tiles(basePort: number): readonly Tile[] {
  const { gateway, sandbox, browserControl, extensionRelay, cdp } = derivePorts(basePort);
  return [
    { name: "gateway", use: "HTTP, WebSocket, canvas", ports: String(gateway), width: 190 },
    { name: "sandbox", use: "MCP Apps, widgets", ports: String(sandbox), width: 146 },
    { name: "browser control", use: "on request only", ports: String(browserControl), width: 140 },
    { name: "extension relays", use: "Chrome extension", ports: formatRange(extensionRelay), width: 150 },
    { name: "CDP", use: "one port for each browser profile", ports: formatRange(cdp), width: 254 },
  ];
}

/** Paths below the home of the user that the gateways run as. */
const HOME = "~";

function ownThings(profile: string): readonly (readonly [name: string, value: string])[] {
  const id = gatewayId(profile);
  const stateDir = defaultStateDir(HOME, profile);
  const manage = manageDir(HOME);
  const { releases, secrets } = gatewayPaths(manage, id);
  return [
    ["state", stateDir],
    ["workspace", defaultWorkspace(stateDir)],
    ["log", gatewayLogFile(stateDir)],
    ["command", wrapperName(id)],
    ["service", serviceName(profile)],
    ["configuration", configFile(manage, id)],
    ["releases", releases],
    ["secrets", secrets],
    ["token", "its own, kept in the stack's state"],
    ["Telegram bot", "its own, or none"],
  ];
}

const escape = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

const label = (x: number, y: number, style: string, content: string, anchor = "start"): string =>
  `<text x="${x}" y="${y}" class="${style}" text-anchor="${anchor}">${escape(content)}</text>`;

const box = (x: number, y: number, width: number, height: number, style: string): string =>
  `<rect x="${x}" y="${y}" width="${width}" height="${height}" rx="6" class="${style}"/>`;

/** Both blocks on a line of ports, to scale. */
function axis(): string[] {
  const first = MAIN_BASE_PORT - 100;
  const last = RESCUE_BASE_PORT + BLOCK_SIZE + 100;
  const x = (port: number): number => Math.round(MARGIN + ((port - first) / (last - first)) * INNER);
  const block = (basePort: number, style: "main" | "rescue"): string => {
    const range = portBlock(basePort);
    return (
      box(x(range.first), AXIS_Y - 14, x(range.last) - x(range.first), 28, style) +
      label((x(range.first) + x(range.last)) / 2, AXIS_Y + 5, "name", style, "middle") +
      label((x(range.first) + x(range.last)) / 2, AXIS_Y + 36, "small", formatRange(range), "middle")
    );
  };
  const gap = { first: portBlock(MAIN_BASE_PORT).last + 1, last: RESCUE_BASE_PORT - 1 };
  const room = Math.floor((gap.last - gap.first + 1) / BLOCK_SIZE);
  return [
    `<line x1="${MARGIN}" y1="${AXIS_Y}" x2="${WIDTH - MARGIN}" y2="${AXIS_Y}" class="line"/>`,
    block(MAIN_BASE_PORT, "main"),
    block(RESCUE_BASE_PORT, "rescue"),
    label((x(gap.first) + x(gap.last)) / 2, AXIS_Y + 36, "small", `free: room for ${room} more gateways`, "middle"),
  ];
}

function panel(y: number, style: string, title: string, profile: string, basePort: number): string[] {
  const lines = [
    box(MARGIN, y, INNER, PANEL_HEIGHT - MARGIN, "panel"),
    label(MARGIN + 16, y + 30, "title", title),
    label(WIDTH - MARGIN - 16, y + 30, "small", `ports ${formatRange(portBlock(basePort))}, on 127.0.0.1 only`, "end"),
  ];
  let x = MARGIN + 16;
  for (const { name, use, ports, width } of tiles(basePort)) {
    lines.push(box(x, y + 46, width - 4, 76, style));
    lines.push(
      label(x + 12, y + 68, "name", name),
      label(x + 12, y + 88, "ports", ports),
      label(x + 12, y + 108, "small", use),
    );
    x += width;
  }
  ownThings(profile).forEach(([name, value], index) => {
    const column = index < 5 ? MARGIN + 28 : MARGIN + 396;
    const row = y + 150 + (index % 5) * 22;
    lines.push(label(column, row, "small", name), label(column + (index < 5 ? 80 : 96), row, "value", value));
  });
  return lines;
}

export function portsPicture(): string {
  const style = [
    "text { font: 13px system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif; fill: #1f2328 }",
    ".head { font-size: 20px; font-weight: 600 } .title { font-size: 16px; font-weight: 600 } .name { font-weight: 600 }",
    ".small { font-size: 12px; fill: #59636e } .ports, .value { font-family: ui-monospace, Menlo, Consolas, monospace; font-size: 12px }",
    ".page { fill: #ffffff } .panel { fill: #f6f8fa; stroke: #d1d9e0 } .line { stroke: #818b98; stroke-width: 2 }",
    ".main { fill: #ddf4ff; stroke: #0969da } .rescue { fill: #fff1e5; stroke: #bc4c00 }",
    "@media (prefers-color-scheme: dark) {",
    "text { fill: #f0f6fc } .small { fill: #9198a1 } .page { fill: #0d1117 } .panel { fill: #151b23; stroke: #3d444d }",
    ".line { stroke: #656c76 } .main { fill: #10243e; stroke: #4493f8 } .rescue { fill: #3a1d06; stroke: #db6d28 }",
    "}",
  ];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="Port blocks of the main and the rescue gateway">`,
    `<style>${style.join("\n")}</style>`,
    box(0, 0, WIDTH, HEIGHT, "page"),
    label(MARGIN, 40, "head", "Two gateways on one machine, and what each has for itself"),
    label(
      MARGIN,
      62,
      "small",
      `Each owns ${BLOCK_SIZE} ports, base … base+${BLOCK_SIZE - 1}; two base ports are at least ${BLOCK_SIZE} apart.`,
    ),
    ...axis(),
    ...panel(PANEL_Y, "main", "main: the default profile", "default", MAIN_BASE_PORT),
    ...panel(PANEL_Y + PANEL_HEIGHT, "rescue", "rescue: profile rescue", "rescue", RESCUE_BASE_PORT),
    "</svg>\n",
  ].join("\n");
}
