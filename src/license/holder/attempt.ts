/**
 * One exchange with one License Server: challenge, proof, and the answer judged. A renewal answers the challenge that
 * came with the lease before, and is one request; where that serves no more, it begins with a challenge like the first.
 *
 * Rule: stateless. What the client remembers goes in as a value, what it learnt comes out as one; a proof is only ever
 * made for an instance key that is pinned, so a false server does not even get that far.
 */
import { createHash } from "node:crypto";
import { encodeBase64url } from "../../crypto/base64url.ts";
import { publicX, type SigningKey, thumbprint } from "../../crypto/jws.ts";
import type { DataDirectory } from "../../data-directory.ts";
import type { TrustedKey } from "../document.ts";
import { type Denied, type Granted, judgeFreshLease } from "./grant.ts";
import type { JoinToken } from "../join-token.ts";
import { type LeaseRole, type Proof, signProof } from "../lease.ts";
import { type LeaseMarks, seenFrom } from "./marks.ts";
import { type Connection, type LeaseAnswer, NoAnswer, requestChallenge, requestLease } from "./license-client.ts";
import { findEnrolment, isPinned } from "./pins.ts";

/** What of a client stays the same from start to stop. */
export interface Client {
  readonly key: SigningKey;
  readonly role: LeaseRole;
  readonly directory: DataDirectory;
  readonly trustedKeys: readonly TrustedKey[];
  readonly tokens: readonly JoinToken[];
  readonly version: string;
}

/** The server's half of an exchange that has not begun: it came with the last lease. */
export interface Begun {
  readonly address: string;
  readonly instanceKey: string;
  readonly serverNonce: string;
  /** By the monotonic clock, milliseconds. */
  readonly endsAtMonotonicMs: number;
}

/** What it knows at the moment it asks. */
export interface Knowledge {
  readonly pins: readonly string[];
  readonly marks: LeaseMarks;
  /** Guarded time, epoch seconds. */
  readonly now: () => number;
  /** Wall clock, epoch seconds, while it is known to be behind. */
  readonly anomalousWall: () => number | undefined;
}

export interface Attempt {
  readonly answer: Granted | Denied;
  /** The signed text, to be kept. */
  readonly message: string;
  readonly instanceKey: string;
  readonly changesTicket: string | undefined;
  /** What the next attempt at this address can go on from. */
  readonly next: Begun | undefined;
}

/** A client, whom it asks, and what it knows. */
interface Asking {
  readonly client: Client;
  readonly connection: Connection;
  readonly knowledge: Knowledge;
}

interface Opened {
  readonly instanceKey: string;
  readonly clientNonce: string;
  readonly serverNonce: string;
}

function newNonce({ services }: Connection): string {
  return encodeBase64url(services.random.bytes(32));
}

function requirePinned(instanceKey: string, { client, knowledge }: Asking): void {
  if (isPinned(thumbprint(instanceKey), knowledge.pins, client.directory)) return;
  throw new NoAnswer("not_pinned", "The License Server is not one that this role was told to trust; give the role a join token of it.");
}

async function openExchange(asking: Asking): Promise<Opened> {
  const { client, connection } = asking;
  const clientNonce = newNonce(connection);
  const { server_nonce: serverNonce, instance_key: instanceKey } = await requestChallenge(connection, {
    client_key: publicX(client.key.publicKey),
    role: client.role,
    client_nonce: clientNonce,
  });
  requirePinned(instanceKey, asking);
  return { instanceKey, clientNonce, serverNonce };
}

/** Goes on from what came with the last lease; undefined when there is nothing, or not from here, or not any more. */
function continueExchange(asking: Asking, begun: Begun | undefined): Opened | undefined {
  const { connection } = asking;
  if (begun?.address !== connection.address || connection.services.clock.monotonic() >= begun.endsAtMonotonicMs) return undefined;
  requirePinned(begun.instanceKey, asking);
  return { instanceKey: begun.instanceKey, serverNonce: begun.serverNonce, clientNonce: newNonce(connection) };
}

