/** For tests on the real engine that each have a stack of their own, and a directory that goes with it. */
import { rmSync } from "node:fs";
import { afterEach, beforeEach } from "vitest";
import { TestStack } from "./engine";
import { temporaryRoot } from "./hosts";

export interface OwnStack {
  readonly root: string;
  /** Makes the stack of a program; default: the root stack's. */
  create(program?: string): Promise<TestStack>;
}

export function ownStack(): OwnStack {
  let root = "";
  let stack: TestStack | undefined;
  beforeEach(() => void (root = temporaryRoot()));
  afterEach(async () => {
    await stack?.dispose();
    stack = undefined;
    rmSync(root, { recursive: true, force: true });
  });
  return {
    get root() {
      return root;
    },
    create: async (program) => (stack = await TestStack.create(program)),
  };
}
