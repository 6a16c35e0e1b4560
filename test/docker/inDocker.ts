import { describe } from "vitest";
import { whyNoDocker } from "./dockerd";

/** Tests that need a Docker engine; where there can be none their title says why they are skipped. */
export function inDocker(title: string, rows: () => void): void {
  const why = whyNoDocker();
  describe.skipIf(why)(why === undefined ? title : `${title} (skipped: ${why})`, rows);
}
