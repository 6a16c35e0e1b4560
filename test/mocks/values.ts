/** What programs under mocks and their tests share. */

/** Marks a secret value in a resource's inputs. Source: Pulumi's SDK. */
export const SECRET = "4dabf18193072939515e22adb298388d";

/** A host's public key of the right form, that belongs to no host. */
export const HOST_KEY = `ssh-ed25519 ${Buffer.concat([Buffer.from("\0\0\0\x0bssh-ed25519\0\0\0 "), Buffer.alloc(32)]).toString("base64")}`;
