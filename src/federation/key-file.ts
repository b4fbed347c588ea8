/**
 * Signing keys on their way from the site that leads to one that follows. One line of text, by file or over the network.
 *
 *     signed by the leader's site key ─┬─ issuer, to (the receiver's fingerprint), sequence, issued_at, expires_at, known_until
 *                                      └─ sealed: AES-256-GCM under HKDF(X25519(one-time key, receiver's key)), bound to all of the above
 *
 * Rule: pure. Only the receiver opens it, only the leader can have made it, and neither half fits another file.
 */
import { createCipheriv, createDecipheriv, createPublicKey, diffieHellman, hkdfSync, type KeyObject } from "node:crypto";
import { type Static, Type } from "typebox";
import { decodeBase64url, encodeBase64url } from "../crypto/base64url.ts";
import { JwsError, publicKeyFromX, signJws, thumbprint, verifyJws } from "../crypto/jws.ts";
import { Fault } from "../fault.ts";
import { findPublicJwk, parsePrivateJwk } from "../oidc/jwk.ts";
import { isWholeKey, type SharedKeys } from "../oidc/key-replication.ts";
import type { Random } from "../services.ts";
import { shapeOf } from "../shape.ts";
import { findCarriedKey, SITE_SKEW_SECONDS } from "./bundle.ts";
import { type SiteKey, x25519Of } from "./site-key.ts";

const TYP = "cyberun-federation-keys+jws";
const KEY_TYP = "cyberun-federation-site-key+jws";
const LIFE_SECONDS = 30 * 86_400;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

const Key32 = Type.String({ pattern: "^[A-Za-z0-9_-]{43}$" });
const Url = Type.String({ minLength: 8, maxLength: 500 });
const Seconds = Type.Integer({ minimum: 0 });
const Instant = Type.Integer({ minimum: 0 });
const MaybeInstant = Type.Union([Instant, Type.Null()]);
const closed = { additionalProperties: false };

const FileSchema = Type.Object(
  { format: Type.Literal(1), issuer: Url, signing_key: Key32, to: Key32, sequence: Type.Integer({ minimum: 1 }), issued_at: Seconds, expires_at: Seconds, known_until: MaybeInstant, pull_url: Url, one_time_key: Key32, sealed: Type.String({ maxLength: 60_000 }) },
  closed,
);
const SiteKeySchema = Type.Object({ format: Type.Literal(1), issuer: Url, signing_key: Key32, sealing_key: Key32 }, closed);
const ContentSchema = Type.Object(
  {
    keys: Type.Array(
      Type.Object(
        { public_jwk: Type.Unknown(), private_jwk: Type.Unknown(), created_at: Instant, active_from: Instant, retired_at: MaybeInstant, published_until: MaybeInstant, revoked_at: MaybeInstant, token_seconds: Seconds },
        closed,
      ),
      { minItems: 1, maxItems: 200 },
    ),
    revoked: Type.Array(Type.Object({ kid: Key32, revoked_at: Instant }, closed), { maxItems: 100 }),
  },
  closed,
);
const fileShape = shapeOf(FileSchema);
const siteKeyShape = shapeOf(SiteKeySchema);
const contentShape = shapeOf(ContentSchema);

type KeyFile = Static<typeof FileSchema>;
/** What stands outside of the seal, and is bound to it. */
type Heading = Omit<KeyFile, "format" | "one_time_key" | "sealed">;

/** `why` for programs: a word, or what the signature's check threw. */
export function keysRefused(problem: string, hint: string, why: string | JwsError): Fault {
  const reason = typeof why === "string" ? why : why.refusal;
  return new Fault("invalid_request", `The key file is refused: ${problem}.`, { hint, details: { reason }, cause: why });
}

const ASK_AGAIN = "Have the leading site export it again (cyberun federation keys export) and bring it unchanged.";

function sharedSecret(privateKey: KeyObject, publicKey: KeyObject): Buffer {
  const secret = diffieHellman({ privateKey, publicKey });
  // A point of small order gives the same secret to everybody (RFC 7748 section 6.1).
  if (secret.every((byte) => byte === 0)) throw keysRefused("the sealing key in it is weak", ASK_AGAIN, "weak_key");
  return secret;
}

function contentKey(secret: Buffer, oneTimeX: string, receiverX: string): Buffer {
  return Buffer.from(hkdfSync("sha256", secret, `${oneTimeX}.${receiverX}`, "cyberun/federation/1/keys", 32));
}

function boundTo(heading: Heading): Buffer {
  const { issuer, signing_key, to, sequence, issued_at, expires_at, known_until, pull_url } = heading;
  return Buffer.from(JSON.stringify([issuer, signing_key, to, sequence, issued_at, expires_at, known_until, pull_url]));
}

/** A receiver, by the key file that its operator handed over. */
export interface Receiver {
  readonly kid: string;
  readonly sealingX: string;
}

export interface KeyFileInput {
  readonly heading: Omit<Heading, "signing_key" | "expires_at">;
  readonly content: SharedKeys;
  readonly receiver: Receiver;
}

