/**
 * Enrolled clients: which roles may have a lease at all, and how a new one comes among them.
 *
 * A role of the same data directory proves that it can read the enrolment secret; one on another host holds a join
 * token, which an operator made here and which serves once. A client key belongs to one role for ever; a revoked key
 * never comes back.
 *
 * Rule: refusals look alike to a stranger and leave no row behind, so that nobody fills the audit log by knocking.
 */
import { and, count, eq, gt, isNull, max } from "drizzle-orm";
import { isSameSecret } from "../../crypto/sealing.ts";
import { Fault, notFound } from "../../fault.ts";
import { command, type CommandAct, procedure, query } from "../../gate/operation.ts";
import type { Presented } from "./handshake.ts";
import { enrolmentMac } from "../enrolment-mac.ts";
import { readHostParts } from "./host-parts.ts";
import { formatJoinToken } from "../join-token.ts";
import type { Enrolment } from "../lease.ts";
import type { Reader } from "../../store/store.ts";
import type { LicenseServer } from "./license-server.ts";

/** Clients that are not revoked; a site has a dozen. */
export const CLIENTS_MAX = 1_000;
/** Join tokens that are neither used nor over. */
export const JOIN_TOKENS_MAX = 100;
export const JOIN_TOKEN_SECONDS_MAX = 7 * 86_400;
const JOIN_TOKEN_SECONDS = 3_600;
const TOKEN_ID_BYTES = 4;
const SECRET_BYTES = 32;

/** The one refusal for a client that is not enrolled, is revoked, or shows nothing that would enrol it. */
export function notEnrolled(): Fault {
  return new Fault("not_enrolled", "This client is not enrolled with the License Server.", {
    hint: "On the License Server's host run: cyberun license join-token; give the token to the role in a file (CYBERUN_JOIN_TOKEN_FILE) and start it again.",
  });
}

function macOf(secret: Uint8Array, { proof, challenge }: Presented): string {
  const { client_key, role } = challenge.request;
  return enrolmentMac(secret, { clientKey: client_key, role, clientNonce: proof.client_nonce, serverNonce: challenge.serverNonce });
}

interface EnrolInput {
  readonly server: LicenseServer;
  readonly presented: Presented;
  readonly enrolment: Enrolment;
}

/** Takes the join token that `enrolment` names, if its MAC holds: by one conditional update, so it serves once. */
async function takeToken({ writer, sealer }: CommandAct, { server, presented, enrolment }: EnrolInput): Promise<boolean> {
  if (enrolment.kind !== "token") return false;
  const { joinTokens } = writer.tables;
  const nowMs = Math.ceil(server.moment().clock.nowMs);
  const isLive = and(eq(joinTokens.id, enrolment.id), isNull(joinTokens.used_at), gt(joinTokens.expires_at, nowMs));
  const [token] = await writer.select().from(joinTokens).where(isLive);
  if (token === undefined) return false;
  const secret = sealer.open("join-token", token.id, token.secret);
  if (!isSameSecret(enrolment.mac, macOf(secret, presented))) return false;
  const taken = await writer.update(joinTokens).set({ used_at: nowMs }).where(isLive).returning({ id: joinTokens.id });
  return taken.length === 1;
}

async function mayEnrol(act: CommandAct, input: EnrolInput): Promise<boolean> {
  const { server, presented, enrolment } = input;
  if (enrolment.kind === "local") return isSameSecret(enrolment.mac, macOf(server.enrolSecret, presented));
  return await takeToken(act, input);
}

async function requireRoom({ writer }: CommandAct): Promise<void> {
  const { leaseClients } = writer.tables;
  const [enrolled] = await writer.select({ clients: count() }).from(leaseClients).where(isNull(leaseClients.revoked_at));
  if ((enrolled?.clients ?? 0) < CLIENTS_MAX) return;
  throw new Fault("conflict", `This License Server has its ${CLIENTS_MAX} clients.`, { hint: "Revoke clients that are gone (cyberun license clients --revoke ID)." });
}

/** Two first leases of one client may cross: the second finds it enrolled. A revoked key, or one of another role, is refused. */
async function isEnrolled({ writer }: CommandAct, { proof, clientId }: Presented): Promise<boolean> {
  const { leaseClients } = writer.tables;
  const [client] = await writer.select().from(leaseClients).where(eq(leaseClients.id, clientId));
  if (client === undefined) return false;
  if (client.revoked_at === null && client.role === proof.role) return true;
  throw notEnrolled();
}

/** Enrols the client that presented itself. Throws Fault `not_enrolled`. */
export const enrolClient = command("lease_client.enrol", async (act, input: EnrolInput): Promise<void> => {
  const { writer, note } = act;
  const { proof, clientId } = input.presented;
  if (await isEnrolled(act, input.presented)) return note({ subject: `lease_client:${clientId}`, details: { again: true } });
  if (!(await mayEnrol(act, input))) throw notEnrolled();
  await requireRoom(act);
  const by = input.enrolment.kind === "local" ? "local" : `token:${input.enrolment.id}`;
  const added = await writer
    .insert(writer.tables.leaseClients)
    .values({
      id: clientId,
      client_key: proof.client_key,
      role: proof.role,
      enrolled_by: by,
      enrolled_at: Math.ceil(input.server.moment().clock.nowMs),
    })
    .onConflictDoNothing()
    .returning({ id: writer.tables.leaseClients.id });
  if (added.length === 0) throw notEnrolled();
  note({ subject: `lease_client:${clientId}`, details: { role: proof.role, by, version: proof.version } });
});

