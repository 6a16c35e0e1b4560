/** Turns host keys of any format, e.g. from `ssh-keyscan`, into the line that the command plugin compares. Pure. */

/** In order of preference. The plugin asks a host for just this kind; for RSA, only with SHA-1, which hosts refuse. */
const KINDS = ["ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"];

export type HostKey = { readonly line: string } | { readonly reason: string };

/** How to get a host key that can be trusted. */
export const HOW_TO_GET =
  "get it on the host itself, e.g. on its console: cat /etc/ssh/ssh_host_ed25519_key.pub; or fetch it remotely and compare it with the key on the host: " +
  "ssh-keyscan -t ed25519 HOST";

/** The best key of a text: an authorized_keys or known_hosts line, or everything that `ssh-keyscan` prints. */
export function parseHostKey(text: string): HostKey {
  const keys = text.split("\n").flatMap((line) => keyIn(line) ?? []);
  for (const kind of KINDS) {
    const key = keys.find((each) => each.kind === kind);
    if (key) return { line: `${key.kind} ${key.base64}` };
  }
  if (keys.length)
    return { reason: `is of a type that cannot be checked (${keys[0]!.kind}); the host's ed25519 key can be` };
  if (/^\s*(SHA256|MD5):/.test(text)) return { reason: "is a fingerprint; the whole public key is needed" };
  return { reason: "is not a public key, e.g. ssh-ed25519 AAAAC3…" };
}

function keyIn(line: string): { kind: string; base64: string } | undefined {
  if (/^\s*(#|@)/.test(line)) return undefined;
  const fields = line.trim().split(/\s+/);
  const index = fields.findIndex((field) => /^(ssh|ecdsa|sk)-/.test(field));
  const [kind, base64] = index < 0 ? [] : fields.slice(index);
  if (kind === undefined || base64 === undefined) return undefined;
  // The key data repeats the type of the key.
  const bytes = Buffer.from(base64, "base64");
  const inside = bytes.length > 4 ? bytes.subarray(4, 4 + bytes.readUInt32BE(0)).toString("latin1") : "";
  return inside === kind ? { kind, base64 } : undefined;
}
