/** Where systemd finds units that people or programs put there. */
import { join } from "node:path";

export interface UnitDirectory {
  readonly path: string;
  /** Its units are started by a user's own systemd. */
  readonly isOfUsers: boolean;
}

/** `home`: of the user whose units count. */
export const unitDirectories = (home: string): readonly UnitDirectory[] => [
  { path: join(home, ".config/systemd/user"), isOfUsers: true },
  { path: "/etc/systemd/user", isOfUsers: true },
  { path: "/etc/systemd/system", isOfUsers: false },
];
