/**
 * A provider's answer: who it vouches for, and what becomes of them here. It stands with the teams because a newcomer may
 * get one; identity must not know them.
 *
 *     callback ── flow used up ── code redeemed ── domain allowed? ──► known by (issuer, subject) ──► signed in
 *                                                                 ├──► new, verified address that is free, may be created ──► signed up
 *                                                                 └──► everybody else ──► sign in to the account to connect
 *
 * Rule: an address that an account has here already opens nothing, verified or not; its owner connects the two. A
 * newcomer's address has to be verified by the provider, or anybody could take somebody else's.
 */
import { and, count, eq, isNotNull } from "drizzle-orm";
import { Fault } from "../fault.ts";
import { type CommandAct, procedure, type ProcedureAct, Refused } from "../gate/operation.ts";
import { below, quotaFault } from "../gate/quota.ts";
import { type EmailAddress, findEmailAddress } from "../identity/email-address.ts";
import { findName } from "../identity/names.ts";
import type { HeldSession } from "../identity/sessions.ts";
import { admit, disabledFault, insertCode, isUsableAccount, UPSTREAM_AMR, type Vouched } from "../identity/upstream/admission.ts";
import { discover } from "../identity/upstream/discovery.ts";
import { codeVerifierOf, type Flow, flowGoneFault, insertFlow, nonceOf, takeFlow, type Target } from "../identity/upstream/flows.ts";
import { insertIdentity, useIdentity } from "../identity/upstream/identities.ts";
import { getUsableProvider } from "../identity/upstream/providers.ts";
import { redeemCode, refuseFailed, type Told } from "../identity/upstream/redemption.ts";
import { callbackOf } from "../identity/upstream/start.ts";
import { hasFeature, type Qualified } from "../license/entitlements.ts";
import { rowWhere } from "../store/conditional-insert.ts";
import type { HeldProvider, UpstreamProvider } from "../upstream-provider.ts";
import { insertAutoTeam } from "./sign-up.ts";

const registration: Qualified = { namespace: "global", key: "registration" };
const maxUsers: Qualified = { namespace: "global", key: "max_users" };
/** More than any provider sends. */
const CALLBACK_CHARACTERS_MAX = 8_192;

export interface FinishInput {
  /** The callback's query, as it came. */
  readonly search: string;
  /** The browser's own secret. */
  readonly browser: string;
}

/** What follows a provider's answer. A refusal comes with the way back. */
export type Finished =
  | { readonly kind: "signed_in"; readonly handle: string; readonly session: HeldSession }
  | { readonly kind: "dashboard"; readonly code: string }
  | { readonly kind: "connect"; readonly handle: string }
  | { readonly kind: "refused"; readonly target: Target; readonly fault: Fault };

function readCallback(search: string): URLSearchParams {
  const parameters = new URLSearchParams(search.slice(0, CALLBACK_CHARACTERS_MAX));
  // Two readers of one answer must see one answer.
  const isRepeated = new Set(parameters.keys()).size !== [...parameters.keys()].length;
  if (isRepeated || search.length > CALLBACK_CHARACTERS_MAX) throw flowGoneFault();
  return parameters;
}

function isDomainAllowed({ allowed_domains }: UpstreamProvider, email: EmailAddress | undefined): boolean {
  if (allowed_domains.length === 0) return true;
  return email !== undefined && allowed_domains.includes(email.key.slice(email.key.lastIndexOf("@") + 1));
}

function mayCreate({ entitlements }: CommandAct, { provisioning }: UpstreamProvider): boolean {
  return provisioning === "trusted" || (provisioning === "registration" && hasFeature(entitlements, registration));
}

function namesOf({ firstName, lastName, name }: Told, email: EmailAddress) {
  const [first, ...rest] = (findName(name ?? "") ?? "").split(" ");
  const local = email.address.slice(0, email.address.lastIndexOf("@"));
  const first_name = findName(firstName ?? first ?? "") ?? findName(local) ?? "New";
  const last_name = findName(lastName ?? (firstName === undefined ? rest.join(" ") : "")) ?? "";
  return { first_name, last_name, display_name: findName(name ?? "") ?? `${first_name} ${last_name}`.trim() };
}

/** A new account with the address; undefined when it is taken. Throws Fault `quota_exceeded`. */
async function findNewPerson(act: CommandAct, told: Told, email: EmailAddress): Promise<string | undefined> {
  const { writer, services } = act;
  const { users } = writer.tables;
  // Somebody signed up with this address and never showed that it is theirs (and chose a password): its owner is here now.
  await writer.delete(users).where(and(eq(users.email_key, email.key), isNotNull(users.pending_until)));
  const [taken] = await writer.select({ id: users.id }).from(users).where(eq(users.email_key, email.key));
  if (taken !== undefined) return undefined;
  const cap = act.limit(maxUsers);
  const row = {
    id: services.random.uuid(),
    email_address: email.address,
    email_key: email.key,
    ...namesOf(told, email),
    password_hash: null,
    is_administrator: false,
    email_verified: true,
    created_at: services.clock.now(),
  };
  const counted = writer.select({ count: count() }).from(users);
  const [inserted] = await writer.insert(users).select(rowWhere(users, row, below(counted, cap))).returning({ id: users.id });
  if (inserted === undefined) throw quotaFault(maxUsers, cap);
  await insertAutoTeam(act, row.id, row.display_name);
  return inserted.id;
}

