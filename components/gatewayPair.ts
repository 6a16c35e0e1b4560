import * as pulumi from "@pulumi/pulumi";
import * as z from "zod";
import { gatewayId } from "../model/hostLayout";
import type { GatewayPairArgs, MainGatewayArgs, Own } from "./arguments";
import { argumentsOf, MainGateway, RescueGateway, RESCUE_PROFILE } from "./gateway";
import { afterPreflight, currentProgram } from "./preflight";
import { problemsOf } from "./rules/problems";
import type { Target } from "./targets/target";

const pairSchema = z.strictObject({
  target: z.unknown(),
  version: z.unknown(),
  main: z.object({}, { error: "must be an object of gateway arguments" }).optional(),
  rescue: z.object({}, { error: "must be an object of gateway arguments" }).optional(),
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
    const given = argumentsOf(name, args);
    const parsed = pairSchema.safeParse(given);
    if (!parsed.success) currentProgram().report(problemsOf(parsed.error, pairSchema, name, given));
    const ownOr = <T extends Own<MainGatewayArgs>>(own: T | undefined) => ({
      ...(asObject(own) as T),
      target: own?.target ?? given.target,
      version: own?.version ?? given.version,
    });
    const [main, rescue] = [ownOr(given.main), ownOr(given.rescue)];
    const names = { main: `${name}-main`, rescue: `${name}-rescue` };
    const goesFirst = currentProgram()
      .passed()
      .then(() => firstToChange(main.target?.found?.(names.main), rescue.target?.found?.(names.rescue)))
      .catch(() => undefined); // then the program ends
    this.main = new MainGateway(
      names.main,
      main,
      { parent: this },
      {
        label: `${name}.main`,
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
        partner: {
          id: gatewayId(given.main?.profile ?? "default"),
          name: names.main,
          target: main.target,
          changesFirst: goesFirst.then((first) => (first === "main" ? this.main.deployment : undefined)),
        },
      },
    );
    this.registerOutputs({ main: this.main.url, rescue: this.rescue.url });
  }
}

type Found = ReturnType<NonNullable<Target["found"]>>;

/**
 * Without a host program, nothing else keeps both from being changed at once. Rescue goes first, unless main is
 * the one that needs help; if neither exists yet, both may come up at once.
 */
export function firstToChange(main: Found, rescue: Found): "main" | "rescue" | undefined {
  if (main === "nothing" && rescue === "nothing") return undefined;
  return main === "down" ? "main" : "rescue";
}

const asObject = <T>(value: T | undefined): Partial<T> => (typeof value === "object" ? value! : {});
