/** Gateways of which somebody has removed something on their host: our own directory, or their state. */
import * as pulumi from "@pulumi/pulumi";
import { plainLine } from "../../model/plain";

/** What the look has found of them, for this `up` to make anew. */
export class Losses {
  private found: readonly string[] = [];

  constructor(
    private readonly host: string,
    private readonly manage: string,
  ) {}

  note(gateways: readonly string[]): void {
    this.found = gateways;
    if (!gateways.length) return;
    const lost = `${gateways.join(" and ")} ${gateways.length > 1 ? "are" : "is"} deployed there`;
    void pulumi.log.warn(
      plainLine(
        `${this.host}: ${lost}, and what ${this.manage} knew of it, or a state directory, is gone: the host is set up again, and what runs on is replaced, one gateway after the other; what data is left stays`,
      ),
    );
  }

  get reason(): string | undefined {
    return this.found.length ? `lost ${this.found.join(" ")} ${new Date().toISOString()}` : undefined;
  }
}
