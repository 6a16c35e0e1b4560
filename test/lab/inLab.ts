import { describe } from "vitest";
import { whyNoLab } from "./lab";

/** Tests that need a lab; where there can be none their title says why they are skipped. */
export function inLab(title: string, rows: () => void): void {
  const why = whyNoLab();
  describe.skipIf(why)(why === undefined ? title : `${title} (skipped: ${why})`, rows);
}
