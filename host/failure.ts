/** An error that is the user's to solve: printed as it is, without a stack. */
export class Failure extends Error {
  override readonly name = "Failure";
}

/** The message of anything that was thrown. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
