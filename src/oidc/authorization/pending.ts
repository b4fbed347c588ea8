/**
 * Requests that wait: pushed ones for the browser that brings their reference, and ones under way for the person.
 *
 * Rule: only the digest of a handle is stored, and each is used up by one conditional update. A request under way
 * belongs to the browser that opened it first, so that a link to it that is passed on opens nothing elsewhere.
 */
import { and, eq, gt, inArray, isNull, lt, or, sql } from "drizzle-orm";
import type { Sealer } from "../../crypto/sealing.ts";
import { randomSecret } from "../../crypto/tokens.ts";
import { Fault } from "../../fault.ts";
import type { CommandAct } from "../../gate/operation.ts";
import { type AuthorizationRequest, isOwnPage, parseRequest } from "./request.ts";

/** `pushed`: known by its `request_uri`. `open`: under way in a browser. A handle of one kind is none of the other. */
export type PendingKind = "pushed" | "open";

/** Each new request sweeps out so many that are over, so that requests nobody finishes cannot fill the store. */
const SWEEP_MAX = 20;
const HANDLE = /^[0-9A-Za-z]{43}$/;

export interface Pending {
  readonly request: AuthorizationRequest;
  /** Epoch milliseconds. */
  readonly requestedAtMs: number;
}

/** The way to a request under way: what stands in the address, and what the browser's own cookie holds. */
export interface Opened {
  readonly handle: string;
  readonly browser: string;
}

function digestOf(sealer: Sealer, kind: PendingKind, handle: string): string {
  return sealer.digest("oidc-request", `${kind}:${handle}`);
}

function browserDigest(sealer: Sealer, browser: string): string {
  return sealer.digest("oidc-request", `browser:${browser}`);
}

function goneFault(): Fault {
  return new Fault("gone", "This sign-in is over, or was begun in another browser.", { hint: "Go back to the application and start again." });
}

async function sweep({ writer }: CommandAct, now: number): Promise<void> {
  const { oidcRequests: requests } = writer.tables;
  const over = writer.select({ digest: requests.digest }).from(requests).where(lt(requests.expires_at, now)).limit(SWEEP_MAX);
  await writer.delete(requests).where(inArray(requests.digest, over));
}

/** Stores a good request and gives its handle. */
export async function insertPending(act: CommandAct, kind: PendingKind, request: AuthorizationRequest): Promise<string> {
  const { writer, services, sealer, settings } = act;
  const now = services.clock.now();
  const handle = randomSecret(services.random);
  await sweep(act, now);
  await writer.insert(writer.tables.oidcRequests).values({
    digest: digestOf(sealer, kind, handle),
    client_id: isOwnPage(request) ? null : request.clientId,
    parameters: JSON.stringify(request),
    created_at: now,
    expires_at: now + (kind === "pushed" ? settings.pushedRequestSeconds : settings.authorizationRequestSeconds) * 1_000,
  });
  return handle;
}

/** Uses up a pushed request of the client; undefined when there is none that is good. */
export async function takePushed({ writer, services, sealer }: CommandAct, handle: string, clientId: string): Promise<AuthorizationRequest | undefined> {
  if (!HANDLE.test(handle)) return undefined;
  const { oidcRequests: requests } = writer.tables;
  const now = services.clock.now();
  const [row] = await writer
    .update(requests)
    .set({ used_at: now })
    .where(and(eq(requests.digest, digestOf(sealer, "pushed", handle)), eq(requests.client_id, clientId), isNull(requests.used_at), gt(requests.expires_at, now)))
    .returning({ parameters: requests.parameters });
  return row === undefined ? undefined : parseRequest(row.parameters);
}

/** The request under way, which from now on is this browser's. Throws Fault `gone`. */
export async function openPending({ writer, services, sealer }: CommandAct, { handle, browser }: Opened): Promise<Pending> {
  if (!HANDLE.test(handle) || !HANDLE.test(browser)) throw goneFault();
  const { oidcRequests: requests } = writer.tables;
  const own = browserDigest(sealer, browser);
  const isOwn = or(isNull(requests.browser_digest), eq(requests.browser_digest, own));
  const [row] = await writer
    .update(requests)
    .set({ browser_digest: sql`coalesce(${requests.browser_digest}, ${own})` })
    .where(and(eq(requests.digest, digestOf(sealer, "open", handle)), isOwn, isNull(requests.used_at), gt(requests.expires_at, services.clock.now())))
    .returning({ parameters: requests.parameters, created_at: requests.created_at });
  if (row === undefined) throw goneFault();
  return { request: parseRequest(row.parameters), requestedAtMs: row.created_at };
}

/** Uses up a request that was opened: it has its answer. Throws Fault `gone` when another answer was first. */
export async function closePending({ writer, services, sealer }: CommandAct, { handle }: Opened): Promise<void> {
  const { oidcRequests: requests } = writer.tables;
  const [row] = await writer
    .update(requests)
    .set({ used_at: services.clock.now() })
    .where(and(eq(requests.digest, digestOf(sealer, "open", handle)), isNull(requests.used_at)))
    .returning({ digest: requests.digest });
  if (row === undefined) throw goneFault();
}
