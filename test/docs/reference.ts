/** The reference: what the types and doc comments of the public names say, as one page. */
import * as ts from "typescript";
import { code, table } from "./page";
import { filesIn, parse } from "./sources";

/** Every public name, in the order in which a reader needs it; behind a component, the types of its arguments. */
const COMPONENTS = {
  LocalHost: ["HostArgs"],
  SshHost: ["SshHostArgs", "SshConnectionArgs"],
  DockerEngine: ["DockerEngineArgs", "RegistryAuthArgs"],
  Gateway: [
    "GatewayArgs",
    "MountArgs",
    "TelegramArgs",
    "ExposeArgs",
    "LanArgs",
    "ProxyArgs",
    "TlsArgs",
    "BrowserArgs",
    "BrowserProfileArgs",
  ],
  MainGateway: [],
  RescueGateway: ["RescueGatewayArgs", "ExistingMainArgs"],
  GatewayPair: ["GatewayPairArgs"],
} as const;
const TYPES = ["GatewayOutputs", "GatewayPorts", "PortRange", "ExistingMainOutputs"] as const;
/** Told about where they are used. */
const TOLD = ["ConfigValue", "LocalHostArgs", "MainGatewayArgs", "Target"];

type Declaration = ts.InterfaceDeclaration | ts.ClassDeclaration;

export function referencePage(): string {
  const unknown = exported().filter((name) => ![...described(), ...TOLD].includes(name));
  if (unknown.length) throw new Error(`give these a place in test/docs/reference.ts: ${unknown.join(", ")}`);
  return [
    "# Reference",
    "Every argument and output, from the doc comments of the sources. What is refused, in full: [errors](errors.md). Whole " +
      "programs: [examples](../examples).",
    [...Object.keys(COMPONENTS), ...TYPES].map(link).join(" · "),
    ...Object.entries(COMPONENTS).flatMap(([component, types]) => [
      ...head(component),
      `\`\`\`ts\n${tagsOf(find(component))["example"] ?? missing(component, "example")}\n\`\`\``,
      ...types.flatMap((type) => [`### ${type}`, about(type), argumentTable(type)]),
      ...outputsOf(component),
    ]),
    ...TYPES.flatMap((type) => [...head(type), outputTable(type)]),
  ].join("\n\n");
}

const described = (): string[] => [...Object.keys(COMPONENTS), ...Object.values(COMPONENTS).flat(), ...TYPES];

const head = (name: string): string[] => [`## ${name}`, about(name)];

/** What a component says besides what every gateway does. */
function outputsOf(component: string): string[] {
  const own = membersOf(component);
  return own.length
    ? [`Outputs${component === "GatewayPair" ? "" : ", besides those of GatewayOutputs"}:`, outputTable(component)]
    : [];
}

const argumentTable = (name: string): string =>
  table(
    ["argument", "type", "default", "description"],
    membersOf(name).map((member) => {
      const { example = missing(`${name}.${member.name.getText()}`, "@example"), unit, ...tags } = tagsOf(member);
      const preset = member.questionToken
        ? (tags["default"] ?? missing(`${name}.${member.name.getText()}`, "@default"))
        : "**required**";
      return [
        code(member.name.getText()),
        `${typeOf(member)}${unit === undefined ? "" : `, ${unit}`}`,
        /^("[^"]*"|\{\}|\[\]|true|false|\d+)$/.test(preset) ? code(preset) : preset,
        `${sentence(textOf(member))} E.g. ${code(example)}`,
      ];
    }),
  );

const outputTable = (name: string): string =>
  table(
    ["output", "type", "description"],
    membersOf(name).map((member) => [code(member.name.getText()), typeOf(member), textOf(member)]),
  );

const link = (name: string): string => `[${name}](#${name.toLowerCase()})`;
const sentence = (text: string): string => (/[.!?]$/.test(text) ? text : `${text}.`);

function about(name: string): string {
  const declaration = find(name);
  const inherited = (declaration.heritageClauses ?? [])
    .flatMap(({ types }) => types.map(({ expression }) => expression.getText()))
    .filter((base) => described().includes(base) && ts.isInterfaceDeclaration(declaration));
  const more = inherited.length ? ` And those of ${inherited.map(link).join(" and ")}.` : "";
  return `${sentence(textOf(declaration))}${more}`.replaceAll(/\{@link (\w+)\}/g, "$1");
}

/** A type in a cell; one that is described on this page as a link. */
function typeOf(member: ts.PropertySignature | ts.PropertyDeclaration): string {
  const text = member.type!.getText().replaceAll(/pulumi\.|^readonly | \| undefined$/g, "");
  return described().includes(text) ? link(text) : code(text);
}

function membersOf(name: string): (ts.PropertySignature | ts.PropertyDeclaration)[] {
  return [...find(name).members].filter(
    (member): member is ts.PropertySignature | ts.PropertyDeclaration =>
      (ts.isPropertySignature(member) || ts.isPropertyDeclaration(member)) &&
      !(ts.getCombinedModifierFlags(member) & ts.ModifierFlags.NonPublicAccessibilityModifier) &&
      tagsOf(member)["internal"] === undefined &&
      textOf(member) !== "",
  );
}

const textOf = (node: ts.Node): string =>
  ts
    .getJSDocCommentsAndTags(node)
    .filter(ts.isJSDoc)
    .map(({ comment }) => ts.getTextOfJSDocComment(comment) ?? "")
    .join(" ")
    .replaceAll("\\@", "@")
    .replaceAll(/\s*\n\s*/g, " ");

const tagsOf = (node: ts.Node): Readonly<Record<string, string>> =>
  Object.fromEntries(
    ts
      .getJSDocTags(node)
      .map((tag) => [
        tag.tagName.text,
        (ts.getTextOfJSDocComment(tag.comment) ?? "").replaceAll(/\n/g, tag.tagName.text === "example" ? "\n" : " "),
      ]),
  );

const exported = (): string[] =>
  parse("components/index.ts").statements.flatMap((statement) =>
    ts.isExportDeclaration(statement) && statement.exportClause && ts.isNamedExports(statement.exportClause)
      ? statement.exportClause.elements.map(({ name }) => name.text)
      : [],
  );

const declarations = new Map<string, Declaration>();

function find(name: string): Declaration {
  if (!declarations.size)
    for (const path of [...filesIn("components"), ...filesIn("model")])
      for (const statement of parse(path).statements)
        if (ts.isClassDeclaration(statement) || ts.isInterfaceDeclaration(statement)) {
          // Of a class that is also an interface, the class is what is written about.
          const known = declarations.get(statement.name!.text);
          if (!known || ts.isClassDeclaration(statement)) declarations.set(statement.name!.text, statement);
        }
  return declarations.get(name) ?? missing(name, "declaration");
}

function missing(where: string, what: string): never {
  throw new Error(`${where} has no ${what} in its doc comment`);
}