/** What was vouched for, with the sign-in that asked for it. */
interface Case {
  readonly flow: Flow;
  readonly provider: UpstreamProvider;
  readonly told: Told;
  readonly email: EmailAddress | undefined;
  readonly browser: string;
}

/** On to where the person came from. */
async function enter(act: CommandAct, { target }: Flow, vouched: Vouched): Promise<Finished | Refused> {
  act.note({ subject: `user:${vouched.userId}` });
  if (target.kind === "dashboard") {
    if (!(await isUsableAccount(act.writer, vouched.userId))) return new Refused(disabledFault());
    return { kind: "dashboard", code: await insertCode(act, vouched, target.challenge) };
  }
  const session = await admit(act, vouched, "cookie");
  return session instanceof Refused ? session : { kind: "signed_in", handle: target.handle, session };
}

async function decide(act: CommandAct, { flow, provider, told, email, browser }: Case): Promise<Finished | Refused> {
  const { id: providerId, issuer } = provider;
  const identity = { issuer, subject: told.subject, email: email?.address };
  const vouched = { providerId, issuer, amr: [UPSTREAM_AMR] };
  const verified = told.isEmailVerified ? email : undefined;
  if (!isDomainAllowed(provider, verified)) {
    return new Refused(new Fault("forbidden", `This ${provider.display_name} account has no verified address of a domain that may sign in here.`, { hint: "Choose another account, or ask an administrator." }));
  }
  const known = await useIdentity(act, identity);
  if (known !== undefined) return await enter(act, flow, { ...vouched, userId: known });
  const created = verified !== undefined && mayCreate(act, provider) ? await findNewPerson(act, told, verified) : undefined;
  if (created === undefined) {
    act.note({ details: { unlinked: true } });
    return { kind: "connect", handle: await insertFlow(act, { stage: "unlinked", providerId, issuer, browser, target: flow.target, identity: foundOf(told) }) };
  }
  await insertIdentity(act, { ...identity, userId: created });
  act.note({ details: { signed_up: true } });
  return await enter(act, flow, { ...vouched, userId: created });
}

function foundOf({ subject, email }: Told) {
  const shown = email === undefined ? undefined : findEmailAddress(email)?.address;
  return shown === undefined ? { subject } : { subject, email: shown };
}

/** Whom the provider vouches for. What is in the way is audited, and thrown. */
async function ask(act: ProcedureAct, provider: HeldProvider, input: { readonly state: string; readonly parameters: URLSearchParams }): Promise<Told> {
  const { state, parameters } = input;
  try {
    const server = await discover(act, provider);
    const secrets = { nonce: nonceOf(act, state), codeVerifier: codeVerifierOf(act, state) };
    return await redeemCode(act, { provider, server, parameters, state, ...secrets, redirectUri: callbackOf(act.settings.issuerUrl) });
  } catch (error) {
    return await refuseFailed(act, provider, error);
  }
}

interface Taken {
  readonly flow: Flow;
  readonly state: string;
  readonly parameters: URLSearchParams;
  readonly browser: string;
}

async function settle(act: ProcedureAct, { flow, state, parameters, browser }: Taken): Promise<Finished> {
  const which = { id: flow.providerId, issuer: flow.issuer };
  const asked = await act.read((reader) => getUsableProvider(act, reader, which));
  const told = await ask(act, asked, { state, parameters });
  const email = told.email === undefined ? undefined : findEmailAddress(told.email);
  return await act.write<Finished>(async (commandAct) => {
    // The network has taken its time: what was true before it may not be any more.
    const provider = await getUsableProvider(commandAct, commandAct.writer, which);
    commandAct.note({ subject: `upstream_provider:${provider.id}`, details: { provider: provider.id } });
    return await decide(commandAct, { flow, provider, told, email, browser });
  });
}

/**
 * Takes a provider's answer. The flow is used up first, whatever comes of it. Throws Fault `gone` for a callback that
 * belongs to no sign-in under way in this browser; every later refusal comes back with the way to go on.
 */
export const finishUpstream = procedure("upstream_sign_in.finish", async (act, input: FinishInput): Promise<Finished> => {
  const parameters = readCallback(input.search);
  const state = parameters.get("state") ?? "";
  const flow = await act.write(async (commandAct) => {
    const taken = await takeFlow(commandAct, { stage: "sent", handle: state, browser: input.browser });
    commandAct.note({ subject: `upstream_provider:${taken.providerId}`, details: { step: "callback" } });
    return taken;
  });
  try {
    return await settle(act, { flow, state, parameters, browser: input.browser });
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return { kind: "refused", target: flow.target, fault: error };
  }
});
