/**
 * From a request under way to its answer: what the person is asked, and what becomes of what they say.
 *
 *     open ──► sign in ──► consent ──► answered, once
 *
 * Rule: each step is decided anew from the stored request, the registration and the session as they are now. The
 * browser brings a handle, its own cookie and a decision, and nothing else counts.
 */
import { and, eq, gt, isNull } from "drizzle-orm";
import { Fault } from "../../fault.ts";
import type { Caller } from "../../gate/caller.ts";
import { command, type CommandAct } from "../../gate/operation.ts";
import type { Reader } from "../../store/store.ts";
import { type Client, findActiveClient, requireClientLicensed } from "../clients/client.ts";
import { isRedirectAllowed } from "../clients/redirect-uris.ts";
import { isAllowed, neededConsent, rememberConsent } from "../consents.ts";
import { OAuthError } from "../oauth-error.ts";
import { subjectFor } from "../subjects.ts";
import { insistedValues } from "./claims-parameter.ts";
import { acrOf, acrValues, insertGrant, parseAmr, type Session } from "./grant.ts";
import { type NextStep, nextStep } from "./next-step.ts";
import { ownPageClient, ownPageResponse } from "./own-page.ts";
import { closePending, type Opened, openPending, type Pending } from "./pending.ts";
import { type AuthorizationRequest, isOwnPage } from "./request.ts";
import { type AuthorizationResponse, codeResponse, errorResponse } from "./response.ts";

/** What pages show about the client. */
export interface ShownClient {
  readonly name: string;
  readonly logoUri: string | undefined;
  readonly policyUri: string | undefined;
  readonly tosUri: string | undefined;
  readonly isFirstParty: boolean;
}

/** What is shown next, or the answer. */
export type Interaction =
  | { readonly kind: "sign_in"; readonly client: ShownClient; readonly request: AuthorizationRequest }
  | { readonly kind: "consent"; readonly client: ShownClient; readonly request: AuthorizationRequest; readonly person: Person; readonly needed: readonly string[] }
  | { readonly kind: "answer"; readonly response: AuthorizationResponse };

/** Whom a consent page was shown to. */
export interface Person {
  readonly userId: string;
  readonly displayName: string;
  readonly emailAddress: string;
}

export interface Signed {
  readonly session: Session;
  readonly person: Person;
}

/** A request with all that decides about it. */
interface Case {
  readonly opened: Opened;
  readonly pending: Pending;
  readonly client: Client;
  readonly signed: Signed | undefined;
  readonly needed: readonly string[];
  readonly step: NextStep;
}

/** Who is signed in, as the store knows it now. */
export async function findSigned(reader: Reader, caller: Caller, now: number): Promise<Signed | undefined> {
  if (caller.kind !== "user") return undefined;
  const { sessions, users } = reader.tables;
  const [row] = await reader
    .select({ id: sessions.id, userId: users.id, createdAtMs: sessions.created_at, amr: sessions.amr, displayName: users.display_name, emailAddress: users.email_address })
    .from(sessions)
    .innerJoin(users, eq(users.id, sessions.user_id))
    .where(and(eq(sessions.id, caller.sessionId), isNull(sessions.ended_at), gt(sessions.expires_at, now), isNull(users.disabled_at)));
  if (row === undefined) return undefined;
  const { id, userId, createdAtMs, amr, displayName, emailAddress } = row;
  return { session: { id, userId, createdAtMs, amr: parseAmr(amr) }, person: { userId, displayName, emailAddress } };
}

/** The client as it is registered now. Throws a Fault, for a page, when it may not be answered any more. */
async function requireClient({ writer, entitlements }: CommandAct, { clientId, redirectUri }: AuthorizationRequest): Promise<Client> {
  if (isOwnPage({ clientId })) return ownPageClient();
  const client = await findActiveClient(writer, clientId);
  if (client === undefined || !isRedirectAllowed(client, redirectUri)) {
    throw new Fault("gone", "The application's registration changed while you were signing in.", { hint: "Go back to the application and start again." });
  }
  requireClientLicensed(entitlements, client);
  return client;
}

