/** What comes of asking a host. */
import type { UnusableInput } from "./login";

/** What the host said, why it said nothing, or why it refused the login. */
export type HostAnswer = { readonly output: string; readonly errors: string } | { readonly silence: string } | Refusal;
export type Refusal = { readonly at: "host" | "proxy" } & (
  | { readonly shownKey: string }
  | { readonly isMute: true }
  | { readonly keyTypes: readonly string[] }
  | { readonly user: string; readonly tried: readonly string[]; readonly possible: readonly string[] }
  | {
      readonly unusable: UnusableInput;
      /** Contains no part of a key. */
      readonly because: string;
    }
);
