/**
 * What a client makes of a lease: an ordered list of named checks, and what is granted when all of them pass.
 *
 * Rule: pure. The lists below are the specification: the first check that objects names the refusal. A License Server
 * is believed only within what the vendor signed, so a false one can take away but never add; a lease that fails a check
 * changes nothing at all. Which keys are pinned is decided in `pins.ts`, what is made of time in `standing.ts`.
 */
import { JwsError, publicKeyFromX, thumbprint } from "../../crypto/jws.ts";
import { type License, LicenseError, readLicense, type TrustedKey } from "../document.ts";
import type { FeatureMap, QuotaMap } from "../entitlements.ts";
import { type Lease, type LeaseRole, verifyLease } from "../lease.ts";
import { openRevocation, type Revocation, revokes } from "../revocation.ts";
import { earliestActivation, highestSequence, isAfter, isOutdated, type LeaseMarks, seenFrom } from "./marks.ts";

const DAY_SECONDS = 86_400;

/** What the client knows before it looks at a lease. */
export interface Expected {
  /** JWK `x` of the pinned instance key that has to have signed it. */
  readonly instanceKey: string;
  readonly role: LeaseRole;
  /** Thumbprint of the client's own key. */
  readonly client: string;
  readonly trustedKeys: readonly TrustedKey[];
  readonly marks: LeaseMarks;
}

/** The exchange that a fresh lease has to be the answer to. Times are the client's guarded time, epoch seconds. */
export interface Exchange extends Expected {
  readonly clientNonce: string;
  readonly serverNonce: string;
  readonly sentAt: number;
  readonly receivedAt: number;
  /** Wall clock, epoch seconds, while it stands behind the guarded time by more than is tolerated; else undefined. */
  readonly anomalousWall: number | undefined;
}

/** A good lease, reduced to what the vendor signed. */
export interface Granted {
  readonly kind: "granted";
  readonly lease: Lease;
  readonly license: License;
  /** Epoch seconds: end of the license, its activation counted in. */
  readonly endsAt: number;
  /** Epoch seconds: how long the lease is obeyed while no License Server answers. */
  readonly graceEndsAt: number;
  readonly features: FeatureMap;
  readonly quotas: QuotaMap;
  /** Whether the license is the vendor's way out of a clock that once stood too far ahead. */
  readonly liftsClock: boolean;
  /**
   * How many seconds the License Server's clock is behind this host's, at most the license's tolerance. It keeps a
   * short lease from looking stale at once on hosts whose clocks differ a little; it never lengthens the grace.
   */
  readonly lagSeconds: number;
}

/** A signed refusal: the License Server itself says that nothing is granted. */
export interface Denied {
  readonly kind: "denied";
  readonly lease: Lease;
  /** The license it speaks of, when there is a readable one; for display only. */
  readonly license: License | undefined;
  /** The vendor's own word that this license has ended, when the refusal carries it. */
  readonly revocation: Revocation | undefined;
}

/** Why a lease is not obeyed: stable words, in the order of the checks. */
export type LeaseRefusal =
  | "signature"
  | "role"
  | "client"
  | "client_nonce"
  | "server_nonce"
  | "replay"
  | "license"
  | "sequence"
  | "dates"
  | "activation"
  | "lease_times"
  | "lease_too_long"
  | "clocks";

/** Thrown when a lease is not obeyed; the message is one sentence for the operator. */
export class LeaseError extends Error {
  override readonly name = "LeaseError";
  readonly refusal: LeaseRefusal;

  constructor(refusal: LeaseRefusal, message: string, options?: ErrorOptions) {
    super(message, options);
    this.refusal = refusal;
  }
}

/** One objection, or undefined. */
type Check<Subject> = (subject: Subject) => string | undefined;
type Checks<Subject> = readonly (readonly [LeaseRefusal, Check<Subject>])[];

interface Addressed<Known> {
  readonly lease: Lease;
  readonly expected: Known;
}

interface Carrying extends Addressed<Expected> {
  readonly license: License;
  readonly endsAt: number;
}

const objection = (objects: boolean, sentence: string) => (objects ? sentence : undefined);

const lastSeen = ({ marks, instanceKey }: Expected) => seenFrom(marks, thumbprint(instanceKey));

const addressee: Checks<Addressed<Expected>> = [
  ["role", ({ lease, expected }) => objection(lease.role !== expected.role, "The lease is for another role.")],
  ["client", ({ lease, expected }) => objection(lease.client !== expected.client, "The lease is for another client.")],
];

