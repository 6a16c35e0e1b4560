/**
 * The first thing that a verb does to the machine goes wrong, then the second, and so on, until a run ends without reaching
 * its point. Each time: what is there right after it, and after the next deployment. SQLite is tested like this.
 */
import { afterEach, beforeEach, expect, it } from "vitest";
import { isSoak } from "../support/soak";
import { ok, type Outcome } from "../support/hosts";
import { CrashHost, isClear, type Mode } from "./crashes";

/** What a verb is tried with. A turn is one point; gateways of two turns in a row are different ones. */
export interface Scenario {
  readonly verb: string;
  /** Tells two of one verb apart. */
  readonly of?: string;
  /** Fewer points than these were not all: where it is killed, where the disk is full, where it is broken. */
  readonly floor: Floor;
  /** Every how manieth point is tried, an odd number; from another one on each day. `make soak` tries all. Missing: 3. */
  readonly stride?: number;
  /** A gateway ran before, and runs again after whatever fails. */
  readonly runs?: true;
  /** Once, before all. */
  begin?(crash: CrashHost): Promise<void>;
  /** Before each point. */
  before?(crash: CrashHost, turn: number): Promise<void>;
  act(crash: CrashHost, turn: number): Promise<Outcome>;
  /** The next deployment. */
  again(crash: CrashHost, turn: number): Promise<Outcome>;
  /** What is wrong after it. */
  faults?(crash: CrashHost, turn: number): Promise<string[]>;
  /** After each point. */
  after?(crash: CrashHost): Promise<void>;
  /** Once, after all. */
  end?(crash: CrashHost): Promise<void>;
}

export type Floor = readonly [kill: number, full: number, broken: number];

const DAY_MS = 86_400_000;
/** All of them take half an hour of two processors. */
const STRIDE = 3;

const FLOOR_OF: Readonly<Record<Mode, number>> = { kill: 0, ENOSPC: 1, full: 1, EIO: 2 };

class Points {
  private readonly shapes = new Map<number, readonly string[]>();

  constructor(
    private readonly crash: CrashHost,
    private readonly mode: Mode,
    private readonly scenario: Scenario,
  ) {}

  /** Without anything that goes wrong: how it is to be afterwards. */
  async begin(first: number): Promise<void> {
    await this.scenario.begin?.(this.crash);
    // The last one is another gateway than the first point's.
    for (const turn of first % 2 ? [1, 2] : [1, 2, 1]) await this.calm(turn);
  }

  private async calm(turn: number): Promise<void> {
    await this.scenario.before?.(this.crash, turn);
    ok(await this.scenario.act(this.crash, turn));
    ok(await this.scenario.again(this.crash, turn));
    this.shapes.set(turn % 2, this.crash.shape());
    await this.scenario.after?.(this.crash);
  }

  /** What was hit, and what was wrong then; `undefined` where the run did not reach its point. */
  async at(turn: number): Promise<{ readonly hit: string; readonly faults: string[] } | undefined> {
    const { scenario, crash, mode } = this;
    await scenario.before?.(crash, turn);
    const { outcome, hit } = await crash.crash({ verb: scenario.verb, mode, at: turn }, () =>
      scenario.act(crash, turn),
    );
    if (hit === undefined) return void ok(outcome);
    const faults = [...(await this.atOnce(outcome, hit)), ...(await this.afterNext(turn))];
    await scenario.after?.(crash);
    if (faults.length) await this.calm(turn);
    return { hit, faults };
  }

  private async atOnce(outcome: Outcome, hit: string): Promise<string[]> {
    const { runs } = this.scenario;
    const torn = runs ? this.crash.torn() : [];
    if (this.mode === "kill") return torn;
    const fails = outcome.code !== 0;
    return [
      ...torn,
      ...(fails && !isClear(outcome) ? [`is not clear: ${outcome.stderr}`] : []),
      ...(fails && this.mode !== "full" && ONLY_TOLD.test(hit) ? [`fails for nothing: ${outcome.stderr}`] : []),
      ...(!runs || (await this.crash.comesUp()) ? [] : [`is left down: ${outcome.stderr}`]),
    ];
  }

  private async afterNext(turn: number): Promise<string[]> {
    const { scenario, crash } = this;
    const { code, stderr } = await scenario.again(crash, turn);
    if (code !== 0) return [`does not converge: ${stderr}`];
    return [...((await scenario.faults?.(crash, turn)) ?? []), ...crash.left(this.shapes.get(turn % 2)!)];
  }
}

/** What says how it goes, and what cleans up: no change fails for it. */
const ONLY_TOLD = /progress\.log|result\.json|^\d+ rmSync \S+\/(jobs|secrets|generations)\/[^./]+( |$)/;

/** One row for each verb. */
export function everyPoint(mode: Mode, scenarios: readonly Scenario[], port: number): void {
  let crash: CrashHost;
  beforeEach(() => void (crash = new CrashHost(port)));
  afterEach(() => crash.dispose());

  it.each(scenarios.map((scenario) => [nameOf(scenario), scenario] as const))(`${mode}: %s`, async (name, scenario) => {
    const points = new Points(crash, mode, scenario);
    const stride = isSoak ? 1 : (scenario.stride ?? STRIDE);
    const first = 1 + (Math.floor(Date.now() / DAY_MS) % stride);
    await points.begin(first);
    const started = Date.now();
    const faults: string[] = [];
    let turn = first;
    for (let found; (found = await points.at(turn)); turn += stride)
      for (const fault of found.faults) faults.push(`${found.hit}\n    ${fault.replaceAll(crash.host.root, "")}`);
    await scenario.end?.(crash);
    const took = (Date.now() - started) / 1000;
    const which = stride > 1 ? ` (every ${stride}th from the ${first}th on; all in make soak)` : "";
    console.log(`${mode}: ${name}: ${turn - 1} points${which}, ${took.toFixed(1)} s`);
    expect(faults.join("\n")).toBe("");
    expect(turn - 1).toBeGreaterThanOrEqual(scenario.floor[FLOOR_OF[mode]]!);
  });
}

const nameOf = ({ verb, of }: Scenario): string => [verb, ...(of === undefined ? [] : [of])].join(" ");