export interface LeaseClient {
  readonly id: string;
  readonly role: string;
  readonly enrolled_by: string;
  /** Epoch milliseconds. */
  readonly enrolled_at: number;
  readonly revoked_at: number | null;
  readonly last_lease_at: number | null;
  /** Leases and refusals so far. */
  readonly counter: number;
}

/** Every client, with its last lease. */
export const listLeaseClients = query("lease_client.list", async ({ reader }, _input: undefined): Promise<readonly LeaseClient[]> => {
  const { leaseClients, leaseDays } = reader.tables;
  const { id, role, enrolled_by, enrolled_at, revoked_at } = leaseClients;
  const clients = await reader.select({ id, role, enrolled_by, enrolled_at, revoked_at }).from(leaseClients).orderBy(enrolled_at, id);
  const leases = await reader
    .select({ client_id: leaseDays.client_id, last_lease_at: max(leaseDays.last_lease_at), counter: max(leaseDays.last_counter) })
    .from(leaseDays)
    .groupBy(leaseDays.client_id);
  const last = new Map(leases.map((lease) => [lease.client_id, lease]));
  return clients.map((client) => ({
    ...client,
    last_lease_at: last.get(client.id)?.last_lease_at ?? null,
    counter: last.get(client.id)?.counter ?? 0,
  }));
});

/** Refuses the client from now on, its open push streams too. Its last lease ends by itself. */
export const revokeLeaseClient = procedure(
  "lease_client.revoke",
  async (act, { server, clientId }: { readonly server: LicenseServer; readonly clientId: string }): Promise<void> => {
    await act.write(async ({ writer, note }) => {
      const { leaseClients } = writer.tables;
      const revoked = await writer
        .update(leaseClients)
        .set({ revoked_at: Math.ceil(server.moment().clock.nowMs) })
        .where(and(eq(leaseClients.id, clientId), isNull(leaseClients.revoked_at)))
        .returning({ id: leaseClients.id });
      if (revoked.length === 0) throw notFound();
      note({ subject: `lease_client:${clientId}` });
    });
    // After the commit: what a lease read before it, on an engine whose commands run side by side, is not remembered.
    server.clients.revoke(clientId);
    server.changes.drop(clientId);
  },
);

/** Throws Fault `not_enrolled` unless the client is enrolled and not revoked. */
export async function requireEnrolled(reader: Reader, clientId: string): Promise<void> {
  const { leaseClients } = reader.tables;
  const [client] = await reader.select({ revoked_at: leaseClients.revoked_at }).from(leaseClients).where(eq(leaseClients.id, clientId));
  if (client === undefined || client.revoked_at !== null) throw notEnrolled();
}

export interface MadeJoinToken {
  /** The whole token, shown this once. */
  readonly token: string;
  readonly id: string;
  /** Epoch seconds. */
  readonly expires_at: number;
}

async function requireFewTokens({ writer }: CommandAct, nowMs: number): Promise<void> {
  const { joinTokens } = writer.tables;
  const isLive = and(isNull(joinTokens.used_at), gt(joinTokens.expires_at, nowMs));
  const [live] = await writer.select({ tokens: count() }).from(joinTokens).where(isLive);
  if ((live?.tokens ?? 0) < JOIN_TOKENS_MAX) return;
  throw new Fault("conflict", `There are ${JOIN_TOKENS_MAX} unused join tokens.`, { hint: "Use them, or wait until they are over." });
}

/** Makes a single-use token; the secret is stored sealed, because it is needed to check a client's MAC. */
export const createJoinToken = command(
  "join_token.create",
  async (act, { server, seconds = JOIN_TOKEN_SECONDS }: { readonly server: LicenseServer; readonly seconds?: number }): Promise<MadeJoinToken> => {
    const { writer, services, sealer, note } = act;
    if (!Number.isSafeInteger(seconds) || seconds < 1 || seconds > JOIN_TOKEN_SECONDS_MAX) {
      throw new Fault("invalid_request", `A join token lives for 1 to ${JOIN_TOKEN_SECONDS_MAX} seconds.`);
    }
    const nowMs = Math.ceil(server.moment().clock.nowMs);
    await requireFewTokens(act, nowMs);
    const id = Buffer.from(services.random.bytes(TOKEN_ID_BYTES)).toString("hex");
    const secret = services.random.bytes(SECRET_BYTES);
    const expiresAtMs = nowMs + seconds * 1_000;
    await writer.insert(writer.tables.joinTokens).values({ id, secret: sealer.seal("join-token", id, secret), created_at: nowMs, expires_at: expiresAtMs });
    note({ subject: `join_token:${id}`, details: { seconds } });
    return { token: formatJoinToken({ id, secret, instance: server.instance.kid }), id, expires_at: Math.floor(expiresAtMs / 1_000) };
  },
);

/** The parts by which a vendor can bind a license of `deploymentId` to this host. For the operator on the host. */
export function hostFingerprint({ hostFiles }: Pick<LicenseServer, "hostFiles">, deploymentId: string): readonly string[] {
  return readHostParts(hostFiles, deploymentId);
}
