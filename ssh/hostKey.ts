/** Public keys of hosts, of Ed25519 or ECDSA. Pure. */

export interface HostKey {
  readonly type: string;
  readonly blob: Buffer;
}

/** How to get a host key that can be trusted. */
export const HOW_TO_GET =
  "get it on the host itself, e.g. on its console: cat /etc/ssh/ssh_host_ed25519_key.pub; or fetch it remotely and compare it with the key on the host: " +
  "ssh-keyscan -t ed25519 HOST";

/**
 * The best key of a text, which may be an authorized_keys or known_hosts line or everything that `ssh-keyscan` prints:
 * as the line that a login compares, or why there is none.
 */
export function chooseHostKey(text: string): { readonly line: string } | { readonly reason: string } {
  const keys = text.split("\n").flatMap((line) => keyIn(line) ?? []);
  for (const type of FIELDS.keys()) {
    const key = keys.find((each) => each.type === type);
    if (key && typeof readKey(key.base64) === "string") return { reason: "is cut off: the whole public key is needed" };
    if (key) return { line: `${key.type} ${key.base64}` };
  }
  if (keys.length)
    return { reason: `is of a type that cannot be checked (${keys[0]!.type}); the host's ed25519 key can be` };
  if (/^\s*(SHA256|MD5):/.test(text)) return { reason: "is a fingerprint; the whole public key is needed" };
  return { reason: "is not a public key, e.g. ssh-ed25519 AAAAC3…" };
}

function keyIn(line: string): { type: string; base64: string } | undefined {
  if (/^\s*(#|@)/.test(line)) return undefined;
  const fields = line.trim().split(/\s+/);
  const index = fields.findIndex((field) => /^(ssh|ecdsa|sk)-/.test(field));
  const [type, base64] = index < 0 ? [] : fields.slice(index);
  if (type === undefined || base64 === undefined) return undefined;
  // The key data repeats the type of the key.
  const bytes = Buffer.from(base64, "base64");
  const inside = bytes.length > 4 ? bytes.subarray(4, 4 + bytes.readUInt32BE(0)).toString("latin1") : "";
  return inside === type ? { type, base64 } : undefined;
}

/** Of a line as ssh-keygen writes it. The first word does not count: the key says itself of what type it is. Nor does what follows the key. */
export function parseHostKey(text: string): HostKey {
  const [, base64] = text.trim().split(/\s+/);
  const key = base64 === undefined ? "" : readKey(base64);
  if (typeof key !== "string") return key;
  const why = key && `; last parsing error for ignored line: ${key}`;
  throw new Error(`failed to parse host key: ssh: no key found${why}`);
}

/** The key, or why there is none. */
function readKey(base64: string): HostKey | string {
  const bad = illegalAt(base64);
  if (bad >= 0) return `illegal base64 data at input byte ${bad}`;
  const blob = Buffer.from(base64, "base64");
  const fields = readFields(blob);
  if (!fields) return "ssh: short read";
  const type = fields.texts[0]?.toString() ?? "";
  const count = FIELDS.get(type);
  if (count === undefined) return `ssh: unknown key algorithm: ${type}`;
  if (fields.texts.length < count) return "ssh: short read";
  return fields.texts.length > count || fields.rest ? "ssh: trailing junk in public key" : { type, blob };
}

/**
 * How many fields a key has, its type included; in order of preference. The plugin asks a host for just this type; for
 * RSA, only with SHA-1, which hosts refuse.
 */
const FIELDS: ReadonlyMap<string, number> = new Map([
  ["ssh-ed25519", 2],
  ["ecdsa-sha2-nistp256", 3],
  ["ecdsa-sha2-nistp384", 3],
  ["ecdsa-sha2-nistp521", 3],
]);

function illegalAt(base64: string): number {
  const bad = base64.search(/[^A-Za-z0-9+/=]/);
  if (bad >= 0) return bad;
  const [, letters = "", padding = ""] = /^([^=]*)(.*)$/.exec(base64)!;
  const wanted = (4 - (letters.length % 4)) % 4;
  if (padding.length === wanted && wanted < 3) return -1;
  return padding ? letters.length : base64.length - (letters.length % 4);
}

/** What is cut off in the middle of the first field, or of any but a last one, is no key. */
function readFields(blob: Buffer): { texts: Buffer[]; rest: boolean } | undefined {
  const texts: Buffer[] = [];
  let at = 0;
  while (at + 4 <= blob.length) {
    const end = at + 4 + blob.readUInt32BE(at);
    if (end > blob.length)
      return texts.length && texts.length >= (FIELDS.get(texts[0]!.toString()) ?? Infinity)
        ? { texts, rest: true }
        : undefined;
    texts.push(blob.subarray(at + 4, end));
    at = end;
  }
  return texts.length ? { texts, rest: at < blob.length } : undefined;
}
