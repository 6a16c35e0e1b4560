/** Gateways that have lost something on their host: our own directory, or their state. */
import { currentProgram } from "../preflight";

/** The lost gateways that were found, for this `up` to restore. */
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
    currentProgram().warn(
      `${this.host}: ${lost}, but what ${this.manage} recorded, or a state directory, is gone: the host is set up again, and gateways that are still running are replaced one after the other; remaining data is kept`,
    );
  }

  get reason(): string | undefined {
    return this.found.length ? `lost ${this.found.join(" ")} ${new Date().toISOString()}` : undefined;
  }
}
