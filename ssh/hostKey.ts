/** A host's key as the inputs name it: a line as ssh-keygen writes it, of Ed25519 or ECDSA. */

export interface HostKey {
  readonly type: string;
  readonly blob: Buffer;
}

/** The first word does not count: the key says itself of what type it is. Nor does what follows the key. */
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

/** How many fields a key has, its type included. */
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
