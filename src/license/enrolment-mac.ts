/**
 * How a client that is not enrolled yet shows that it belongs here: a MAC under a secret it was given.
 *
 * The secret is either `DATA/license/enrol.secret` (a role of the same data directory) or the secret part of a join
 * token (a role on another host); both are 32 bytes and neither ever travels. The MAC names this very exchange by its
 * two nonces, so that it can be used once, by this client key and for this role only.
 *
 * Rule: pure; both sides of the handshake use this one function. Whether a secret is live is the License Server's to say.
 */
import { createHmac } from "node:crypto";

const DOMAIN = "cyberun-enrolment/1";

/** The exchange that the MAC is for. Every member is base64url or a role's name, so a line end separates them safely. */
export interface EnrolmentExchange {
  /** JWK `x` member of the client key. */
  readonly clientKey: string;
  readonly role: string;
  readonly clientNonce: string;
  readonly serverNonce: string;
}

/** HMAC-SHA-256 under `secret` over the exchange, base64url: the `mac` of a proof's enrolment. */
export function enrolmentMac(secret: Uint8Array, exchange: EnrolmentExchange): string {
  const { clientKey, role, clientNonce, serverNonce } = exchange;
  return createHmac("sha256", secret).update([DOMAIN, clientKey, role, clientNonce, serverNonce].join("\n")).digest("base64url");
}
