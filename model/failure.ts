/** An error for the user to solve: printed as it is, without a stack trace. */
export class Failure extends Error {
  override readonly name = "Failure";

  /** `what` went wrong, and what to do. */
  constructor(what: string, advice?: string) {
    super(advice === undefined ? what : withAdvice(what, advice));
  }
}

/** As every message of ours says what to do. */
export const withAdvice = (what: string, advice: string): string => `${what}\n    -> ${advice}`;

/** What to do if part of the host's own setup is gone. A plain `up` sees no change and does nothing. */
export const SET_UP_AGAIN =
  "set the host up again: pulumi up --target-replace <URN of the target's …-program> (pulumi stack --show-urns)";

/** The message of anything that was thrown. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
