import { resolveGateway, type ResolvedGateway } from "../../components/rules/resolve";
import type { HostLayout } from "../../host/layout";

export const layout: HostLayout = { root: "/home/claw", binDir: "/home/claw/bin", account: null };

/** A gateway from good arguments. */
export function resolved(label: string, args: Record<string, unknown>): ResolvedGateway {
  const input = Object.fromEntries(
    Object.entries({ version: "2026.9.6", ...args }).filter(([, value]) => value !== undefined),
  );
  const { gateway, problems } = resolveGateway(label, input, layout);
  if (!gateway || problems.length) throw new Error(`bad test arguments: ${JSON.stringify(problems)}`);
  return gateway;
}
