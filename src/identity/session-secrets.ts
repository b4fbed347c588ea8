/**
 * What a session is held by: a refresh token or a dashboard cookie.
 *
 *     rt-<session id, 32 hex>_<nonce, 22 base62>_<tag, 43 base64url>      tag = HMAC over session id and nonce
 *
 * A refresh token proves by itself that we made it, for which session. So garbage costs no look-up, and an authentic
 * token that is not the session's current one is a replay, however many rotations ago it was used
 * (RFC 9700 section 4.14.2), although no used token is stored.
 */
import { isSameSecret, type Sealer } from "../crypto/sealing.ts";
import { randomSecret, randomText } from "../crypto/tokens.ts";
import type { Random } from "../services.ts";

const NONCE_CHARACTERS = 22;
const REFRESH_TOKEN = /^rt-([0-9a-f]{32})_([0-9A-Za-z]{22})_([A-Za-z0-9_-]{43})$/;
const COOKIE = /^[0-9A-Za-z]{43}$/;

function tagOf(sealer: Sealer, id: string, nonce: string): string {
  return sealer.digest("session-pepper", `refresh-tag:${id}:${nonce}`);
}

function uuidOf(hex: string): string {
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** A new refresh token for the session. */
export function createRefreshToken(sealer: Sealer, random: Random, sessionId: string): string {
  const id = sessionId.replaceAll("-", "");
  const nonce = randomText(random, NONCE_CHARACTERS);
  return `rt-${id}_${nonce}_${tagOf(sealer, id, nonce)}`;
}

/** The session that `token` was made for, or undefined when we did not make it. */
export function sessionIdOf(sealer: Sealer, token: string): string | undefined {
  const [, id, nonce, tag] = REFRESH_TOKEN.exec(token) ?? [];
  if (id === undefined || nonce === undefined || tag === undefined) return undefined;
  return isSameSecret(tag, tagOf(sealer, id, nonce)) ? uuidOf(id) : undefined;
}

/** A new value for the dashboard's cookie. */
export function createCookie(random: Random): string {
  return randomSecret(random);
}

/** Whether `text` has the form of a cookie of ours. */
export function isCookieForm(text: string): boolean {
  return COOKIE.test(text);
}

/** What the store keeps in place of a refresh token or cookie. */
export function sessionDigest(sealer: Sealer, secret: string): string {
  return sealer.digest("session-pepper", `held:${secret}`);
}
