/** Once before the tests on hosts of a lab. */
import { prepareLab, whyNoLab } from "./lab";

export async function setup(): Promise<void> {
  if (whyNoLab() === undefined) await prepareLab();
}
