/**
 * Join tokens: what an operator carries to another host so that a role there may enrol once.
 *
 *     join-  8 characters of id  _  32 secret bytes in base64url  .  thumbprint of the instance key in base64url
 *
 * The thumbprint pins the License Server: the role obeys no other, so that nobody between the two hosts can pose as it.
 * Rule: pure; reading and writing the text only. The License Server keeps the secret sealed, the role never stores it.
 */
import { decodeBase64url, encodeBase64url } from "../crypto/base64url.ts";

export interface JoinToken {
  /** 8 letters and digits; public. */
  readonly id: string;
  readonly secret: Uint8Array;
  /** JWK thumbprint of the instance key of the License Server that made the token. */
  readonly instance: string;
}

const FORM = /^join-([A-Za-z0-9]{8})_([A-Za-z0-9_-]{43})\.([A-Za-z0-9_-]{43})$/;

export function formatJoinToken({ id, secret, instance }: JoinToken): string {
  return `join-${id}_${encodeBase64url(secret)}.${instance}`;
}

/** The token that `text` spells, or undefined when it spells none. */
export function parseJoinToken(text: string): JoinToken | undefined {
  const [, id, encodedSecret, instance] = FORM.exec(text) ?? [];
  const secret = encodedSecret === undefined ? undefined : decodeBase64url(encodedSecret);
  if (id === undefined || instance === undefined || secret?.length !== 32) return undefined;
  return { id, secret, instance };
}