function seenMarks({ marks, now }: Knowledge, instance: string): Proof["seen"] {
  const { epoch, counter } = seenFrom(marks, instance);
  const latest = marks.deployments.at(-1);
  return { epoch, counter, deployment_id: latest?.deployment_id ?? null, sequence: latest?.sequence ?? 0, time: now() };
}

interface Purpose {
  readonly purpose: Proof["purpose"];
  readonly file_sha256?: string;
}

function proofOf({ client, knowledge }: Asking, { instanceKey, clientNonce, serverNonce }: Opened, purpose: Purpose): string {
  const { key, role, version } = client;
  const instance = thumbprint(instanceKey);
  const enrolment = findEnrolment({ ...client, instance }, { clientKey: publicX(key.publicKey), role, clientNonce, serverNonce });
  return signProof(key, {
    ...purpose,
    audience: instance,
    role,
    client_nonce: clientNonce,
    server_nonce: serverNonce,
    issued_at: knowledge.now(),
    seen: seenMarks(knowledge, instance),
    ...(enrolment === undefined ? {} : { enrolment }),
    version,
  });
}

function begunBy({ next }: LeaseAnswer, { address, services }: Connection, instanceKey: string): Begun | undefined {
  if (next === undefined) return undefined;
  return { address, instanceKey, serverNonce: next.server_nonce, endsAtMonotonicMs: services.clock.monotonic() + next.expires_in * 1_000 };
}

async function complete(asking: Asking, opened: Opened): Promise<Attempt> {
  const { client, connection, knowledge } = asking;
  const sentAt = knowledge.now();
  const given = await requestLease(connection, proofOf(asking, opened, { purpose: "lease" }));
  const answer = judgeFreshLease(given.lease, {
    ...opened,
    role: client.role,
    client: client.key.kid,
    trustedKeys: client.trustedKeys,
    marks: knowledge.marks,
    sentAt,
    receivedAt: knowledge.now(),
    anomalousWall: knowledge.anomalousWall(),
  });
  const { instanceKey } = opened;
  return { answer, message: given.lease, instanceKey, changesTicket: given.changesTicket, next: begunBy(given, connection, instanceKey) };
}

/** A server that has started anew, or forgot for another reason, does not know what it handed out with the last lease. */
function isForgotten(cause: unknown): boolean {
  return cause instanceof NoAnswer && cause.fault?.code === "handshake_refused";
}

/** Asks for a lease, going on from `begun` where that serves. Throws {@link NoAnswer} or LeaseError; nothing was learnt then. */
export async function attemptLease(client: Client, connection: Connection, knowledge: Knowledge & { readonly begun?: Begun | undefined }): Promise<Attempt> {
  const asking = { client, connection, knowledge };
  const continued = continueExchange(asking, knowledge.begun);
  if (continued !== undefined) {
    try {
      return await complete(asking, continued);
    } catch (cause) {
      if (!isForgotten(cause)) throw cause;
    }
  }
  return await complete(asking, await openExchange(asking));
}

/** The signed text by which the server may read its license file again. */
export async function proveReload(client: Client, connection: Connection, knowledge: Knowledge): Promise<string> {
  const asking = { client, connection, knowledge };
  return proofOf(asking, await openExchange(asking), { purpose: "reload" });
}

/** What goes along with a proof that names a file. */
export interface FilePurpose {
  readonly file: Uint8Array;
  readonly purpose: "install" | "test";
}

/** The signed text by which the server may replace its license file by exactly `file`, or say what that would do. */
export async function proveFile(client: Client, connection: Connection, { file, purpose, ...knowledge }: Knowledge & FilePurpose): Promise<string> {
  const file_sha256 = createHash("sha256").update(file).digest("base64url");
  const asking = { client, connection, knowledge };
  return proofOf(asking, await openExchange(asking), { purpose, file_sha256 });
}
