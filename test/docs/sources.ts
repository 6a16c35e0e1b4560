/** The product's sources, read for the sentences in them. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as ts from "typescript";

export const PROJECT = join(__dirname, "..", "..");

export const read = (path: string): string => readFileSync(join(PROJECT, path), "utf8");

/** The TypeScript files of a folder, and of those inside it. */
export const filesIn = (folder: string): string[] =>
  readdirSync(join(PROJECT, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => `${folder}/${name}`)
    .sort();

const parsed = new Map<string, ts.SourceFile>();

export function parse(path: string): ts.SourceFile {
  const file = parsed.get(path) ?? ts.createSourceFile(path, read(path), ts.ScriptTarget.ES2022, true);
  parsed.set(path, file);
  return file;
}

export function visit(node: ts.Node, each: (node: ts.Node) => void): void {
  each(node);
  node.forEachChild((child) => visit(child, each));
}

/** Errors that are printed to a user as they are. */
const SAID_TO_USERS = ["Failure", "RunError"];

/** Messages of all errors that a file throws at a user, with `<name>` where a value is filled in. */
export function failuresIn(path: string): string[] {
  const file = parse(path);
  const messages: string[] = [];
  visit(file, (node) => {
    if (!ts.isNewExpression(node)) return;
    const name = ts.isPropertyAccessExpression(node.expression) ? node.expression.name.text : node.expression.getText();
    if (SAID_TO_USERS.includes(name)) messages.push(...withAdvice(node.arguments!, file));
  });
  return [...new Set(messages)].filter((message) => !isPlaceholder(message));
}

/** What `withAdvice` of model/failure.ts makes of what went wrong and what to do. */
function withAdvice([what, advice]: readonly ts.Expression[], file: ts.SourceFile): string[] {
  const texts = variants(what!, file);
  return advice ? product(texts, product(["\n    -> "], variants(advice, file))) : texts;
}

/** `gatewayPort` as people write it. */
const words = (name: string): string =>
  (/^[A-Z_]+$/.test(name) ? name : name.replaceAll(/[A-Z]/g, " $&")).trim().toLowerCase().replace(/ of$/, "");

const isPlaceholder = (text: string): boolean => /^<[^<>]*>$/.test(text);

/** The texts that an expression can become. */
function variants(node: ts.Expression, file: ts.SourceFile): string[] {
  const of = (each: ts.Expression): string[] => variants(each, file);
  if (ts.isStringLiteralLike(node) || ts.isNumericLiteral(node)) return [node.text];
  if (ts.isTemplateExpression(node))
    return node.templateSpans.reduce(
      (texts, span) => product(product(texts, of(span.expression)), [span.literal.text]),
      [node.head.text],
    );
  if (ts.isBinaryExpression(node)) {
    const both = [of(node.left), of(node.right)] as const;
    if (node.operatorToken.kind === ts.SyntaxKind.PlusToken) return product(...both);
    const [a, b] = both.map(([first]) => Number(first));
    if (node.operatorToken.kind === ts.SyntaxKind.SlashToken && a && b) return [`${a / b}`];
    const isDefault = [ts.SyntaxKind.QuestionQuestionToken, ts.SyntaxKind.BarBarToken].includes(
      node.operatorToken.kind,
    );
    if (isDefault) return both.flat().every(isPlaceholder) ? both[0] : both.flat();
  }
  if (ts.isConditionalExpression(node)) return [...of(node.whenTrue), ...of(node.whenFalse)];
  if (ts.isParenthesizedExpression(node) || ts.isAwaitExpression(node) || ts.isNonNullExpression(node))
    return of(node.expression);
  if (ts.isPropertyAccessExpression(node)) return [`<${words(node.name.text)}>`];
  if (ts.isCallExpression(node)) return variantsOfCall(node, file);
  if (ts.isIdentifier(node)) {
    const meant = isParameter(node) ? undefined : declared(node.text, file);
    if (meant && ts.isNumericLiteral(meant)) return [meant.text];
    if (meant && ts.isStringLiteralLike(meant)) return [meant.text];
    const texts = meant && !ts.isFunctionLike(meant) ? of(meant) : [];
    return texts.some((text) => text.includes(" ") && !isPlaceholder(text)) ? texts : [`<${words(node.text)}>`];
  }
  return [`<${node.getText(file).replaceAll(/\W+/g, " ").trim()}>`];
}

/** Of a function around it; whatever else has the same name in the file. */
const isParameter = (name: ts.Identifier): boolean =>
  ts.findAncestor(
    name,
    (node) => ts.isFunctionLike(node) && node.parameters.some((each) => each.name.getText() === name.text),
  ) !== undefined;

/** Functions that hand on what they are given. */
const HANDS_ON = ["indent", "messageOf", "lastLines", "reasonOf"];

/** A call by the words that it returns, or by its name. */
function variantsOfCall(node: ts.CallExpression, file: ts.SourceFile): string[] {
  const called = node.expression;
  if (ts.isPropertyAccessExpression(called)) return variants(called.expression, file);
  const meant = declared(called.getText(file), file);
  const returned: ts.Expression[] = [];
  if (meant && ts.isFunctionDeclaration(meant))
    visit(meant, (each) => {
      if (ts.isReturnStatement(each) && each.expression) returned.push(each.expression);
    });
  if (returned.length && returned.every(hasWords)) return returned.flatMap((each) => variants(each, file));
  const name = called.getText(file);
  if (name === "withAdvice") return withAdvice(node.arguments, file);
  return HANDS_ON.includes(name) ? variants(node.arguments[0]!, file) : [`<${words(name)}>`];
}

/** Where texts stand that several files say. */
const SHARED = ["model/failure.ts", "model/npm.ts", "inspect/accounts.ts", "deployer/patience.ts"];

function declared(name: string, file: ts.SourceFile): ts.Expression | ts.FunctionDeclaration | undefined {
  let found: ts.Expression | ts.FunctionDeclaration | undefined;
  if (!SHARED.includes(file.fileName)) for (const path of SHARED) found ??= declared(name, parse(path));
  visit(file, (node) => {
    if (ts.isFunctionDeclaration(node) && node.name?.text === name) found ??= node;
    if (ts.isVariableDeclaration(node) && node.name.getText(file) === name) found ??= node.initializer;
  });
  return found;
}

function hasWords(node: ts.Node): boolean {
  let found = false;
  visit(
    node,
    (each) => (found ||= (ts.isStringLiteralLike(each) || ts.isTemplateExpression(each)) && / /.test(each.getText())),
  );
  return found;
}

const product = (heads: readonly string[], tails: readonly string[]): string[] =>
  heads.flatMap((head) => tails.map((tail) => head + tail));

/** What the bootstrap script says when it gives up. */
export const failuresOfShell = (path: string): string[] =>
  [...read(path).matchAll(/\bfail "([^"]+)"/g)].map(([, text]) =>
    text!
      .replaceAll(/\$\(uname -s\)/g, "<system>")
      .replaceAll(/\$\(uname -m\)/g, "<processor>")
      .replaceAll(/\$(\w+)/g, "<$1>"),
  );

