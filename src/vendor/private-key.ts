/**
 * A private key in a file: PKCS#8 PEM (RFC 5958), optionally encrypted with PBES2 (RFC 8018), so that `openssl` reads it too.
 *
 * Rule: this is the only file that turns a private key into text. The runtime's own export stretches a passphrase with
 * 2,048 rounds; a key that signs for years deserves the number below, so the small DER envelope is built here.
 */
import { createCipheriv, createPrivateKey, createPublicKey, type KeyObject, pbkdf2Sync } from "node:crypto";
import { publicX, type SigningKey, thumbprint } from "../crypto/jws.ts";
import { Fault } from "../fault.ts";
import type { Random } from "../services.ts";

const ROUNDS = 600_000;
export const PASSPHRASE_CHARACTERS_MIN = 12;
const PASSPHRASE_CHARACTERS_MAX = 1_000;

const SEQUENCE = 0x30;
const OCTET_STRING = 0x04;
const INTEGER = 0x02;
// Object identifiers, tag and length included.
const PBES2 = Buffer.from("06092a864886f70d01050d", "hex");
const PBKDF2 = Buffer.from("06092a864886f70d01050c", "hex");
const HMAC_SHA256 = Buffer.from("06082a864886f70d02090500", "hex");
const AES_256_CBC = Buffer.from("060960864801650304012a", "hex");

/** One DER element (X.690); nothing here is longer than 255 bytes. */
function element(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.from(body.length < 128 ? [tag, body.length] : [tag, 0x81, body.length]), body]);
}

/** EncryptedPrivateKeyInfo with PBKDF2-HMAC-SHA256 and AES-256-CBC (RFC 8018 appendix A). */
function encrypted(pkcs8: Uint8Array, passphrase: string, random: Random): Buffer {
  const salt = random.bytes(16);
  const vector = random.bytes(16);
  const cipher = createCipheriv("aes-256-cbc", pbkdf2Sync(passphrase, salt, ROUNDS, 32, "sha256"), vector);
  const body = Buffer.concat([cipher.update(pkcs8), cipher.final()]);
  const rounds = Buffer.from([ROUNDS >> 16, (ROUNDS >> 8) & 0xff, ROUNDS & 0xff]);
  const stretching = element(
    SEQUENCE,
    PBKDF2,
    element(SEQUENCE, element(OCTET_STRING, salt), element(INTEGER, rounds), element(SEQUENCE, HMAC_SHA256)),
  );
  const encryption = element(SEQUENCE, AES_256_CBC, element(OCTET_STRING, vector));
  return element(SEQUENCE, element(SEQUENCE, PBES2, element(SEQUENCE, stretching, encryption)), element(OCTET_STRING, body));
}

function pem(label: string, der: Uint8Array): string {
  const lines = Buffer.from(der).toString("base64").replace(/.{64}(?=.)/g, "$&\n");
  return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`;
}

/** The text of the key's file; encrypted when a passphrase is given. */
export function privateKeyText(key: SigningKey, passphrase: string | undefined, random: Random): string {
  const pkcs8 = key.privateKey.export({ type: "pkcs8", format: "der" });
  return passphrase === undefined ? pem("PRIVATE KEY", pkcs8) : pem("ENCRYPTED PRIVATE KEY", encrypted(pkcs8, passphrase, random));
}

function opened(text: string, passphrase: string | undefined): KeyObject {
  try {
    return createPrivateKey(passphrase === undefined ? { key: text, format: "pem" } : { key: text, format: "pem", passphrase });
  } catch (cause) {
    const why = passphrase === undefined ? "it is not a PKCS#8 PEM" : "it is not a PKCS#8 PEM, or the passphrase is another";
    throw new Fault("invalid_request", `The private key cannot be read: ${why}.`, { cause });
  }
}

/** The key in a file's text. Throws a Fault that never repeats any of it. */
export function readPrivateKey(text: string, passphrase: string | undefined): SigningKey {
  if (passphrase === undefined && text.includes("BEGIN ENCRYPTED PRIVATE KEY")) {
    throw new Fault("invalid_request", "The private key is encrypted.", { hint: "Give the passphrase by --passphrase-file FILE." });
  }
  const privateKey = opened(text, passphrase);
  if (privateKey.asymmetricKeyType !== "ed25519") {
    throw new Fault("invalid_request", "The private key is not an Ed25519 key.", { hint: "Make one with cyberun-vendor keys create." });
  }
  const publicKey = createPublicKey(privateKey);
  return { kid: thumbprint(publicX(publicKey)), privateKey, publicKey };
}

/** The passphrase in a file: its first line. Throws a Fault when it is too short to protect a key. */
export function passphraseIn(text: string): string {
  const [line = ""] = text.split(/\r?\n/, 1);
  if (line.length >= PASSPHRASE_CHARACTERS_MIN && line.length <= PASSPHRASE_CHARACTERS_MAX) return line;
  throw new Fault(
    "invalid_request",
    `The passphrase file's first line has to be ${PASSPHRASE_CHARACTERS_MIN} to ${PASSPHRASE_CHARACTERS_MAX} characters long.`,
  );
}
