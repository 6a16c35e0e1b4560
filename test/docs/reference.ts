/** The reference: what the types and doc comments of the public names say, as one page. */
import * as ts from "typescript";
import { PROJECT } from "./sources";

/** Every public name, in the order in which a reader needs it. */
const COMPONENTS = [
  { name: "LocalHost", args: "LocalHostArgs" },
  { name: "SshHost", args: "SshHostArgs" },
  { name: "DockerEngine", args: "DockerEngineArgs" },
  { name: "Gateway", args: "GatewayArgs", outputs: true },
  { name: "MainGateway", args: "MainGatewayArgs", like: "Gateway", outputs: true },
  { name: "RescueGateway", args: "RescueGatewayArgs", like: "Gateway", outputs: true },
  { name: "GatewayPair", args: "GatewayPairArgs", outputs: true },
] as const;
const TYPES = ["GatewayPorts", "PortRange", "ExistingMainOutputs", "Target"] as const;

/** Types that are not looked into. */
const NAMED = [
  "Target",
  "Gateway",
  "Input",
  "Output",
  "Json",
  "Own",
  "GatewayPorts",
  "PortRange",
  "ExistingMainOutputs",
];

interface Argument {
  readonly path: string;
  readonly type: string;
  readonly isOptional: boolean;
  readonly about: string;
  readonly tags: Readonly<Record<string, string>>;
}

/** `refusals`: what is said about a bad argument, by the argument's path. */
export function referencePage(refusals: (component: string, path: string) => readonly string[]): string {
  const reader = new Reader();
  const unknown = reader.names().filter((name) => !known.includes(name));
  if (unknown.length) throw new Error(`give these a place in test/docs/reference.ts: ${unknown.join(", ")}`);
  return [
    "# Reference",
    "Every argument and output, from the doc comments of the sources. What is refused, in all words: [errors](errors.md). Whole " +
      "programs: [examples](../examples).",
    [...COMPONENTS, ...TYPES.map((name) => ({ name }))]
      .map(({ name }) => `[${name}](#${name.toLowerCase()})`)
      .join(" · "),
    ...COMPONENTS.flatMap((component) => componentPage(reader, component, refusals)),
    ...TYPES.flatMap((name) => [
      `## ${name}`,
      reader.about(name),
      ...(name === "Target" ? [] : [table(reader.members(name))]),
    ]),
  ].join("\n\n");
}

const known: readonly string[] = [...COMPONENTS.flatMap(({ name, args }) => [name, args]), ...TYPES];

function componentPage(
  reader: Reader,
  component: (typeof COMPONENTS)[number],
  refusals: (component: string, path: string) => readonly string[],
): string[] {
  const { name, args } = component;
  const own = reader.arguments(args);
  const base = "like" in component ? reader.arguments(`${component.like}Args`) : [];
  const inherited = "like" in component ? reader.members(component.like).map(({ path }) => path) : [];
  const outputs = "outputs" in component ? reader.members(name).filter(({ path }) => !inherited.includes(path)) : [];
  const added = own.filter((each) => !base.some(({ path }) => path === each.path));
  const eased = own.filter((each) =>
    base.some((other) => other.path === each.path && other.isOptional !== each.isOptional),
  );
  return [
    `## ${name}`,
    reader.about(name),
    `\`\`\`ts\n${reader.tags(name)["example"] ?? missing(name, "example")}\n\`\`\``,
    ...("like" in component
      ? [
          `Arguments and outputs of [${component.like}](#${component.like.toLowerCase()}), of which it does not ask for ` +
            `${eased.map(({ path }) => `\`${path}\``).join(", ")}${added.length ? ", and:" : "."}`,
        ]
      : []),
    ...added.flatMap((each) => argumentPage(name, each, refusals(name, each.path))),
    ...(outputs.length ? [`### Outputs of ${name}`, table(outputs)] : []),
  ];
}

function argumentPage(component: string, argument: Argument, refused: readonly string[]): string[] {
  const { path, type, isOptional, about, tags } = argument;
  const where = `${component}.${path}`;
  if (about === "") missing(where, "description");
  if (isOptional && tags["default"] === undefined) missing(where, "@default");
  const rows = [
    `\`${type}\`${tags["unit"] === undefined ? "" : ` (${tags["unit"]})`}, ` +
      (isOptional ? `default: ${code(tags["default"]!)}` : "**required**"),
    `Example: \`${path.split(".").at(-1)!}: ${tags["example"] ?? missing(where, "@example")}\``,
    ...(refused.length ? [`Errors:\n${refused.map((reason) => `  - ${reason}`).join("\n")}`] : []),
  ];
  return [`### ${path.replaceAll("<", "\\<")}`, about, rows.map((row) => `- ${row}`).join("\n")];
}

