/**
 * All gateways of one Pulumi program, and the gate before the first of them.
 *
 * Every rule is checked over the whole program before anything is registered: each of our resources waits for the gate,
 * even with `--skip-preview` and the Automation API. The gate checks one turn of the event loop after the last gateway
 * was declared. Gateways that a program declares later, after awaiting something slow, are checked against all earlier
 * ones when they are declared.
 */
import * as pulumi from "@pulumi/pulumi";
import type { Bot } from "./rules/config/bots";
import { checkIsolation } from "./rules/isolation";
import { formatProblems, type Problem } from "./rules/problems";
import type { ResolvedGateway } from "./rules/resolve";
import type { GatewayToCheck, Target } from "./targets/target";
import { knownNow } from "./outputs";
import { withAdvice } from "../model/failure";
import { plainLine } from "../model/plain";
import { formatPorts } from "../model/ports";
import { costInWords, type ExpectedChange } from "../model/reload";

/** How long after the error is thrown our waiting resources are rejected. */
const GIVE_UP_MS = 500;

/** The channel of the argument `telegram`. */
export const TELEGRAM = "telegram";

export interface DeclaredGateway {
  readonly name: string;
  readonly target: Target;
  readonly gateway: ResolvedGateway;
  readonly bots: readonly Bot[];
  readonly isRescue: boolean;
  /** What is not wrong, and yet worth knowing: a preview says it. */
  readonly notices: readonly string[];
}

/** A gateway that this program must keep clear of, and cannot change. */
export interface ExistingMain {
  readonly target: Target;
  /** As its files describe it; undefined if there is none. */
  readonly gateway?: ResolvedGateway;
  /** Secret. */
  readonly botTokens: readonly string[];
  readonly problems: readonly Problem[];
}

class Program {
  private readonly gateways: DeclaredGateway[] = [];
  private readonly existing: Promise<ExistingMain>[] = [];
  private readonly problems: Problem[] = [];
  private readonly warnings = new Set<string>();
  private readonly looks: { readonly target: Target; readonly look: () => readonly Problem[] }[] = [];
  private readonly unclear = new Set<Target>();
  private readonly seen: string[] = [];
  private readonly changes = new Map<GatewayToCheck, ExpectedChange>();
  /** How many of them a preview has shown. */
  private announced = 0;
  private looking: NodeJS.Immediate | undefined;
  private open: (() => void)[] = [];
  private giveUp: ((error: Error) => void)[] = [];

  report(problems: readonly Problem[]): void {
    this.problems.push(...problems);
  }

  /** Something that is no problem; said once, however many gateways it is about. */
  warn(text: string): void {
    const line = plainLine(text);
    if (!this.warnings.has(line)) void pulumi.log.warn(line);
    this.warnings.add(line);
  }

  /**
   * The arguments of this target are refused: its defaults may mean another place, with gateways and programs that nobody has
   * to do anything about. So it is not looked at, and nothing elsewhere is compared with what is there.
   */
  leaveAlone(target: Target): void {
    this.unclear.add(target);
  }

  /** Has a target's machine looked at, unless the target is left alone after all. */
  lookFor(target: Target, look: () => readonly Problem[]): void {
    this.looks.push({ target, look });
  }

  isLeftAlone(target: Target): boolean {
    return this.unclear.has(target);
  }

  /** What is not as it was left: said by every preview, before what would change. */
  notice(line: string): void {
    this.seen.push(plainLine(line));
  }

  /** What looking at its machine has shown: `undefined` if nothing of it would change. A preview says it. */
  expect(gateway: GatewayToCheck, change: ExpectedChange | undefined): void {
    if (change) this.changes.set(gateway, change);
  }

  declare(declared: DeclaredGateway): void {
    this.gateways.push(declared);
  }

  avoid(main: Promise<ExistingMain>): void {
    this.existing.push(main);
  }

  /** Resolves when the whole program is known to be valid. */
  passed(): Promise<void> {
    clearImmediate(this.looking);
    this.looking = setImmediate(() => void this.look());
    return new Promise((resolve, reject) => {
      this.open.push(resolve);
      this.giveUp.push(reject);
    });
  }

