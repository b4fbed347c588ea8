/** The settings of lifetimes: one for each member of `Lifetimes`, with what it may be. Defaults are the preset's. */
import { type Lifetimes, type Preset, presetNames, presets } from "../lifetimes.ts";
import * as kinds from "./kinds.ts";
import { type Role, setting, type Setting } from "./setting.ts";

const MINUTE = 60;
const HOUR = 3_600;
const DAY = 86_400;

interface Range {
  readonly min: number;
  readonly max: number;
  readonly roles?: readonly Role[];
}

/** `refreshTokenSeconds` → `refresh_token_seconds`. */
function keyOf(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function lifetime(name: keyof Lifetimes, help: string, { min, max, roles }: Range): Setting<number> {
  const [fallback, saas] = [presets.onprem[name], presets.saas[name]];
  return setting(keyOf(name), {
    kind: kinds.whole("SECONDS", min, max),
    fallback,
    ...(fallback === saas ? {} : { shownDefault: `${fallback}; saas: ${saas}` }),
    help,
    ...(roles === undefined ? {} : { roles }),
  });
}

const both: readonly Role[] = ["api", "issuer"];
const api: readonly Role[] = ["api"];
const issuer: readonly Role[] = ["issuer"];

export const lifetimeSettings = {
  preset: setting<Preset>("preset", {
    kind: kinds.choice(presetNames),
    fallback: "onprem",
    help: "Defaults of all lifetimes: for a site of one's own, or for a service to people whom nobody knows",
  }),
  accessTokenSeconds: lifetime("accessTokenSeconds", "Life of an access token", { min: MINUTE, max: DAY, roles: both }),
  idTokenSeconds: lifetime("idTokenSeconds", "Life of an ID token", { min: MINUTE, max: DAY, roles: both }),
  refreshTokenSeconds: lifetime("refreshTokenSeconds", "A session or grant whose refresh token is left alone for so long ends", { min: HOUR, max: 400 * DAY, roles: both }),
  refreshTokenAbsoluteSeconds: lifetime("refreshTokenAbsoluteSeconds", "A session or grant ends so long after sign-in, however much its refresh token is used", { min: HOUR, max: 3_650 * DAY, roles: both }),
  refreshGraceSeconds: lifetime("refreshGraceSeconds", "How long a refresh token that a client used is answered with its successor again, in case the answer was lost; then it ends the grant", { min: 0, max: 5 * MINUTE, roles: issuer }),
  cookieSeconds: lifetime("cookieSeconds", "Life of a session in a browser, from sign-in on", { min: 5 * MINUTE, max: 30 * DAY, roles: both }),
  authorizationCodeSeconds: lifetime("authorizationCodeSeconds", "Life of an authorization code", { min: 5, max: 10 * MINUTE, roles: issuer }),
  authorizationRequestSeconds: lifetime("authorizationRequestSeconds", "How long an authorization request waits for a person to sign in and to allow it", { min: MINUTE, max: DAY, roles: issuer }),
  pushedRequestSeconds: lifetime("pushedRequestSeconds", "Life of a pushed authorization request (RFC 9126)", { min: 5, max: 10 * MINUTE, roles: issuer }),
  deviceCodeSeconds: lifetime("deviceCodeSeconds", "How long a device of an OIDC client waits to be approved", { min: MINUTE, max: 30 * MINUTE, roles: issuer }),
  pairingSeconds: lifetime("pairingSeconds", "How long a desktop or a command line waits to be paired", { min: MINUTE, max: 30 * MINUTE, roles: api }),
  clientAssertionSeconds: lifetime("clientAssertionSeconds", "How far ahead of now a client's assertion (private_key_jwt) may end", { min: MINUTE, max: DAY, roles: issuer }),
  dpopProofSeconds: lifetime("dpopProofSeconds", "How old a DPoP proof may be, and how far in the future", { min: 5, max: 10 * MINUTE, roles: issuer }),
  clockSkewSeconds: lifetime("clockSkewSeconds", "How far the clocks of clients and of other hosts of the deployment may be off", { min: 0, max: 10 * MINUTE, roles: both }),
  clientSecretOverlapSeconds: lifetime("clientSecretOverlapSeconds", "How long the secret before stays good when an OIDC client's is rotated, unless the call says otherwise", { min: 0, max: 30 * DAY, roles: api }),
  initialAccessTokenSeconds: lifetime("initialAccessTokenSeconds", "Life of an initial access token, unless the call says otherwise", { min: MINUTE, max: 7 * DAY, roles: api }),
  clientKeysSeconds: lifetime("clientKeysSeconds", "How long keys from a client's jwks_uri are used before they are fetched again", { min: MINUTE, max: DAY, roles: issuer }),
  setupLinkSeconds: lifetime("setupLinkSeconds", "Life of a set-up link", { min: MINUTE, max: DAY, roles: api }),
  passwordLinkSeconds: lifetime("passwordLinkSeconds", "Life of a link by which somebody chooses a new password", { min: 5 * MINUTE, max: 7 * DAY, roles: api }),
  emailLinkSeconds: lifetime("emailLinkSeconds", "Life of a link that proves an email address; a sign-up that is not finished in it is forgotten", { min: 5 * MINUTE, max: 30 * DAY, roles: api }),
  secondStepSeconds: lifetime("secondStepSeconds", "How long a sign-in waits for the second factor", { min: 30, max: HOUR, roles: both }),
  factorEnrolmentSeconds: lifetime("factorEnrolmentSeconds", "How long an authenticator that is being enrolled waits for its first code", { min: MINUTE, max: DAY, roles: api }),
  invitationSeconds: lifetime("invitationSeconds", "Life of an invitation into a team", { min: HOUR, max: 90 * DAY, roles: api }),
  signingKeyRotationSeconds: lifetime("signingKeyRotationSeconds", "How long a signing key of the issuer is used before the next one; see signing-keys.md", { min: HOUR, max: 3_650 * DAY, roles: issuer }),
} as const satisfies Readonly<Record<keyof Lifetimes, Setting<number>>> & { readonly preset: Setting<Preset> };
