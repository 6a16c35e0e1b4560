/** Private keys in all formats that the official plugin reads. Errors never show any of a key. */
import { createPrivateKey, type KeyObject } from "node:crypto";
import { utils, type ParsedKey } from "ssh2";
import { goQuoted } from "./goText";
import { defined } from "../model/defined";

/** The key is right, and its passphrase is not. */
export class WrongPassphrase extends Error {
  constructor() {
    super("x509: decryption password incorrect");
  }
}

const PROTECTED = "ssh: this private key is passphrase protected";
const OPENSSH = "OPENSSH PRIVATE KEY";
/** Of PKCS#1, SEC 1 and OpenSSL, which have an encrypted form, and PKCS#8, whose encrypted form is not supported. */
const TYPES = [OPENSSH, "RSA PRIVATE KEY", "EC PRIVATE KEY", "DSA PRIVATE KEY", "PRIVATE KEY"];
const CIPHERS = ["aes256-ctr", "aes256-cbc"];

interface Block {
  readonly type: string;
  readonly isEncrypted: boolean;
  readonly bytes: Buffer;
  /** As it was, without what surrounds it. */
  readonly text: string;
}

export function parsePrivateKey(text: string, password: string | undefined): ParsedKey {
  const block = findBlock(text);
  if (!block) throw new Error("ssh: no key found");
  if (block.type === OPENSSH) return parse(openSsh(block, password), password);
  if (password !== undefined && !block.isEncrypted) throw new Error("ssh: not an encrypted key");
  if (password === undefined && block.isEncrypted) throw new Error(PROTECTED);
  if (!TYPES.includes(block.type)) throw new Error(`ssh: unsupported key type ${goQuoted(block.type)}`);
  if (block.type === "DSA PRIVATE KEY") return parse(block.text, password);
  return parse(toKnownForm(read(block, password)));
}

function findBlock(text: string): Block | undefined {
  const match = /^-----BEGIN ([^\n]*?)-----[ \t\r]*\n((?:[^:\n]+:[^\n]*\n)*)([^-]*)^-----END \1-----/m.exec(text);
  if (!match) return undefined;
  const [, type = "", headers = "", base64 = ""] = match;
  if (/[^A-Za-z0-9+/=\s]/.test(base64)) return undefined;
  const lines = match[0].split("\n").map((line) => line.trim());
  return {
    type,
    isEncrypted: /^Proc-Type:.*ENCRYPTED/m.test(headers),
    bytes: Buffer.from(base64, "base64"),
    text: lines.join("\n"),
  };
}

/** OpenSSH's own format, once it is clear that the password is right or not needed. */
function openSsh({ bytes, text }: Block, password: string | undefined): string {
  const magic = Buffer.from("openssh-key-v1\0");
  if (!bytes.subarray(0, magic.length).equals(magic)) throw new Error("ssh: invalid openssh private key format");
  const length = bytes.length > magic.length + 4 ? bytes.readUInt32BE(magic.length) : 0;
  const cipher = bytes.subarray(magic.length + 4, magic.length + 4 + length).toString();
  const isProtected = cipher !== "none";
  if (isProtected && password === undefined) throw new Error(PROTECTED);
  if (!isProtected && password !== undefined) throw new Error("ssh: key is not password protected");
  if (isProtected && !CIPHERS.includes(cipher))
    throw new Error(`ssh: unknown cipher ${goQuoted(cipher)}, only supports ${CIPHERS.map(goQuoted).join(" or ")}`);
  return text;
}

function read({ text }: Block, password: string | undefined): KeyObject {
  try {
    return createPrivateKey(defined({ key: text, passphrase: password }));
  } catch {
    throw password === undefined ? new Error("ssh: malformed private key") : new WrongPassphrase();
  }
}

function parse(text: string, password?: string): ParsedKey {
  const parsed = utils.parseKey(text, password) as ParsedKey | ParsedKey[] | Error;
  if (parsed instanceof Error)
    throw password === undefined ? new Error("ssh: malformed OpenSSH key") : new WrongPassphrase();
  return Array.isArray(parsed) ? parsed[0]! : parsed;
}

/** ssh2 knows only some formats, but RSA and EC keys in OpenSSL's form and any in OpenSSH's. */
function toKnownForm(key: KeyObject): string {
  switch (key.asymmetricKeyType) {
    case "rsa":
      return key.export({ type: "pkcs1", format: "pem" }).toString().trim();
    case "ec":
      if (!CURVES.includes(key.asymmetricKeyDetails?.namedCurve ?? "")) throw new Error("x509: unknown elliptic curve");
      return key.export({ type: "sec1", format: "pem" }).toString().trim();
    case "ed25519":
      return ed25519(key);
    default:
      throw new Error(`ssh: unsupported key type ${goQuoted(key.asymmetricKeyType ?? "")}`);
  }
}

const CURVES = ["prime256v1", "secp384r1", "secp521r1"];

function ed25519(key: KeyObject): string {
  const { d = "", x = "" } = key.export({ format: "jwk" });
  const [secret, shown] = [d, x].map((value) => Buffer.from(value, "base64url")) as [Buffer, Buffer];
  const check = Buffer.alloc(8);
  const type = field("ssh-ed25519");
  const content = Buffer.concat([check, type, field(shown), field(Buffer.concat([secret, shown])), field("")]);
  const padding = Buffer.from(Array.from({ length: (8 - (content.length % 8)) % 8 }, (_, i) => i + 1));
  const whole = Buffer.concat([
    Buffer.from("openssh-key-v1\0"),
    ...["none", "none", ""].map(field),
    Buffer.from([0, 0, 0, 1]),
    field(Buffer.concat([type, field(shown)])),
    field(Buffer.concat([content, padding])),
  ]);
  const lines = whole.toString("base64").replace(/.{70}(?=.)/g, "$&\n");
  return `-----BEGIN ${OPENSSH}-----\n${lines}\n-----END ${OPENSSH}-----`;
}

function field(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