/** The file for one receiver. */
export function writeKeyFile(own: SiteKey, random: Random, { heading: given, content, receiver }: KeyFileInput): string {
  const heading: Heading = { ...given, signing_key: own.signingX, expires_at: given.issued_at + LIFE_SECONDS };
  const oneTime = x25519Of(random.bytes(32));
  const key = contentKey(sharedSecret(oneTime.privateKey, publicX25519(receiver.sealingX)), oneTime.x, receiver.sealingX);
  const nonce = random.bytes(NONCE_BYTES);
  const cipher = createCipheriv("aes-256-gcm", key, nonce);
  cipher.setAAD(boundTo(heading));
  const body = Buffer.concat([cipher.update(JSON.stringify(content)), cipher.final()]);
  const sealed = encodeBase64url(Buffer.concat([nonce, body, cipher.getAuthTag()]));
  return signJws(TYP, own.signing, { format: 1, ...heading, one_time_key: oneTime.x, sealed });
}

function publicX25519(x: string): KeyObject {
  return createPublicKey({ key: { kty: "OKP", crv: "X25519", x }, format: "jwk" });
}

/** A document that brings its key along, verified by it: who that is has to be asked of the fingerprint. Throws Fault `invalid_request`. */
export function verifyCarried(typ: string, text: string): { readonly kid: string; readonly payload: unknown } {
  const x = findCarriedKey(text, "signing_key");
  const carried = x === undefined ? undefined : thumbprint(x);
  try {
    return verifyJws(typ, text, (kid) => (x === undefined || kid !== carried ? undefined : { kid, publicKey: publicKeyFromX(x) }));
  } catch (error) {
    if (error instanceof JwsError) throw keysRefused(error.message, ASK_AGAIN, error);
    throw error;
  }
}

/** A file whose signature holds; from whom it may be is not asked yet. */
export interface SignedKeyFile extends KeyFile {
  /** The fingerprint of who signed it. */
  readonly kid: string;
}

/** The file, when its signature holds and it is good at `nowMs`. */
export function readKeyFile(text: string, nowMs: number): SignedKeyFile {
  const { payload } = verifyCarried(TYP, text);
  if (!fileShape.Check(payload)) throw keysRefused("it has not the form of one", "Use builds of the same line at both sites.", "wrong_form");
  const now = nowMs / 1_000;
  if (payload.expires_at <= now) throw keysRefused("it has expired", ASK_AGAIN, "expired");
  if (payload.issued_at > now + SITE_SKEW_SECONDS) throw keysRefused("it is of the future; the clock of one of the sites is wrong", ASK_AGAIN, "not_yet_valid");
  return { ...payload, kid: thumbprint(payload.signing_key) };
}

function opened(own: SiteKey, file: SignedKeyFile): Buffer {
  const bytes = decodeBase64url(file.sealed);
  if (bytes === undefined || bytes.length < NONCE_BYTES + TAG_BYTES) throw keysRefused("what is sealed in it is cut", ASK_AGAIN, "malformed");
  const key = contentKey(sharedSecret(own.sealing, publicX25519(file.one_time_key)), file.one_time_key, own.sealingX);
  const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(0, NONCE_BYTES));
  decipher.setAAD(boundTo(file));
  decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
  try {
    return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
  } catch {
    // The runtime says no more than that the tag does not fit.
    throw keysRefused("it is not sealed to this site", ASK_AGAIN, "not_sealed_here");
  }
}

/** What is sealed in the file. Throws Fault `invalid_request` for a file that is another site's. */
export function openKeyFile(own: SiteKey, file: SignedKeyFile): SharedKeys {
  if (file.to !== own.signing.kid) throw keysRefused("it is for another site", "Export it to the key that cyberun federation site-key shows here.", "other_receiver");
  const content: unknown = JSON.parse(opened(own, file).toString("utf8"));
  if (!contentShape.Check(content)) throw keysRefused("what is sealed in it has not the form of keys", "Use builds of the same line at both sites.", "wrong_form");
  const keys = content.keys.map((key) => {
    const public_jwk = findPublicJwk(key.public_jwk);
    if (public_jwk === undefined) throw keysRefused("one of its keys is of no kind that is signed with", ASK_AGAIN, "bad_key");
    const whole = { ...key, public_jwk, private_jwk: key.private_jwk === null ? null : parsePrivateJwk(JSON.stringify(key.private_jwk)) };
    if (!isWholeKey(whole)) throw keysRefused("a private half stands beside another's public half", ASK_AGAIN, "bad_key");
    return whole;
  });
  return { keys, revoked: content.revoked };
}

/** The public key of a site as its operator hands it over. */
export function writeSiteKey(own: SiteKey, issuer: string): string {
  return signJws(KEY_TYP, own.signing, { format: 1, issuer, signing_key: own.signingX, sealing_key: own.sealingX });
}

/** Throws Fault `invalid_request` for what is none. */
export function readSiteKeyFile(text: string): Receiver & { readonly issuer: string } {
  const { payload } = verifyCarried(KEY_TYP, text.trim());
  if (!siteKeyShape.Check(payload)) throw keysRefused("the receiver's key has not the form of one", "Name the file that cyberun federation site-key --out wrote at the other site.", "wrong_form");
  return { kid: thumbprint(payload.signing_key), sealingX: payload.sealing_key, issuer: payload.issuer };
}
