/** What the archives of a state directory look like: ordinary ones, except that the second holds only what has changed. */

/** First entry of an archive of changes. */
export const CHANGES_FILE = ".pulumi-openclaw-changes.json";
/** Before a file's name, with a number and a slash: the bytes from there on. */
export const TAILS = ".pulumi-openclaw-tails/";

export interface Changes {
  /** Paths that the first archive has, and that are gone. */
  readonly removed: readonly string[];
}

/** What was found in a state directory. */
export interface Contents {
  /** Size in bytes. */
  readonly files: readonly { readonly path: string; readonly size: number; readonly sha256: string }[];
  /** Schema versions. */
  readonly databases: Readonly<Record<string, number>>;
  /** What the account could not read, so that it is missing. */
  readonly unread: readonly string[];
}

/** In `WORK_DIR`: what is being unpacked, what is whole and takes the state's place, and what it has replaced. */
export const UNPACKING = "unpacking";
export const RESTORED = "restored";
export const FAILED = "replaced";
/** In `WORK_DIR`: a copy that a release is tried on. */
export const REHEARSAL = "rehearsal";