const PROPERTIES_THAT_SAY = ["reason", "advice", "message", "error"];
const SENTENCE = /[a-z`']+ +[a-z`'-]+ +[a-z`'-]+/i;

/** Every text in a file that reads as a part of a message, as a pattern for the message. */
export function sentencesIn(path: string): { text: string; pattern: RegExp }[] {
  const file = parse(path);
  const sentences: { text: string; pattern: RegExp }[] = [];
  visit(file, (node) => {
    const parts = ts.isStringLiteralLike(node)
      ? [node.text]
      : ts.isTemplateExpression(node)
        ? [node.head.text, ...node.templateSpans.map(({ literal }) => literal.text)]
        : [];
    const property = ts.isPropertyAssignment(node.parent ?? node)
      ? (node.parent as ts.PropertyAssignment).name
      : undefined;
    const says = property !== undefined && PROPERTIES_THAT_SAY.includes(property.getText(file));
    if (!parts.some((part) => SENTENCE.test(part)) && !(says && parts.join("").includes(" "))) return;
    sentences.push({ text: parts.join("…"), pattern: new RegExp(parts.map(asPattern).join("[^\\n]+?"), "s") });
  });
  return sentences;
}

/** Where the page is a table, a message of several lines is in one. */
const asPattern = (text: string): string =>
  text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&").replaceAll(/\s*\n\s*/g, "\\s*");