const freshness: Checks<Addressed<Exchange>> = [
  [
    "client_nonce",
    ({ lease, expected }) => objection(lease.client_nonce !== expected.clientNonce, "The lease answers another question."),
  ],
  [
    "server_nonce",
    ({ lease, expected }) => objection(lease.server_nonce !== expected.serverNonce, "The lease answers another challenge."),
  ],
  [
    "replay",
    ({ lease, expected }) => objection(!isAfter(lease, lastSeen(expected)), "The lease is not newer than the last one of its server."),
  ],
];

/** A stored lease is the very one that raised the marks, so it may stand at them but not before. */
const notOutdated: Checks<Addressed<Expected>> = [
  [
    "replay",
    ({ lease, expected }) => objection(isAfter(lastSeen(expected), lease), "The stored lease is older than the last one of its server."),
  ],
];

const isRolledBack = ({ license, expected }: Carrying) => isOutdated(expected.marks, license);

const isOutsideTerm = ({ lease, license }: Carrying) => lease.issued_at < license.not_before || lease.issued_at >= license.expires_at;

const isOutsideTrial = ({ lease, license, endsAt }: Carrying) =>
  license.activation !== undefined && (lease.activated_at === 0 || lease.activated_at > lease.issued_at || lease.issued_at >= endsAt);

const isTooLong = ({ lease, license, endsAt }: Carrying) =>
  lease.expires_at > endsAt || lease.expires_at > lease.issued_at + license.lease_seconds;

const content: Checks<Carrying> = [
  ["sequence", (carrying) => objection(isRolledBack(carrying), "The license in the lease is older than one that was seen before, or was revoked.")],
  ["dates", (carrying) => objection(isOutsideTerm(carrying), "The lease was issued outside the term of its license.")],
  ["activation", (carrying) => objection(isOutsideTrial(carrying), "The trial was not begun or is over.")],
  ["lease_times", ({ lease }) => objection(lease.expires_at <= lease.issued_at, "The lease ends before it begins.")],
  ["lease_too_long", (carrying) => objection(isTooLong(carrying), "The lease lasts longer than its license allows.")],
];

/**
 * A clock that once stood too far ahead leaves a mark that only the vendor can lift: by a re-issue, which the License
 * Server has then accepted, of a deployment that this client knows. Never by a trial, whose file everybody has.
 */
function liftsClock(license: License, { marks, anomalousWall }: Exchange): boolean {
  const mark = highestSequence(marks, license.deployment_id);
  return anomalousWall !== undefined && license.template !== "trial" && mark > 0 && license.sequence > mark;
}

interface Skew {
  /** Seconds by which the License Server's clock is behind this host's, and the other way round; negative when it is not. */
  readonly behind: number;
  readonly ahead: number;
}

/** How far the clocks are apart at least, as far as an exchange that took some time can tell. */
function skewOf({ issued_at }: Lease, { sentAt, receivedAt }: Pick<Exchange, "sentAt" | "receivedAt">): Skew {
  return { behind: sentAt - issued_at, ahead: issued_at - receivedAt };
}

/** Two clocks that differ by more than the vendor tolerates cannot both be right, and a term cannot be kept by them. */
function objectToClocks({ behind, ahead }: Skew, toleranceSeconds: number): string | undefined {
  if (behind > toleranceSeconds) return `The License Server's clock is ${behind} seconds behind this host's.`;
  return objection(ahead > toleranceSeconds, `This host's clock is ${ahead} seconds behind the License Server's.`);
}

function pass<Subject>(checks: Checks<Subject>, subject: Subject): void {
  for (const [refusal, check] of checks) {
    const sentence = check(subject);
    if (sentence !== undefined) throw new LeaseError(refusal, sentence);
  }
}

function signedLease(message: string, { instanceKey }: Expected): Lease {
  try {
    return verifyLease(message, [{ kid: thumbprint(instanceKey), publicKey: publicKeyFromX(instanceKey) }]);
  } catch (cause) {
    if (!(cause instanceof JwsError)) throw cause;
    throw new LeaseError("signature", `The answer is not a lease of a License Server that this role trusts: ${cause.message}.`, { cause });
  }
}

function licenseIn({ license }: Lease, trustedKeys: readonly TrustedKey[]): License {
  try {
    return readLicense(Buffer.from(license), trustedKeys);
  } catch (cause) {
    if (!(cause instanceof LicenseError)) throw cause;
    throw new LeaseError("license", `The lease carries no license of this build's vendor: ${cause.message}.`, { cause });
  }
}

