/** Outlives the process that has the lab, and removes what that leaves when it is killed. Its input ends with that process. */
import { LabIsTaken, releaseLock, takeLock } from "./lock";
import { sweep } from "./sweep";

process.stdin.resume().on("end", () => void clean());

async function clean(): Promise<void> {
  try {
    const lock = await takeLock();
    await sweep();
    await releaseLock(lock);
  } catch (error) {
    if (!(error instanceof LabIsTaken)) throw error; // by the next lab, which has swept
  }
}
