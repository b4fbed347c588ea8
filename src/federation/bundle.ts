/**
 * A site bundle: what a site says of itself, signed by its site key. One line of text, carried by file or over the network.
 *
 *     header   alg EdDSA, kid = the site's fingerprint, typ cyberun-federation-bundle+jws
 *     payload  format, issuer, site_name, signing_key, sealing_key, sequence, issued_at, expires_at, refresh_hint_seconds,
 *              endpoints, keys (the issuer's public keys), revoked_subjects
 *
 * `sequence` grows with each bundle of a site and `refresh_hint_seconds` says how often to look again, as in SPIFFE bundles.
 *
 * Rule: pure. The fingerprint that somebody compared, or that was pinned before, chooses the key; the key verifies the
 * bytes; only then does anything in them count.
 */
import { type Static, Type } from "typebox";
import { decodeBase64url } from "../crypto/base64url.ts";
import { JWS_BYTES_MAX, JwsError, publicKeyFromX, type SigningKey, signJws, thumbprint, verifyJws } from "../crypto/jws.ts";
import { type Json, parseStrictJson, StrictJsonError } from "../crypto/strict-json.ts";
import { Fault } from "../fault.ts";
import { findPublicJwk, type PublicJwk } from "../oidc/jwk.ts";
import { shapeOf } from "../shape.ts";

const TYP = "cyberun-federation-bundle+jws";
/** Newest first; who was shut out longer ago has no live token any more. */
export const REVOKED_MAX = 500;
const KEYS_MAX = 100;
export const BUNDLE_DAYS_MAX = 365;
const DAY_SECONDS = 86_400;
/** How far the clocks of two sites may be apart. */
export const SITE_SKEW_SECONDS = 120;

const Key32 = Type.String({ pattern: "^[A-Za-z0-9_-]{43}$" });
const Url = Type.String({ minLength: 8, maxLength: 500 });
const Seconds = Type.Integer({ minimum: 0 });

const BundleSchema = Type.Object(
  {
    format: Type.Literal(1),
    issuer: Url,
    site_name: Type.String({ minLength: 1, maxLength: 200 }),
    signing_key: Key32,
    sealing_key: Key32,
    sequence: Type.Integer({ minimum: 1 }),
    issued_at: Seconds,
    expires_at: Seconds,
    refresh_hint_seconds: Type.Integer({ minimum: 60, maximum: 86_400 }),
    endpoints: Type.Object({ api: Url, bundle: Url, upstream_callback: Url }, { additionalProperties: false }),
    keys: Type.Array(Type.Unknown(), { minItems: 1, maxItems: KEYS_MAX }),
    revoked_subjects: Type.Array(Type.String({ minLength: 1, maxLength: 100 }), { maxItems: REVOKED_MAX }),
  },
  { additionalProperties: false },
);
const bundleShape = shapeOf(BundleSchema);

export interface Bundle extends Omit<Static<typeof BundleSchema>, "keys"> {
  readonly keys: readonly PublicJwk[];
  /** The fingerprint of the site that signed it. */
  readonly kid: string;
}

/** What is signed, before it has a form. */
export type BundleContent = Omit<Bundle, "kid" | "format">;

/** `why` for programs: a word, or what the signature's check threw. */
export function bundleRefused(problem: string, hint: string, why: string | JwsError): Fault {
  const reason = typeof why === "string" ? why : why.refusal;
  return new Fault("invalid_request", `The site bundle is refused: ${problem}.`, { hint, details: { reason }, cause: why });
}

const ASK_AGAIN = "Ask the other site for a new one (cyberun federation bundle export) and bring it unchanged.";

export function signBundle(key: SigningKey, content: BundleContent): string {
  return signJws(TYP, key, { format: 1, ...content });
}

function jsonOf(encoded: string | undefined): Json | undefined {
  const bytes = encoded === undefined ? undefined : decodeBase64url(encoded);
  if (bytes === undefined) return undefined;
  try {
    return parseStrictJson(bytes);
  } catch (error) {
    if (error instanceof StrictJsonError) return undefined;
    throw error;
  }
}

