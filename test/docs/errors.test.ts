/** docs/errors.md: everything that this package refuses, in the words that its user reads. */
import { beforeAll, expect, it } from "vitest";
import { HOW_TO_GET } from "../../ssh/hostKey";
import { formatProblems } from "../../components/rules/problems";
import { lockedToAnother } from "../../components/targets/packageLocks";
import { runAtDestroy } from "../../components/targets/deployerCommand";
import { AFTER_INTERRUPTED_DOWN, AFTER_INTERRUPTION } from "../../toolchain/processes";
import { code, expectCurrent, table } from "./page";
import { refusals, type Section } from "./refusals";
import { failuresIn, failuresOfShell, filesIn, sentencesIn } from "./sources";

let before: readonly Section[];
beforeAll(async () => void (before = await refusals()));

/** Headings of errors that are met on the way, and the files they come from. */
const ON_THE_HOST: Readonly<Record<string, readonly string[]>> = {
  "Sending to the host": ["ssh/remoteHost.ts", "deployer/push.ts"],
  "On this machine: the deployer's program, its archives and locks": [
    "deployer/archives.ts",
    "deployer/mutex.ts",
    "deployer/main.ts",
  ],
  "Which packages a release consists of: on this machine, below `openclaw-…-packages`": ["deployer/packageLock.ts"],
  "A partner on another target": ["deployer/partner.ts"],
  "Preparing the host, and the account that gateways run as": [
    "host/bootstrap.sh",
    "inspect/accounts.ts",
    "host/account.ts",
  ],
  "The host program, and the commands openclaw-main, openclaw-rescue …": [
    "host/main.ts",
    "host/host.ts",
    "host/systemError.ts",
    "host/commandLine.ts",
  ],
  "Claiming a gateway, and its secrets": ["host/claim.ts", "host/secrets.ts", "host/generation.ts"],
  "Installing OpenClaw and its plugins": [
    "host/stagedPackageLocks.ts",
    "inspect/release.ts",
    "host/release.ts",
    "host/plugins.ts",
  ],
  Deploying: ["host/apply.ts", "host/partner.ts", "host/liveChange.ts", "host/needs.ts", "host/jobs.ts"],
  "Another version, recovery points and going back": [
    "host/upgrade.ts",
    "host/recovery.ts",
    "host/recoveryVerbs.ts",
    "host/stateHelper.ts",
    "host/state/helper.ts",
    "host/state/pack.ts",
    "host/state/unpack.ts",
    "host/state/rehearse.ts",
  ],
  "Why a new generation did not become healthy": ["host/health.ts", "host/channels.ts"],
  "Supervision, by systemd and without a service manager": [
    "host/supervisors/systemd.ts",
    "host/supervisors/process.ts",
  ],
};
/** The same of gateways in containers. */
const ON_THE_ENGINE: Readonly<Record<string, readonly string[]>> = {
  "Reaching the engine, and what is on it already": ["deployer/docker/engine.ts", "deployer/docker/inventory.ts"],
  "Creating or recreating a container": [
    "deployer/docker/volumes.ts",
    "deployer/docker/tryMounts.ts",
    "deployer/docker/gateway.ts",
  ],
};
const OF_MAKE: Readonly<Record<string, readonly string[]>> = {
  "Engine, plugin, state and passphrase": [
    "toolchain/cli.ts",
    "toolchain/engine.ts",
    "toolchain/plugin.ts",
    "toolchain/backend.ts",
  ],
};

const failuresOf = (path: string): readonly string[] =>
  path.endsWith(".sh") ? failuresOfShell(path) : failuresIn(path);

function failureSections(headings: Readonly<Record<string, readonly string[]>>): string[] {
  return Object.entries(headings).flatMap(([title, paths]) => {
    const failures = paths.flatMap(failuresOf);
    return failures.length ? [`### ${title}`, failureTable(failures)] : [];
  });
}

/** A sentence with all that it is said about, and what to do, where it is said with it. */
interface Said {
  readonly about: string;
  readonly what: string;
  readonly advice: string | undefined;
}

/** Lines of a cell; a line that repeats the one before is there once. */
const cell = (lines: readonly string[]): string => (new Set(lines).size === 1 ? lines.slice(0, 1) : lines).join("<br>");

