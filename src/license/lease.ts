/**
 * The three messages of the lease handshake as plain values: challenge, proof, lease.
 *
 *     client                                   License Server
 *     POST /v1/challenges {client_key, role, client_nonce}
 *                          → {server_nonce, instance_key, epoch, expires_in}
 *     POST /v1/leases     {proof}              proof = JWS by the client key over both nonces
 *                          → {lease, next}     lease = JWS by the instance key, naming client and nonce
 *                                              next = the challenge of the renewal, which is one request then
 *
 * Rule: pure. Signs and verifies, keeps no state, opens no socket. `server/leases.ts` is the server's side,
 * `holder/lease-holder.ts` the client's. The protocol is published in `docs/lease-protocol.md`.
 */
import { type Static, Type } from "typebox";
import { shapeOf } from "../shape.ts";
import { JwsError, publicKeyFromX, publicX, type SigningKey, signJws, thumbprint, verifyJws, type VerifyKey } from "../crypto/jws.ts";

export const LEASE_TYP = "cyberun-lease+jws";
export const PROOF_TYP = "cyberun-proof+jws";
/** A challenge that is older is refused, whatever it is signed with. */
export const CHALLENGE_SECONDS = 30;

/** The deployment's own roles, and products of others that gate their features by the same license. */
export const leaseRoles = ["api", "gateway", "issuer", "product"] as const;
export type LeaseRole = (typeof leaseRoles)[number];
export type OwnRole = Exclude<LeaseRole, "product">;

const closed = { additionalProperties: false };
const Role = Type.Union([Type.Literal("api"), Type.Literal("gateway"), Type.Literal("issuer"), Type.Literal("product")]);
/** 32 bytes in base64url: a nonce, a public key, a thumbprint or a SHA-256. */
const Bytes32 = Type.String({ pattern: "^[A-Za-z0-9_-]{43}$" });
const Seconds = Type.Integer({ minimum: 0 });
const Count = Type.Integer({ minimum: 0 });
const Key = Type.String({ pattern: "^[a-z][a-z0-9_]{0,63}$" });
const Features = Type.Record(Key, Type.Boolean(), closed);
const Quotas = Type.Record(Key, Type.Integer({ minimum: -1 }), closed);

export const ChallengeRequestSchema = Type.Object({ client_key: Bytes32, role: Role, client_nonce: Bytes32 }, closed);
export type ChallengeRequest = Static<typeof ChallengeRequestSchema>;

export const ChallengeSchema = Type.Object(
  { server_nonce: Bytes32, instance_key: Bytes32, epoch: Count, expires_in: Type.Integer({ minimum: 1 }) },
  closed,
);
export type Challenge = Static<typeof ChallengeSchema>;

/** The challenge of a client's next renewal, handed out with a lease. The client chooses its own nonce with the proof. */
export const NextChallengeSchema = Type.Object({ server_nonce: Bytes32, expires_in: Type.Integer({ minimum: 1 }) }, closed);
export type NextChallenge = Static<typeof NextChallengeSchema>;

/** The highest marks a client has seen: what a restored or reset server learns again from it. */
const SeenSchema = Type.Object(
  {
    epoch: Count,
    counter: Count,
    deployment_id: Type.Union([Type.Null(), Type.String({ maxLength: 128 })]),
    sequence: Count,
    /** The client's own guarded time, epoch seconds. */
    time: Seconds,
  },
  closed,
);
export type Seen = Static<typeof SeenSchema>;

/** How an unknown client shows that it belongs here: by the data directory's secret or by a single-use join token. */
const EnrolmentSchema = Type.Union([
  Type.Object({ kind: Type.Literal("local"), mac: Bytes32 }, closed),
  Type.Object({ kind: Type.Literal("token"), id: Type.String({ pattern: "^[A-Za-z0-9]{8}$" }), mac: Bytes32 }, closed),
]);
export type Enrolment = Static<typeof EnrolmentSchema>;

const ProofSchema = Type.Object(
  {
    format: Type.Literal(1),
    /** What the proof is for; a proof for one purpose never serves another. */
    purpose: Type.Union([Type.Literal("lease"), Type.Literal("reload"), Type.Literal("install"), Type.Literal("test")]),
    /** Thumbprint of the instance key, so that a proof cannot be relayed to another License Server. */
    audience: Bytes32,
    role: Role,
    client_key: Bytes32,
    client_nonce: Bytes32,
    server_nonce: Bytes32,
    issued_at: Seconds,
    /** SHA-256 of the file that is sent along; with purpose `install` and `test`. */
    file_sha256: Type.Optional(Bytes32),
    seen: SeenSchema,
    enrolment: Type.Optional(EnrolmentSchema),
    version: Type.String({ maxLength: 64 }),
  },
  closed,
);
export type Proof = Static<typeof ProofSchema>;

