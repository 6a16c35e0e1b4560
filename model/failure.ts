/** An error for the user to solve: printed as it is, without a stack trace. */
export class Failure extends Error {
  override readonly name = "Failure";

  /** `what` went wrong, and what to do. */
  constructor(what: string, advice?: string) {
    super(withAdvice(what, advice));
  }
}

/** A message as all of ours are written: what is wrong and, below it, what to do. */
export const withAdvice = (what: string, advice?: string): string =>
  advice === undefined ? what : `${what}\n    -> ${advice}`;

/** What to do if part of the host's own setup is gone. A plain `up` sees no change and does nothing. */
export const SET_UP_AGAIN =
  "set the host up again: pulumi up --target-replace <URN of the target's …-program> (pulumi stack --show-urns)";

/** The message of anything that was thrown. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