/** Rows whose sentences have the same advice are one row; so are those without advice about the same, or with the same sentence. */
function rowsOf(sentences: readonly Said[]): string[][] {
  const withSameAdvice = groups(sentences, ({ about, advice }) => advice ?? `${about}:`);
  const rows = groups(withSameAdvice, ([first, ...others]) =>
    others.length ? JSON.stringify([first, others]) : `: ${first!.what.replace(/the argument \S+/, "the argument")}`,
  ).map((row) => row.flat());
  return rows.map((row) => [
    cell(row.map(({ about }) => about)),
    cell(row.map(({ what }) => code(what))),
    cell(row.map(({ advice }) => (advice === undefined ? "" : code(advice)))),
  ]);
}

/** In the order of their first members. */
function groups<T>(items: readonly T[], key: (item: T) => string): T[][] {
  const byKey = new Map<string, T[]>();
  for (const item of items) byKey.set(key(item), [...(byKey.get(key(item)) ?? []), item]);
  return [...byKey.values()];
}

/** What went wrong, and what to do, where it is said with it. */
const failureTable = (failures: readonly string[]): string =>
  table(
    ["what it says", "what to do"],
    rowsOf(
      [...new Set(failures)].map((failure, index) => {
        const [what = "", advice] = failure.split("\n    -> ");
        return { about: `${index}`, what, advice }; // each of its own
      }),
    ).map(([, ...cells]) => cells),
  );

const block = (messages: readonly string[]): string => `\`\`\`text\n${[...new Set(messages)].join("\n")}\n\`\`\``;

const LATE_HOST_KEY = {
  path: "box.hostKey",
  reason: "is not a public key that can be checked",
  advice: HOW_TO_GET,
};

const head = (found?: string): string => formatProblems([{ path: "", reason: "", advice: "" }], found).split("\n")[0]!;

/** Each sentence once, with everything that it is said about. */
function problemTable({ problems }: Section): string {
  const rows = new Map<string, { reason: string; advice: string | undefined; paths: Set<string> }>();
  for (const { path, reason: said, advice } of problems) {
    const reason = said.replace(/; it is .*/, "");
    const row = rows.get(`${reason} ${advice}`) ?? { reason, advice, paths: new Set() };
    rows.set(`${reason} ${advice}`, row);
    row.paths.add(path);
  }
  return table(
    ["about", "what it says", "what to do"],
    rowsOf(
      [...rows.values()].map(({ paths, reason, advice }) => ({
        about: [...paths].map(code).join(", "),
        what: reason,
        advice,
      })),
    ),
  );
}

function page(): string {
  return [
    "# Errors",
    "Everything that this package refuses, in the words you see: search this page for yours. After `->` comes what to do. " +
      "`<name>` stands for a value.",
    "## Before anything is touched",
    "By `pulumi preview` and `pulumi up`, all problems of the program at once:",
    block([head()]),
    "Two bot tokens that come from other resources are compared once both are known:",
    block([head("found before this gateway was changed")]),
    "A host key that another resource creates is checked once it exists:",
    block([formatProblems([LATE_HOST_KEY], "found before this host was contacted").trimEnd()]),
    "An `integrity` that is added after the stack has locked that version:",
    block([
      formatProblems(
        [lockedToAnother("box", "2026.9.7", "sha512-…")],
        "found before any gateway was changed",
      ).trimEnd(),
    ]),
    ...before.flatMap((section) => [`### ${section.title}`, section.about, problemTable(section)]),
    "### The inspection itself, and a broken installation",
    failureTable(filesIn("components").flatMap(failuresIn)),
    "## On the host, while `pulumi up` runs",
    "Pulumi prints these below the resource that failed (`…-slot`, `…-lock`, `…-secrets`, `…-deployment`). A gateway that was " +
      "running keeps running, or runs again as before.",
    ...failureSections(ON_THE_HOST),
    "## On a Docker engine, while `pulumi up` runs",
    "Below `…-claim`, `…-secrets`, `…-check` and `…-health`. Until `…-container` is recreated, a gateway that was running " +
      "keeps running.",
    ...failureSections(ON_THE_ENGINE),
    "### Removing a gateway on another machine than the one that deployed it",
    block([/echo "(.*)" >&2/.exec(runAtDestroy("containers", "leave"))![1]!]),
    "### An `up` that was interrupted",
    "After ^C, Pulumi says this of each command that it was running:",
    block(["error: signal: killed: running …"]),
    "On a host, a change that had not finished is undone: the gateway runs as it did before. In a container it may have its new " +
      "configuration already. The next `up` does the rest; what `make` says:",
    block([AFTER_INTERRUPTION, AFTER_INTERRUPTED_DOWN]),
    "## From `make`",
    ...failureSections(OF_MAKE),
  ]
    .filter(Boolean)
    .join("\n\n");
}