/** The key that a signed document brings along: it proves nothing until its thumbprint is the one that is expected. */
export function findCarriedKey(text: string, member: string): string | undefined {
  if (text.length > JWS_BYTES_MAX) return undefined;
  const payload = jsonOf(text.split(".", 3)[1]);
  if (typeof payload !== "object" || payload === null || Array.isArray(payload)) return undefined;
  const x = new Map<string, unknown>(Object.entries(payload)).get(member);
  return typeof x === "string" && decodeBase64url(x)?.length === 32 ? x : undefined;
}

function payloadOf(text: string, fingerprint: string | undefined): { readonly kid: string; readonly payload: Json } {
  const x = findCarriedKey(text, "signing_key");
  const carried = x === undefined ? undefined : thumbprint(x);
  if (fingerprint !== undefined && carried !== undefined && carried !== fingerprint) {
    throw bundleRefused("it is of a site with another fingerprint", "Compare the fingerprint with the other site's operator (cyberun federation site-key).", "wrong_fingerprint");
  }
  try {
    return verifyJws(TYP, text, (kid) => (x === undefined || kid !== carried ? undefined : { kid, publicKey: publicKeyFromX(x) }));
  } catch (error) {
    if (error instanceof JwsError) throw bundleRefused(error.message, ASK_AGAIN, error);
    throw error;
  }
}

function timeProblem({ issued_at, expires_at }: Bundle, nowMs: number): readonly [problem: string, reason: string] | undefined {
  const now = nowMs / 1_000;
  if (expires_at <= now) return ["it has expired", "expired"];
  if (issued_at > now + SITE_SKEW_SECONDS) return ["it is of the future; the clock of one of the sites is wrong", "not_yet_valid"];
  if (expires_at - issued_at > (BUNDLE_DAYS_MAX + 1) * DAY_SECONDS) return ["it is good for longer than a year", "too_long"];
  return undefined;
}

function addressProblem({ issuer, endpoints }: Bundle): string | undefined {
  const bad = [issuer, ...Object.values(endpoints)].find((text) => {
    const url = URL.parse(text);
    return url === null || !["https:", "http:"].includes(url.protocol) || url.username !== "" || url.password !== "" || url.hash !== "" || url.search !== "";
  });
  return bad === undefined ? undefined : "one of its addresses is none of the web";
}

/**
 * The bundle, verified by the key that it brings, whose thumbprint has to be `fingerprint` where one is known. Whether it
 * has expired is not asked. Throws Fault `invalid_request` with the reason in its details.
 */
export function readBundle(text: string, fingerprint: string | undefined): Bundle {
  const { kid, payload: content } = payloadOf(text, fingerprint);
  const payload: unknown = content;
  if (!bundleShape.Check(payload)) throw bundleRefused("it has not the form of one", "Use builds of the same line at both sites.", "wrong_form");
  const keys = payload.keys.flatMap((each) => findPublicJwk(each) ?? []);
  const isWhole = keys.length === payload.keys.length && new Set(keys.map((key) => key.kid)).size === keys.length;
  if (!isWhole) throw bundleRefused("one of its keys is of no kind that is verified with, or stands under a name that is not its own", ASK_AGAIN, "bad_key");
  const bundle = { ...payload, keys, kid };
  const problem = addressProblem(bundle);
  if (problem !== undefined) throw bundleRefused(problem, ASK_AGAIN, "bad_address");
  return bundle;
}

/** As {@link readBundle}, and good at `nowMs`. */
export function readGoodBundle(text: string, fingerprint: string | undefined, nowMs: number): Bundle {
  const bundle = readBundle(text, fingerprint);
  const problem = timeProblem(bundle, nowMs);
  if (problem !== undefined) throw bundleRefused(problem[0], ASK_AGAIN, problem[1]);
  return bundle;
}