/** An `acr` that the client insists on and that nobody can reach here, or that this sign-in has not reached. */
function findUnreached({ claims }: AuthorizationRequest, signed: Signed | undefined): OAuthError | undefined {
  const wanted = claims?.id_token?.["acr"];
  const values = insistedValues(wanted);
  if (wanted?.essential !== true || values === undefined) return undefined;
  const reached = signed === undefined ? acrValues : [acrOf(signed.session)];
  if (values.some((value) => reached.includes(value))) return undefined;
  return new OAuthError("access_denied", "The authentication context that the client insists on was not reached.", { hint: "A second factor may be needed; it is set up in the account." });
}

async function consider(act: CommandAct, opened: Opened): Promise<Case> {
  const { writer, caller, services, sealer } = act;
  const pending = await openPending(act, opened);
  const { request, requestedAtMs } = pending;
  const client = await requireClient(act, request);
  const nowMs = services.clock.now();
  const signed = await findSigned(writer, caller, nowMs);
  const needed = neededConsent(request);
  const mayWithout = signed !== undefined && (client.is_first_party || (await isAllowed(writer, { userId: signed.person.userId, clientId: client.client_id }, needed)));
  const unreached = findUnreached(request, signed);
  const signedIn = signed === undefined ? undefined : { subject: subjectFor(sealer, client, signed.person.userId), signedInAtMs: signed.session.createdAtMs };
  const step: NextStep =
    unreached === undefined
      ? nextStep({ request, requestedAtMs, nowMs, signedIn, isAllowed: mayWithout, isFirstParty: client.is_first_party })
      : { kind: "refuse", error: unreached };
  return { opened, pending, client, signed, needed, step };
}

export function shownClient({ client_name, logo_uri, policy_uri, tos_uri, is_first_party }: Client): ShownClient {
  return { name: client_name, logoUri: logo_uri, policyUri: policy_uri, tosUri: tos_uri, isFirstParty: is_first_party };
}

async function refuse(act: CommandAct, { opened, pending }: Case, error: OAuthError): Promise<Interaction> {
  await closePending(act, opened);
  return { kind: "answer", response: errorResponse(pending.request, act.settings.issuerUrl, error) };
}

async function grant(act: CommandAct, { opened, pending }: Case, { session }: Signed): Promise<Interaction> {
  await closePending(act, opened);
  if (isOwnPage(pending.request)) return { kind: "answer", response: ownPageResponse(pending.request) };
  const code = await insertGrant(act, pending.request, session);
  return { kind: "answer", response: codeResponse(pending.request, act.settings.issuerUrl, code) };
}

/** What follows of the step without a word of the person's. */
async function follow(act: CommandAct, considered: Case): Promise<Interaction> {
  const { step, client, pending, signed, needed } = considered;
  if (step.kind === "refuse") return await refuse(act, considered, step.error);
  if (signed === undefined || step.kind === "sign_in") return { kind: "sign_in", client: shownClient(client), request: pending.request };
  if (step.kind === "grant") return await grant(act, considered, signed);
  return { kind: "consent", client: shownClient(client), request: pending.request, person: signed.person, needed };
}

/** The next thing to show, or the answer. Throws Fault `gone` for a request that is over or another browser's. */
export const continueAuthorization = command("authorization.continue", async (act, opened: Opened): Promise<Interaction> => {
  return await follow(act, await consider(act, opened));
});

export interface Decision extends Opened {
  readonly decision: "allow" | "deny";
  /** Whom the consent page was shown to: another person who signed in meanwhile has not seen it. */
  readonly seenBy: string | undefined;
}

/** Carries out what the person said. Whoever is not signed in can only say no. */
export const decideAuthorization = command("authorization.decide", async (act, input: Decision): Promise<Interaction> => {
  const considered = await consider(act, { handle: input.handle, browser: input.browser });
  const { client, signed, step, needed } = considered;
  act.note({ subject: `client:${client.client_id}`, details: { decision: input.decision } });
  if (input.decision === "deny") return await refuse(act, considered, new OAuthError("access_denied", "The person did not allow it."));
  if (signed === undefined || step.kind !== "consent" || signed.person.userId !== input.seenBy) return await follow(act, considered);
  await rememberConsent(act, { userId: signed.person.userId, clientId: client.client_id }, needed);
  return await grant(act, considered, signed);
});