it("docs/errors.md is current", () => expectCurrent("docs/errors.md", page()));

it("every refusal of docs/errors.md is under a heading", () => {
  const known = [ON_THE_HOST, ON_THE_ENGINE, OF_MAKE].flatMap(Object.values).flat();
  const files = ["cli", "deployer", "host", "inspect", "model", "ssh", "toolchain"]
    .flatMap(filesIn)
    .filter((path) => failuresIn(path).length);
  expect(
    files.filter((path) => !known.includes(path)),
    "give these files a heading in this test",
  ).toEqual([]);
});

it("no advice says merely to fix something", () => {
  const EMPTY =
    /(correct|fix|repair|adjust) (it|this|that|them)\b|set it right|right (value|file)|(^|[;,] )(add|check) it$/i;
  const advices = page()
    .split("\n")
    .filter((line) => line.startsWith("|"))
    .flatMap((line) =>
      line
        .split(/(?<!\\)\|/)
        .at(-2)!
        .split("<br>"),
    )
    .map((advice) => advice.replaceAll("`", "").trim());
  expect(advices.length).toBeGreaterThan(200);
  expect(advices.filter((advice) => EMPTY.test(advice))).toEqual([]);
});

/** Texts that are no part of a message. */
const NO_MESSAGE = [
  /^sh -s -- /,
  /^# Helping main/,
  /^\(no service was found: as it was started\)$/,
  /no main gateway was found beside it|^Looked for: |^If main is elsewhere|existingMain\.stateDir \/where/, // a warning
  /^this release of pulumi-openclaw was not tested with|^`config` is checked by OpenClaw itself/, // a warning
  /the host does not answer|so nothing on it was checked|of memory, but its gateways need about/, // warnings
  /deployed there$|the host is set up again, and gateways that are still running are replaced/, // a warning
  /^(not finished|no answer) within … s$/, // a part of them
  /^(sudo -u '#…' |env -u OPENCLAW_)/,
  /\.lan: whoever is on that network|^Add ….tls; or remove lan|can pose as (one of its users|somebody on)/, // warnings
  /any web page that somebody opens|^and command its agent|^Name the pages' own addresses/, // a warning
  /^Where that matters, (run the proxy|leave it out|name the address)/, // the same
  /^it is new$|: it will be recreated$/, // of a preview
  /^it (has not become healthy yet|is paused|has stopped \(…\)|is unhealthy|has left the network …)$|^its .* been changed$/, // the same
  /^found before anything else was changed$/, // the first line of all that are found then
  /is reached by nobody outside the container|answers inside the container only/, // warnings
  /is where a gateway on that machine has its workspace|^two bots would change the same files$/, // a warning
  /every run of the agent will fail|is not installed on the host|may not use \(usermod/, // a warning
  /nobody owns the|^its allowFrom names no person$|^it has no allowFrom,|^To own them: /, // notices of a preview
  /^echo "/, // the shell's, shown without it
  /^export LC_ALL=C|^readlink -f|^: No such file or directory$/, // the shell's, to be read here
];

it("every sentence of a rule appears in docs/errors.md", () => {
  const text = page();
  const rules = [
    ...filesIn("components"),
    ...[
      "model/conflict.ts",
      "inspect/existingGateway.ts",
      "inspect/accounts.ts",
      "inspect/units.ts",
      "model/addresses.ts",
      "model/needs.ts",
      "model/surroundings.ts",
      "deployer/docker/inventory.ts",
      "deployer/docker/mounts.ts",
    ],
  ];
  const missing = rules.flatMap((path) =>
    sentencesIn(path)
      .filter((sentence) => !NO_MESSAGE.some((pattern) => pattern.test(sentence.text)) && !sentence.pattern.test(text))
      .map((sentence) => `${path}: ${sentence.text}`),
  );
  expect(missing, "make these mistakes in test/docs/refusals.ts").toEqual([]);
});