  /** Telegram bots of gateways declared before this one. */
  earlierBots(declared: DeclaredGateway): Bot[] {
    return this.gateways
      .slice(0, this.gateways.indexOf(declared))
      .flatMap(({ bots }) => bots.filter(({ channel }) => channel === TELEGRAM));
  }

  /** Gateways beside this program whose Telegram bot has this token. */
  async botsOfExisting(token: string | undefined): Promise<string[]> {
    return (await Promise.all(this.existing))
      .filter(({ botTokens }) => token !== undefined && botTokens.includes(token))
      .map(({ gateway }) => `the bot of ${gateway!.label}`);
  }

  private async look(): Promise<void> {
    const { open, giveUp } = this;
    this.open = [];
    this.giveUp = [];
    const problems = await this.allProblems().catch((error: Error): Error => error);
    if (problems instanceof Error)
      endProgram(
        new pulumi.RunError(
          withAdvice(
            `OpenClaw: cannot inspect this machine; nothing was changed: ${problems.message}`,
            "let this user read what is named there, or run pulumi as a user who can",
          ),
        ),
        giveUp,
      );
    else if (problems.length) endProgram(new pulumi.RunError(formatProblems(problems)), giveUp);
    else {
      if (pulumi.runtime.isDryRun()) this.announce();
      open.forEach((resolve) => resolve());
    }
  }

  /** Pulumi counts resources; people count gateways. */
  private announce(): void {
    const news = this.gateways.slice(this.announced);
    this.announced = this.gateways.length;
    const changes = news.flatMap((each) => {
      const change = this.changes.get(each);
      return change ? [plainLine(`${each.gateway.label}: ${costInWords(change, each.gateway.version)}`)] : [];
    });
    for (const line of [
      ...inShort(news),
      ...this.seen.splice(0),
      ...changes,
      ...news.flatMap(({ notices }) => notices),
    ])
      void pulumi.log.info(line);
  }

  private async allProblems(): Promise<Problem[]> {
    const machineOf = ({ target }: { target: Target }): unknown => (this.unclear.has(target) ? target : target.machine);
    const machines = new Set(this.gateways.map(machineOf));
    const existing = await Promise.all(this.existing);
    const isolation = [...machines].flatMap((machine) => {
      const here = (each: { target: Target }): boolean => machineOf(each) === machine;
      const notOurs = existing.filter(here).flatMap(({ gateway }) => gateway ?? []);
      return checkIsolation(
        this.gateways.filter(here).map(({ gateway }) => gateway),
        notOurs,
      );
    });
    const targets = [...new Set(this.gateways.map(({ target }) => target))].filter((each) => !this.unclear.has(each));
    const namesakes = this.gateways.filter(({ name, target }, index) =>
      this.gateways.slice(0, index).some((other) => other.name === name && other.target.machine === target.machine),
    );
    const obstacles = await Promise.all(
      targets.map((target) =>
        conflictsOn(
          target,
          this.gateways.filter((each) => each.target === target),
        ),
      ),
    );
    return [
      ...this.problems, // including those that inspecting the targets added
      ...this.looks.filter(({ target }) => !this.unclear.has(target)).flatMap(({ look }) => look()),
      ...existing.flatMap(({ problems }) => problems),
      ...isolation,
      ...namesakes.map(namesake),
      ...obstacles.flat(),
      ...(await this.sharedBots()),
    ];
  }

  /** Tokens that come from other resources are compared when they are known. */
  private async sharedBots(): Promise<Problem[]> {
    const all = this.gateways.flatMap((gateway) => gateway.bots.map((bot) => ({ gateway, bot })));
    const known = await Promise.all(
      all.map(async ({ gateway, bot }) => ({ gateway, bot, token: (await knownNow(bot.token))?.trim() })),
    );
    const problems = known.map(async ({ gateway, bot, token }, index) => {
      const earlier = known
        .slice(0, index)
        .find((each) => each.gateway !== gateway && each.bot.channel === bot.channel && each.token === token);
      if (token === undefined || token === "") return [];
      const outside = bot.channel === TELEGRAM ? await this.botsOfExisting(token) : [];
      const [other] = earlier ? [earlier.bot.path] : outside;
      return other === undefined ? [] : [sharedBotProblem(bot, other)];
    });
    return (await Promise.all(problems)).flat();
  }
}

