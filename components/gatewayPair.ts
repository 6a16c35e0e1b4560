import * as pulumi from "@pulumi/pulumi";
import * as z from "zod";
import { gatewayId } from "../model/hostLayout";
import type { GatewayPairArgs, MainGatewayArgs, Own, RescueGatewayArgs } from "./arguments";
import { MainGateway, RescueGateway, RESCUE_PROFILE } from "./gateway";
import { GATEWAY_EXAMPLE, isArguments, notArguments, notTarget } from "./given";
import { afterPreflight, currentProgram } from "./preflight";
import { problemsOf } from "./rules/problems";
import { isOfThisCopy, type Target } from "./targets/target";

const own = z.custom(isArguments, {
  error: "must be an object of gateway arguments",
  params: { advice: 'write it like { telegram: { botToken, allowFrom: ["4242"] } }, or leave it out' },
});

const pairSchema = z.strictObject({
  target: z.unknown(),
  version: z.unknown(),
  main: own.optional(),
  rescue: own.optional(),
});

/**
 * A main gateway and a rescue gateway: the setup that the "Multiple gateways" page recommends.
 * Created side by side, changed one after the other: a healthy one is never taken down unless the other is healthy.
 * On two targets, e.g. two hosts, and on a Docker engine, rescue is created and changed first, and main only if that
 * succeeded; a main gateway that is found to be down goes before rescue.
 *
 * @example
 * const pair = new GatewayPair("claw", { target: here, version: "2026.9.6" });
 */
export class GatewayPair extends pulumi.ComponentResource {
  /** The main gateway, with all its outputs. */
  readonly main: MainGateway;
  /** The rescue gateway, with all its outputs. */
  readonly rescue: RescueGateway;

  constructor(name: string, args: GatewayPairArgs, opts?: pulumi.ComponentResourceOptions) {
    super("openclaw:index:GatewayPair", name, {}, afterPreflight(opts));
    const { given, refused } = argumentsOfPair(name, args);
    const ownOr = <T extends Own<MainGatewayArgs>>(own: Partial<T> | undefined) => ({
      ...(isArguments(own) ? own : undefined),
      target: own?.target === undefined ? given.target : own.target,
      version: own?.version === undefined ? given.version : own.version,
    });
    const [main, rescue] = [ownOr<Own<MainGatewayArgs>>(given.main), ownOr<Own<RescueGatewayArgs>>(given.rescue)];
    const names = { main: `${name}-main`, rescue: `${name}-rescue` };
    const found = (target: Target, each: string): FoundFacts =>
      isOfThisCopy(target) ? target.found?.(each) : undefined;
    const goesFirst = currentProgram()
      .passed()
      .then(() => firstToChange(found(main.target, names.main), found(rescue.target, names.rescue)))
      .catch(() => undefined); // then the program ends
    this.main = new MainGateway(
      names.main,
      main,
      { parent: this },
      {
        label: `${name}.main`,
        isRefused: refused.main,
        partner: {
          id: gatewayId(given.rescue?.profile ?? RESCUE_PROFILE),
          name: names.rescue,
          target: rescue.target,
          changesFirst: goesFirst.then((first) => (first === "rescue" ? this.rescue.deployment : undefined)),
        },
      },
    );
    this.rescue = new RescueGateway(
      names.rescue,
      rescue,
      // A rescue gateway that was on its own becomes the pair's without a restart.
      { parent: this, aliases: [{ parent: pulumi.rootStackResource }] },
      {
        label: `${name}.rescue`,
        isRefused: refused.rescue,
        partner: {
          id: gatewayId(given.main?.profile ?? "default"),
          name: names.main,
          target: main.target,
          provesVersion: main.version,
          changesFirst: goesFirst.then((first) => (first === "main" ? this.main.deployment : undefined)),
        },
      },
    );
    this.registerOutputs({ main: this.main.url, rescue: this.rescue.url });
  }
}

type FoundFacts = ReturnType<NonNullable<Target["found"]>>;

/**
 * Without a host program, nothing else keeps both from being changed at once. Rescue goes first, unless main is
 * the one that needs help; if neither exists yet, both may come up at once.
 */
export function firstToChange(main: FoundFacts, rescue: FoundFacts): "main" | "rescue" | undefined {
  if (main === "nothing" && rescue === "nothing") return undefined;
  return main === "down" ? "main" : "rescue";
}

interface OfPair {
  readonly given: GatewayPairArgs;
  /** Of which nothing more is said. */
  readonly refused: Readonly<Record<"main" | "rescue", boolean>>;
}

/** A pair's arguments. What is wrong with them as a whole is reported here, and once. */
function argumentsOfPair(name: string, args: GatewayPairArgs): OfPair {
  const program = currentProgram();
  if (!isArguments(args)) {
    program.report([notArguments(name, args, GATEWAY_EXAMPLE)]);
    return { given: {} as GatewayPairArgs, refused: { main: true, rescue: true } };
  }
  const parsed = pairSchema.safeParse(args);
  if (!parsed.success) program.report(problemsOf(parsed.error, pairSchema, name, args));
  const isNone = (own: unknown): boolean => own !== undefined && !isArguments(own);
  const usesOurs = (own: Own<MainGatewayArgs> | undefined): boolean => !isNone(own) && own?.target === undefined;
  const wrong = usesOurs(args.main) || usesOurs(args.rescue) ? notTarget(`${name}.target`, args.target) : undefined;
  if (wrong) program.report([wrong]);
  const isRefused = (own: Own<MainGatewayArgs> | undefined): boolean =>
    isNone(own) || (wrong !== undefined && usesOurs(own));
  return { given: args, refused: { main: isRefused(args.main), rescue: isRefused(args.rescue) } };
}
