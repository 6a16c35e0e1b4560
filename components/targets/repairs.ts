/** Gateways that are not as they were left, and why, for this `up` to put right. */
import type * as pulumi from "@pulumi/pulumi";
import { stableValue } from "../outputs";

export class Repairs {
  private readonly found = new Map<string, { readonly reason: string; readonly isDown: boolean }>();

  /** `name`: of the gateway's resource. `isDown`: it does not answer. */
  note(name: string, reason: string, isDown: boolean): void {
    this.found.set(name, { reason, isDown });
  }

  isDown(name: string): boolean {
    return this.found.get(name)?.isDown === true;
  }

  /** Changes when something was noted, and says what. `first`: until then. */
  reasonFor(name: string, suffix: string, first: string, opts: pulumi.CustomResourceOptions): pulumi.Output<string> {
    const renewed = (): string | undefined => {
      const found = this.found.get(name);
      return found && `${found.reason}, ${new Date().toISOString()}`;
    };
    return stableValue(`${name}-repair${suffix}`, first, opts, renewed);
  }
}