/** What a program runs: one line for each machine. */
export function inShort(gateways: readonly DeclaredGateway[]): string[] {
  return [...new Set(gateways.map(({ target }) => target.machine))].map((machine) => {
    const here = gateways.filter(({ target }) => target.machine === machine);
    const count = here.length === 1 ? "1 gateway" : `${here.length} gateways`;
    const each = here.map(({ name, gateway: { portRange } }) => `${name}, ${formatPorts(portRange)}`);
    return plainLine(`${count} on ${machine}: ${each.join("; ")}`);
  });
}

/**
 * Ends the program with one clean message. A rejection would be wrapped and shown with a stack trace, so it is thrown
 * where nothing catches it. An inline program of the Automation API would go on waiting for its resources, so these are
 * rejected as well; the timer for that does not keep a normal program alive.
 */
function endProgram(error: Error, giveUp: readonly ((error: Error) => void)[]): void {
  // Once the program's own code has ended, the SDK prints the stack of a RunError too, where there is one.
  if (pulumi.RunError.isInstance(error)) error.stack = "";
  setTimeout(() => giveUp.forEach((reject) => reject(error)), GIVE_UP_MS).unref();
  setImmediate(() => {
    throw error;
  });
}

function sharedBotProblem({ path, channel }: Bot, other: string): Problem {
  return {
    path,
    reason: `is the same bot as ${other}: each gateway would steal the other's messages`,
    advice:
      channel === TELEGRAM
        ? "create a second bot with @BotFather and use its token"
        : `create a second bot in ${channel}, and use its token`,
  };
}

/** Pulumi allows this under different parents; on a host, one would replace the other, as after a change of profile. */
const namesake = ({ name, gateway }: DeclaredGateway): Problem => ({
  path: gateway.label,
  reason: `the name "${name}" is already used by another gateway on this machine`,
  advice: "give each gateway in a stack its own name",
});

/** Ends the program over problems known only after resources were created. `found`: when they were found. */
export function refuse(problems: readonly Problem[], found: string): Promise<never> {
  const error = new pulumi.RunError(formatProblems(problems, found));
  return new Promise<never>((_, reject) => endProgram(error, [reject]));
}

/** The token of a gateway's Telegram bot as a secret that is compared with those of earlier gateways before it is used. */
export function checkedBotToken(declared: DeclaredGateway, bot: Bot): pulumi.Output<string> {
  const program = currentProgram();
  const others = program.earlierBots(declared);
  const tokens = pulumi.all([bot.token, ...others.map(({ token }) => token)]);
  return pulumi.secret(
    tokens.apply(async ([mine, ...theirs]) => {
      const index = theirs.findIndex((each) => each.trim() === mine!.trim());
      const other = index < 0 ? (await program.botsOfExisting(mine))[0] : others[index]!.path;
      if (other === undefined) return mine!;
      return refuse([sharedBotProblem(bot, other)], "found before this gateway was changed");
    }),
  );
}

async function conflictsOn(target: Target, gateways: readonly DeclaredGateway[]): Promise<Problem[]> {
  const obstacles = await target.findConflicts(gateways);
  return gateways.flatMap(({ gateway }, index) =>
    obstacles[index]!.map(({ property, reason, advice }) => ({
      path: `${gateway.label}.${property}`,
      reason,
      advice,
    })),
  );
}

/** One program for each stack: the Automation API runs several in one process. */
const programs = new WeakMap<object, Program>();
const noStack = {};

export function currentProgram(): Program {
  const stack = pulumi.runtime.getStackResource() ?? noStack;
  let program = programs.get(stack);
  if (!program) programs.set(stack, (program = new Program()));
  return program;
}

/** Resource options that also wait for the gate. */
export function afterPreflight(opts: pulumi.ComponentResourceOptions | undefined): pulumi.ComponentResourceOptions {
  const dependsOn = currentProgram()
    .passed()
    .then(() => opts?.dependsOn ?? []);
  return { ...opts, dependsOn: dependsOn as pulumi.Input<pulumi.Input<pulumi.Resource>[]> };
}
