/**
 * Connecting an upstream identity that nobody is known by with an account that is here already.
 *
 * Rule: by proof alone. The person signs in to the account, with everything that takes, in the browser and within the
 * quarter of an hour in which the provider vouched for this very subject; whatever addresses are equal proves nothing
 * (CVE-2026-9087, CVE-2025-7365).
 */
import { and, eq, gt, gte, isNull } from "drizzle-orm";
import { command, type CommandAct, query } from "../../gate/operation.ts";
import { requireUser } from "../own-password.ts";
import { insertCode, UPSTREAM_AMR } from "./admission.ts";
import { type Flow, flowGoneFault, getFlow, takeFlow, type Target } from "./flows.ts";
import { insertIdentity } from "./identities.ts";
import { getUsableProvider } from "./providers.ts";

export interface ConnectionInput {
  /** What stands in the address of the page. */
  readonly handle: string;
  /** The browser's own secret. */
  readonly browser: string;
}

export interface Connection {
  readonly providerName: string;
  /** As the provider said it. */
  readonly emailAddress: string | undefined;
  readonly target: Target;
}

function foundBy(flow: Flow) {
  if (flow.identity === undefined) throw new Error("an unlinked flow has an identity");
  return flow.identity;
}

/** What the page asks. Throws Fault `gone` for one that is over or another browser's, `not_found` when its provider may not be used any more. */
export const readConnection = query("upstream_identity.prepare", async (act, input: ConnectionInput): Promise<Connection> => {
  const flow = await getFlow(act, act.reader, { stage: "unlinked", ...input });
  const provider = await getUsableProvider(act, act.reader, { id: flow.providerId, issuer: flow.issuer });
  return { providerName: provider.display_name, emailAddress: foundBy(flow).email, target: flow.target };
});

/** Where the person goes on: back to a request under way, or with a code to the dashboard. */
export type Connected = { readonly kind: "interaction"; readonly handle: string } | { readonly kind: "dashboard"; readonly code: string };

/** How the person proved who they are, in a session that began after the provider vouched. Throws Fault `gone` otherwise. */
async function requireFreshProof({ writer, services, caller }: CommandAct, { createdAtMs }: Flow): Promise<readonly string[]> {
  const { userId, sessionId } = requireUser(caller);
  const { sessions } = writer.tables;
  const isLive = and(isNull(sessions.ended_at), gt(sessions.expires_at, services.clock.now()));
  const [session] = await writer
    .select({ amr: sessions.amr })
    .from(sessions)
    .where(and(eq(sessions.id, sessionId), eq(sessions.user_id, userId), gte(sessions.created_at, createdAtMs), isLive));
  if (session === undefined) throw flowGoneFault();
  const amr: unknown = JSON.parse(session.amr ?? "[]");
  return Array.isArray(amr) ? amr.map(String) : [];
}

/** Connects the identity with the caller's account. */
export const connectIdentity = command("upstream_identity.connect", async (act, input: ConnectionInput): Promise<Connected> => {
  const { userId } = requireUser(act.caller);
  const flow = await takeFlow(act, { stage: "unlinked", ...input });
  const { id: providerId, issuer } = await getUsableProvider(act, act.writer, { id: flow.providerId, issuer: flow.issuer });
  const amr = await requireFreshProof(act, flow);
  const { subject, email } = foundBy(flow);
  await insertIdentity(act, { userId, issuer, subject, email });
  act.note({ subject: `user:${userId}`, details: { provider: providerId, issuer } });
  const { target } = flow;
  if (target.kind === "interaction") return target;
  return { kind: "dashboard", code: await insertCode(act, { userId, providerId, issuer, amr: [...amr, UPSTREAM_AMR] }, target.challenge) };
});