/** A value as code; words as they are. */
const code = (text: string): string => (/^("[^"]*"|\{\}|\[\]|true|false|\d+)$/.test(text) ? `\`${text}\`` : text);

function missing(where: string, what: string): never {
  throw new Error(`${where} has no ${what} in its doc comment`);
}

const table = (members: readonly Argument[]): string =>
  [
    "| name | type | what it is |",
    "| --- | --- | --- |",
    ...members.map(
      ({ path, type, about }) =>
        `| \`${path}\` | \`${type.replaceAll("|", "\\|")}\` | ${(about === "" ? missing(path, "description") : about).replaceAll("|", "\\|")} |`,
    ),
  ].join("\n");

/** The public names as the TypeScript compiler knows them. */
class Reader {
  private readonly checker: ts.TypeChecker;
  private readonly symbols: ReadonlyMap<string, ts.Symbol>;

  constructor() {
    const { config } = ts.readConfigFile(`${PROJECT}/tsconfig.json`, (path) => ts.sys.readFile(path)) as {
      config: unknown;
    };
    const { options } = ts.parseJsonConfigFileContent(config, ts.sys, PROJECT);
    const program = ts.createProgram([`${PROJECT}/components/index.ts`], options);
    this.checker = program.getTypeChecker();
    const module = this.checker.getSymbolAtLocation(program.getSourceFile(`${PROJECT}/components/index.ts`)!)!;
    const symbols = this.checker
      .getExportsOfModule(module)
      .map((each) => (each.flags & ts.SymbolFlags.Alias ? this.checker.getAliasedSymbol(each) : each));
    this.symbols = new Map(symbols.map((each) => [each.name, each]));
  }

  names = (): readonly string[] => [...this.symbols.keys()];

  about = (name: string): string => this.text(this.symbol(name)) || missing(name, "description");

  tags = (name: string): Readonly<Record<string, string>> => tagsOf(this.symbol(name), this.checker);

  /** The arguments of a component, those inside of others after them. */
  arguments = (name: string): Argument[] => this.inside(this.type(name), "");

  /** What a component or a type tells. */
  members = (name: string): Argument[] =>
    this.checker
      .getPropertiesOfType(this.type(name))
      .filter((each) => isOurs(each) && each.flags & ts.SymbolFlags.Property && !isPrivate(each))
      .map((each) => this.argument(each, each.name));

  private inside(type: ts.Type, prefix: string): Argument[] {
    return this.checker.getPropertiesOfType(type).flatMap((each) => {
      const path = `${prefix}${each.name}`;
      return [this.argument(each, path), ...this.nested(this.checker.getTypeOfSymbol(each), path)];
    });
  }

  private nested(optional: ts.Type, path: string): Argument[] {
    const type = this.checker.getNonNullableType(optional);
    const name = type.aliasSymbol?.name ?? type.symbol?.name ?? "";
    if (!(type.flags & ts.TypeFlags.Object) || NAMED.includes(name) || this.checker.isArrayType(type)) return [];
    const values = this.checker.getIndexTypeOfType(type, ts.IndexKind.String);
    if (values) return values.flags & ts.TypeFlags.Object ? this.nested(values, `${path}.<name>`) : [];
    return this.inside(type, `${path}.`);
  }

  private argument(symbol: ts.Symbol, path: string): Argument {
    const type = this.checker.getNonNullableType(this.checker.getTypeOfSymbol(symbol));
    return {
      path,
      type: this.words(type),
      isOptional: (symbol.flags & ts.SymbolFlags.Optional) !== 0,
      about: this.text(symbol),
      tags: tagsOf(symbol, this.checker),
    };
  }

  /** A type in a line; one that is described below is an object here. */
  private words(type: ts.Type): string {
    const text = this.checker.typeToString(type, undefined, ts.TypeFormatFlags.NoTruncation);
    if (text.startsWith("Own<")) return "object";
    return text.replaceAll(/\{ .*\}/g, "object").replace("Record<string, object>", "object of objects");
  }

  private text = (symbol: ts.Symbol): string =>
    ts
      .displayPartsToString(symbol.getDocumentationComment(this.checker))
      .replaceAll(/\{@link (\w+)\}/g, "$1")
      .replaceAll("\\@", "@")
      .replaceAll(/\s*\n\s*/g, " ");

  private type = (name: string): ts.Type => this.checker.getDeclaredTypeOfSymbol(this.symbol(name));

  private symbol = (name: string): ts.Symbol => this.symbols.get(name) ?? missing(name, "public name");
}

function tagsOf(symbol: ts.Symbol, checker: ts.TypeChecker): Readonly<Record<string, string>> {
  return Object.fromEntries(
    symbol.getJsDocTags(checker).map(({ name, text }) => [
      name,
      ts
        .displayPartsToString(text)
        .trim()
        .replaceAll(/\s*\n\s*/g, name === "example" ? "\n" : " "),
    ]),
  );
}

const isOurs = (symbol: ts.Symbol): boolean =>
  symbol.declarations?.every((each) => !each.getSourceFile().fileName.includes("/node_modules/")) ?? false;

const isPrivate = (symbol: ts.Symbol): boolean =>
  symbol.getJsDocTags().some(({ name }) => name === "internal") ||
  (symbol.declarations ?? []).some(
    (each) => ts.getCombinedModifierFlags(each) & (ts.ModifierFlags.Private | ts.ModifierFlags.Protected),
  );
