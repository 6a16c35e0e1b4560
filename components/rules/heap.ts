import type { Conflict } from "../../model/conflict";
import { adaptiveHeap } from "../../model/heap";

/** A limit that a gateway could never reach is none. `place`: what has that much memory, in MiB. */
export function heapConflicts(heap: number | undefined, place: string, memory: number): Conflict[] {
  if (heap === undefined || heap < memory) return [];
  return [
    {
      property: "maxOldSpaceSize",
      reason: `is not less than the memory of its ${place}, ${Math.floor(memory)} MiB: memory would run out before the heap is full`,
      advice: `use ${adaptiveHeap(memory)} or less, or give the ${place} more memory`,
    },
  ];
}
