/** An error that is the user's to solve: printed as it is, without a stack. */
export class Failure extends Error {
  override readonly name = "Failure";
}

/** What to do where something of the host itself is gone. A plain `up` sees no change, and does nothing. */
export const SET_UP_AGAIN =
  "set the host up again: pulumi up --target-replace <URN of the target's …-program> (pulumi stack --show-urns)";

/** The message of anything that was thrown. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
