/**
 * Sign-ins at a provider that are under way: from the button to the callback, and from a callback that nobody is known
 * by to the account that it shall be connected with.
 *
 *     sent ──callback──► known: signed in
 *                   └──► unlinked ──sign-in here──► connected
 *
 * Rule: only a keyed digest of a handle is stored; a handle is of one stage, one provider and one browser (GHSA-x445-f3h2-j279),
 * good once and for a short time (CVE-2025-46815). Nonce and code verifier follow from the state under a key of ours, so
 * they are nowhere stored. What a flow leads back to is sealed.
 */
import { and, eq, gt, inArray, isNull, lt } from "drizzle-orm";
import { type Static, Type } from "typebox";
import { shapeOf } from "../../shape.ts";
import { randomSecret } from "../../crypto/tokens.ts";
import { Fault } from "../../fault.ts";
import type { Act, CommandAct } from "../../gate/operation.ts";
import type { Reader } from "../../store/store.ts";
import type { Tables } from "../../store/schema.ts";

/** The handle of a `sent` flow is its `state`; that of an `unlinked` one stands in the address of its page. */
export type FlowStage = "sent" | "unlinked";

/** A person may have to look for a second factor at the provider, or for a password here. */
const FLOW_SECONDS = 900;
/** Each new flow sweeps out so many that are over. */
const SWEEP_MAX = 20;
const HANDLE = /^[0-9A-Za-z]{43}$/;

const TargetSchema = Type.Union([
  /** A client's authorization request that is under way at the issuer. */
  Type.Object({ kind: Type.Literal("interaction"), handle: Type.String() }),
  /** The dashboard, which gets a code; `challenge` binds the code to who asked (S256, as RFC 7636 section 4.2). */
  Type.Object({ kind: Type.Literal("dashboard"), challenge: Type.Optional(Type.String()) }),
]);
export type Target = Readonly<Static<typeof TargetSchema>>;

const IdentitySchema = Type.Object({ subject: Type.String(), email: Type.Optional(Type.String()) });
/** Whom a provider vouched for. */
export type FoundIdentity = Readonly<Static<typeof IdentitySchema>>;

const targetShape = shapeOf(TargetSchema);
const identityShape = shapeOf(IdentitySchema);

export interface NewFlow {
  readonly stage: FlowStage;
  readonly providerId: string;
  readonly issuer: string;
  readonly browser: string;
  readonly target: Target;
  /** For `unlinked`. */
  readonly identity?: FoundIdentity;
}

export interface Flow {
  readonly providerId: string;
  readonly issuer: string;
  readonly target: Target;
  readonly identity: FoundIdentity | undefined;
  /** Epoch milliseconds. */
  readonly createdAtMs: number;
}

/** A handle as it was shown, with the browser that showed it. */
export interface ShownFlow {
  readonly stage: FlowStage;
  readonly handle: string;
  readonly browser: string;
}

function digestOf({ sealer }: Pick<Act, "sealer">, stage: FlowStage, handle: string): string {
  return sealer.digest("upstream-flow", `${stage}:${handle}`);
}

function browserDigest({ sealer }: Pick<Act, "sealer">, providerId: string, browser: string): string {
  return sealer.digest("upstream-flow", `browser:${providerId}:${browser}`);
}

export function flowGoneFault(): Fault {
  return new Fault("gone", "This sign-in is over, or was begun in another browser.", { hint: "Go back to where you came from and start again." });
}

/** What binds the provider's ID token to this flow (OpenID Connect Core 1.0 section 3.1.2.1). */
export function nonceOf({ sealer }: Pick<Act, "sealer">, state: string): string {
  return sealer.digest("upstream-flow", `nonce:${state}`);
}

/** What binds the provider's code to this flow: 43 characters of base64url (RFC 7636 section 4.1). */
export function codeVerifierOf({ sealer }: Pick<Act, "sealer">, state: string): string {
  return sealer.digest("upstream-flow", `verifier:${state}`);
}

async function sweep({ writer, services }: CommandAct): Promise<void> {
  const { upstreamFlows: flows } = writer.tables;
  const over = writer.select({ digest: flows.digest }).from(flows).where(lt(flows.expires_at, services.clock.now())).limit(SWEEP_MAX);
  await writer.delete(flows).where(inArray(flows.digest, over));
}

/** Stores a flow and gives its handle. */
export async function insertFlow(act: CommandAct, { stage, providerId, issuer, browser, target, identity }: NewFlow): Promise<string> {
  const { writer, services, sealer } = act;
  if (!HANDLE.test(browser)) throw flowGoneFault();
  await sweep(act);
  const handle = randomSecret(services.random);
  const digest = digestOf(act, stage, handle);
  const now = services.clock.now();
  await writer.insert(writer.tables.upstreamFlows).values({
    digest,
    stage,
    provider_id: providerId,
    issuer,
    browser_digest: browserDigest(act, providerId, browser),
    target: sealer.seal("upstream-flow", digest, JSON.stringify(target)),
    identity: identity === undefined ? null : sealer.seal("upstream-flow", digest, JSON.stringify(identity)),
    created_at: now,
    expires_at: now + FLOW_SECONDS * 1_000,
  });
  return handle;
}

function opened({ sealer }: Pick<Act, "sealer">, digest: string, sealed: string): unknown {
  const value: unknown = JSON.parse(sealer.open("upstream-flow", digest, sealed).toString("utf8"));
  return value;
}

function flowOf(act: Pick<Act, "sealer">, row: Tables["upstreamFlows"]["$inferSelect"]): Flow {
  const target = opened(act, row.digest, row.target);
  const identity = row.identity === null ? undefined : opened(act, row.digest, row.identity);
  if (!targetShape.Check(target) || (identity !== undefined && !identityShape.Check(identity))) throw new Error("a stored flow is one of ours");
  return { providerId: row.provider_id, issuer: row.issuer, target, identity, createdAtMs: row.created_at };
}

async function findRow(act: Pick<Act, "sealer" | "services">, reader: Reader, { stage, handle, browser }: ShownFlow) {
  if (!HANDLE.test(handle) || !HANDLE.test(browser)) throw flowGoneFault();
  const { upstreamFlows: flows } = reader.tables;
  const isLive = and(eq(flows.digest, digestOf(act, stage, handle)), eq(flows.stage, stage), isNull(flows.used_at), gt(flows.expires_at, act.services.clock.now()));
  const [row] = await reader.select().from(flows).where(isLive);
  if (row === undefined || row.browser_digest !== browserDigest(act, row.provider_id, browser)) throw flowGoneFault();
  return row;
}

/** The flow, without using it up. Throws Fault `gone`. */
export async function getFlow(act: Pick<Act, "sealer" | "services">, reader: Reader, shown: ShownFlow): Promise<Flow> {
  return flowOf(act, await findRow(act, reader, shown));
}

/** Uses up the flow: of any number of callers one gets it. Throws Fault `gone` for all others, and for another browser, which uses nothing up. */
export async function takeFlow(act: CommandAct, shown: ShownFlow): Promise<Flow> {
  const { writer, services } = act;
  const { upstreamFlows: flows } = writer.tables;
  const row = await findRow(act, writer, shown);
  const [taken] = await writer
    .update(flows)
    .set({ used_at: services.clock.now() })
    .where(and(eq(flows.digest, row.digest), isNull(flows.used_at)))
    .returning();
  if (taken === undefined) throw flowGoneFault();
  return flowOf(act, taken);
}
