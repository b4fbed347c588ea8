/**
 * How long things live: every life that an operator may want otherwise, and two presets of them.
 *
 *     onprem   a site of one's own, perhaps without a network and with clocks that nobody sets: the defaults
 *     saas     many people whom nobody knows: what is lost or stolen is worthless sooner
 *
 * Rule: plain numbers. A life that is not here is one that nobody has a reason to change, and says so where it stands.
 */

export interface Lifetimes {
  readonly accessTokenSeconds: number;
  readonly idTokenSeconds: number;
  /** Counted anew at each use: what is used goes on, what is left alone for so long ends. */
  readonly refreshTokenSeconds: number;
  /** From sign-in, however much the refresh token is used. */
  readonly refreshTokenAbsoluteSeconds: number;
  /** How long a used refresh token of a client is answered with its successor, for an answer that was lost. */
  readonly refreshGraceSeconds: number;
  /** From sign-in, however much the dashboard is used. */
  readonly cookieSeconds: number;
  readonly authorizationCodeSeconds: number;
  /** How long a request waits at the pages for a person. */
  readonly authorizationRequestSeconds: number;
  readonly pushedRequestSeconds: number;
  /** How long a device of an OIDC client waits to be approved. */
  readonly deviceCodeSeconds: number;
  /** How long a desktop waits to be paired. */
  readonly pairingSeconds: number;
  /** How far ahead of now a client's assertion may end. */
  readonly clientAssertionSeconds: number;
  readonly dpopProofSeconds: number;
  /** How far the clocks of others may be off. */
  readonly clockSkewSeconds: number;
  /** How long the secret before goes on when a client's is rotated, unless the call says otherwise. */
  readonly clientSecretOverlapSeconds: number;
  readonly initialAccessTokenSeconds: number;
  /** How long keys from a client's `jwks_uri` are used before they are fetched again. */
  readonly clientKeysSeconds: number;
  readonly setupLinkSeconds: number;
  readonly passwordLinkSeconds: number;
  readonly emailLinkSeconds: number;
  /** Between the password and the code of the second factor. */
  readonly secondStepSeconds: number;
  readonly factorEnrolmentSeconds: number;
  /** From the invitation into a team on, whether its mail was slow or not. */
  readonly invitationSeconds: number;
  /** How long one of the issuer's keys signs before the next one does. */
  readonly signingKeyRotationSeconds: number;
}

export const presetNames = ["onprem", "saas"] as const;
export type Preset = (typeof presetNames)[number];

const HOUR = 3_600;
const DAY = 86_400;

const onprem: Lifetimes = {
  accessTokenSeconds: HOUR,
  idTokenSeconds: HOUR,
  refreshTokenSeconds: 30 * DAY,
  refreshTokenAbsoluteSeconds: 365 * DAY,
  refreshGraceSeconds: 10,
  cookieSeconds: 12 * HOUR,
  authorizationCodeSeconds: 60,
  authorizationRequestSeconds: 1_800,
  pushedRequestSeconds: 90,
  deviceCodeSeconds: 600,
  pairingSeconds: 300,
  clientAssertionSeconds: HOUR,
  dpopProofSeconds: 60,
  clockSkewSeconds: 60,
  clientSecretOverlapSeconds: DAY,
  initialAccessTokenSeconds: HOUR,
  clientKeysSeconds: 600,
  setupLinkSeconds: 1_800,
  passwordLinkSeconds: HOUR,
  emailLinkSeconds: DAY,
  secondStepSeconds: 300,
  factorEnrolmentSeconds: 900,
  invitationSeconds: 7 * DAY,
  signingKeyRotationSeconds: 90 * DAY,
};

const saas: Lifetimes = {
  ...onprem,
  accessTokenSeconds: 600,
  idTokenSeconds: 600,
  refreshTokenSeconds: 14 * DAY,
  refreshTokenAbsoluteSeconds: 90 * DAY,
  cookieSeconds: 8 * HOUR,
  authorizationCodeSeconds: 30,
  authorizationRequestSeconds: 900,
  pushedRequestSeconds: 60,
  deviceCodeSeconds: 300,
  clientAssertionSeconds: 300,
  clockSkewSeconds: 30,
  clientKeysSeconds: 300,
  passwordLinkSeconds: 1_800,
  signingKeyRotationSeconds: 30 * DAY,
};

export const presets: Readonly<Record<Preset, Lifetimes>> = { onprem, saas };
