/** Logout tokens (OpenID Connect Back-Channel Logout 1.0 section 2.4): by its `typ`, its event and its want of a nonce none passes for an ID token. */
import { signJwt } from "./jwt.ts";
import type { TokenSigningKey } from "./keyring.ts";

const EVENT = "http://schemas.openid.net/event/backchannel-logout";
/** Two minutes are what the specification recommends at most. */
const LIFE_SECONDS_MAX = 120;

export interface LogoutTokenFacts {
  readonly issuer: string;
  readonly clientId: string;
  readonly sub: string;
  readonly sid: string;
  /** Epoch seconds. */
  readonly issuedAt: number;
  readonly jti: string;
}

export async function signLogoutToken(key: TokenSigningKey, { issuer, clientId, sub, sid, issuedAt, jti }: LogoutTokenFacts): Promise<string> {
  return await signJwt(key, "logout+jwt", {
    iss: issuer,
    sub,
    aud: clientId,
    iat: issuedAt,
    exp: issuedAt + Math.min(LIFE_SECONDS_MAX, key.tokenSeconds),
    jti,
    sid,
    events: { [EVENT]: {} },
  });
}