/** A revocation that no trusted key signed, or that is of something else, says nothing; the refusal stands without it. */
function revocationOf({ revocation: text }: Lease, license: License, trustedKeys: readonly TrustedKey[]): Revocation | undefined {
  if (text === undefined) return undefined;
  try {
    const { revocation } = openRevocation(Buffer.from(text), trustedKeys);
    return revokes(revocation, license) ? revocation : undefined;
  } catch (error) {
    if (!(error instanceof LicenseError)) throw error;
    return undefined;
  }
}

function deniedBy(lease: Lease, { trustedKeys }: Expected): Denied {
  try {
    const license = licenseIn(lease, trustedKeys);
    return { kind: "denied", lease, license, revocation: revocationOf(lease, license, trustedKeys) };
  } catch (error) {
    if (!(error instanceof LeaseError)) throw error;
    return { kind: "denied", lease, license: undefined, revocation: undefined };
  }
}

/** -1 is unlimited, so it is the larger one whatever the other is. */
function lowerQuota(one: number, other: number): number {
  if (one === -1) return other;
  return other === -1 ? one : Math.min(one, other);
}

/** A feature is on only where both say so. */
function commonFeatures(told: Record<string, boolean>, signed: Record<string, boolean>): Record<string, boolean> {
  const common = Object.entries(signed).filter(([key, on]) => on && Object.hasOwn(told, key) && told[key] === true);
  return Object.fromEntries(common);
}

/** A quota is the lower one of both; one that either does not list is 0, which is what absence means. */
function commonQuotas(told: Record<string, number>, signed: Record<string, number>): Record<string, number> {
  const common = Object.entries(signed).flatMap(([key, limit]) => {
    const other = Object.hasOwn(told, key) ? told[key] : undefined;
    return other === undefined ? [] : [[key, lowerQuota(limit, other)] as const];
  });
  return Object.fromEntries(common);
}

function perNamespace<V>(value: (namespace: "global" | "account" | "team") => V) {
  return { global: value("global"), account: value("account"), team: value("team") };
}

function grantedBy(lease: Lease, expected: Expected): Granted {
  const license = licenseIn(lease, expected.trustedKeys);
  const activatedAt = earliestActivation(expected.marks, license.license_id, lease.activated_at);
  const trialEndsAt = license.activation === undefined ? Infinity : activatedAt + license.activation.days * DAY_SECONDS;
  const endsAt = Math.min(license.expires_at, trialEndsAt);
  pass(content, { lease, license, endsAt, expected });
  return {
    kind: "granted",
    lease,
    license,
    endsAt,
    graceEndsAt: Math.min(lease.issued_at + license.grace_seconds, endsAt),
    features: perNamespace((namespace) => commonFeatures(lease.features[namespace], license.features[namespace])),
    quotas: perNamespace((namespace) => commonQuotas(lease.quotas[namespace], license.quotas[namespace])),
    liftsClock: false,
    lagSeconds: 0,
  };
}

const isOpen = ({ state }: Lease) => state === "ok" || state === "expiring";

/** Judges the answer to `exchange`. Throws {@link LeaseError} when it is not to be obeyed. */
export function judgeFreshLease(message: string, exchange: Exchange): Granted | Denied {
  const lease = signedLease(message, exchange);
  pass(addressee, { lease, expected: exchange });
  pass(freshness, { lease, expected: exchange });
  if (!isOpen(lease)) return deniedBy(lease, exchange);
  const granted = grantedBy(lease, exchange);
  const isLifting = liftsClock(granted.license, exchange);
  const wall = isLifting ? exchange.anomalousWall : undefined;
  const skew = skewOf(lease, wall === undefined ? exchange : { sentAt: wall, receivedAt: wall });
  const sentence = objectToClocks(skew, granted.license.clock_tolerance_seconds);
  if (sentence !== undefined) throw new LeaseError("clocks", sentence);
  return { ...granted, liftsClock: isLifting, lagSeconds: Math.max(0, skew.behind) };
}

/** Judges the lease that this client stored when it accepted it. Throws {@link LeaseError}. */
export function judgeStoredLease(message: string, expected: Expected): Granted | Denied {
  const lease = signedLease(message, expected);
  pass(addressee, { lease, expected });
  pass(notOutdated, { lease, expected });
  return isOpen(lease) ? grantedBy(lease, expected) : deniedBy(lease, expected);
}