/** What a License Server can say; listed one by one, because a mapped list loses its literal types. */
const State = Type.Union([
  Type.Literal("ok"),
  Type.Literal("expiring"),
  Type.Literal("expired"),
  Type.Literal("not_yet_valid"),
  Type.Literal("invalid"),
  Type.Literal("revoked"),
  Type.Literal("not_bound"),
  Type.Literal("clock_anomaly"),
  Type.Literal("rollback_suspected"),
  Type.Literal("missing"),
]);

const LeaseSchema = Type.Object(
  {
    format: Type.Literal(1),
    lease_id: Type.String({ maxLength: 64 }),
    role: Role,
    /** Thumbprint of the client key: the lease is worth nothing to anybody else. */
    client: Bytes32,
    client_nonce: Bytes32,
    server_nonce: Bytes32,
    /** Grows with each start of the server; together with `counter` no two leases of a client are alike. */
    epoch: Count,
    counter: Count,
    issued_at: Seconds,
    /** min(issued_at + lease_seconds, end of the license). */
    expires_at: Seconds,
    /** Anything but `ok` and `expiring` is a signed refusal: it grants nothing and there is no grace on it. */
    state: State,
    /** Epoch seconds when the state began; 0 when unknown. */
    since: Seconds,
    reason: Type.String({ maxLength: 500 }),
    /** The vendor-signed license itself; empty only when there is none. */
    license: Type.String({ maxLength: 65_536 }),
    /** With the state `revoked`: the vendor-signed revocation itself, so that the client can remember it. */
    revocation: Type.Optional(Type.String({ maxLength: 4_096 })),
    /** Epoch seconds of the first use of a trial; 0 otherwise. */
    activated_at: Seconds,
    features: Type.Object({ global: Features, account: Features, team: Features }, closed),
    quotas: Type.Object({ global: Quotas, account: Quotas, team: Quotas }, closed),
  },
  closed,
);
export type Lease = Static<typeof LeaseSchema>;
/** The states a License Server can speak of; `unreachable` and `grace_over` are the client's own. */
export type ServedState = Lease["state"];

const proofShape = shapeOf(ProofSchema);
const leaseShape = shapeOf(LeaseSchema);

interface Shape<T> {
  Check(value: unknown): value is T;
}

function shaped<T>(shape: Shape<T>, payload: unknown, what: string): T {
  if (shape.Check(payload)) return payload;
  throw new JwsError("malformed", `the content is not a ${what}`);
}

export function signProof(key: SigningKey, proof: Omit<Proof, "format" | "client_key">): string {
  return signJws(PROOF_TYP, key, { format: 1, client_key: publicX(key.publicKey), ...proof });
}

/** A client key in both forms: what messages carry, and what verifies them. */
export interface ClientKey extends VerifyKey {
  /** JWK `x` member. */
  readonly x: string;
}

/** The client key with this `x`; its kid is the thumbprint. Throws {@link JwsError}. */
export function clientKeyFromX(x: string): ClientKey {
  return { x, kid: thumbprint(x), publicKey: publicKeyFromX(x) };
}

/**
 * Verifies a proof with the key that `findKey` knows by its kid, and that it names this very key.
 * Whether that key is enrolled, and whether the nonces are live, is the caller's to decide. Throws {@link JwsError}.
 */
export function verifyProofBy(message: string, findKey: (kid: string) => ClientKey | undefined): { readonly proof: Proof; readonly key: ClientKey } {
  const { kid, payload } = verifyJws(PROOF_TYP, message, findKey);
  const proof = shaped(proofShape, payload, "proof");
  const key = findKey(kid);
  if (key === undefined || proof.client_key !== key.x) throw new JwsError("malformed", "the proof names another client key");
  return { proof, key };
}

/** Verifies that `message` was signed by the client key with this `x`. Throws {@link JwsError}. */
export function verifyProof(message: string, clientKey: string): Proof {
  const key = clientKeyFromX(clientKey);
  return verifyProofBy(message, (kid) => (kid === key.kid ? key : undefined)).proof;
}

export function signLease(key: SigningKey, lease: Lease): string {
  return signJws(LEASE_TYP, key, lease);
}

/** Verifies `message` against the pinned instance keys. Throws {@link JwsError}. */
export function verifyLease(message: string, pinned: readonly VerifyKey[]): Lease {
  const { payload } = verifyJws(LEASE_TYP, message, (kid) => pinned.find((key) => key.kid === kid));
  return shaped(leaseShape, payload, "lease");
}
