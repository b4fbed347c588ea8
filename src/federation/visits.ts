/**
 * People of other sites at this one's API: from a token to a caller.
 *
 *     token ── site and rules, read anew ── claims ── known visit? ──► caller
 *                                               └── none ── account by (issuer, subject) ── rules ── visit begun ──► caller
 *
 * A visit is a session row for one token, so that whatever ends sessions ends it, and so that open streams are looked at like
 * others. Rule: site, rules, account and visit are read from the store at every request; nothing outlives its exclusion.
 */
import { and, count, eq, gt, inArray, isNotNull, isNull, lt } from "drizzle-orm";
import type { UserCaller } from "../gate/caller.ts";
import { type CommandAct, command } from "../gate/operation.ts";
import type { Gate } from "../gate/operation.ts";
import { below, quotaFault } from "../gate/quota.ts";
import type { RequestFacts } from "../identity/authentication.ts";
import { findEmailAddress } from "../identity/email-address.ts";
import { findName } from "../identity/names.ts";
import { countUsers, maxUsers } from "../identity/people.ts";
import { isUsableAccount, UPSTREAM_AMR } from "../identity/upstream/admission.ts";
import { insertIdentity, useIdentity } from "../identity/upstream/identities.ts";
import { findClaimedIssuer } from "../oidc/jwt.ts";
import type { Keyring } from "../oidc/keyring.ts";
import { rowWhere } from "../store/conditional-insert.ts";
import { type Given, planRead } from "../store/plan.ts";
import { findRole } from "../teams/membership.ts";
import { insertMember } from "../teams/seats.ts";
import { Fault } from "../fault.ts";
import { findForeignClaims, type ForeignClaims, keysOfSite, problemOfVisit, refusedVisit } from "./foreign-claims.ts";
import { getSiteRow, listSitesOf, problemOfSite, type Site, siteOf, vouchingIssuer } from "./sites.ts";

/** The kind of session that a visit is. */
export const VISIT = "site";
/** Each new visit sweeps out so many that are over. */
const SWEEP_MAX = 20;

interface Visit {
  readonly site: Site;
  readonly claims: ForeignClaims;
}

function digestOf({ sealer }: Pick<Gate, "sealer">, { site, claims }: Visit): string {
  return sealer.digest("federation-visit", `${site.bundle.kid}\n${claims.sub}\n${claims.jti}`);
}

const findByDigest = planRead((reader, given: Given<{ readonly digest: string; readonly now: number }>) => {
  const { sessions, users } = reader.tables;
  return reader
    .select({ userId: users.id, sessionId: sessions.id, endedAt: sessions.ended_at, disabledAt: users.disabled_at })
    .from(sessions)
    .innerJoin(users, eq(users.id, sessions.user_id))
    .where(and(eq(sessions.digest, given("digest")), eq(sessions.kind, VISIT), gt(sessions.expires_at, given("now"))));
});

function createdNames({ given_name, family_name }: ForeignClaims, local: string) {
  const first_name = findName(given_name ?? "") ?? findName(local) ?? "New";
  const last_name = findName(family_name ?? "") ?? "";
  return { first_name, last_name, display_name: `${first_name} ${last_name}`.trim() };
}

/** A new account, as the site describes its person. An address that somebody has here opens nothing: its owner links the two. */
async function createPerson(act: CommandAct, { site, claims }: Visit): Promise<string> {
  const { writer, services } = act;
  const { users } = writer.tables;
  const email = claims.email === undefined || claims.email_verified !== true ? undefined : findEmailAddress(claims.email);
  if (email === undefined) throw refusedVisit("it does not say which proven address its person has", "Ask your own site for a token for this one, and prove your address there.", "no_address");
  await writer.delete(users).where(and(eq(users.email_key, email.key), isNotNull(users.pending_until)));
  const local = email.address.slice(0, email.address.lastIndexOf("@"));
  const cap = act.limit(maxUsers);
  const row = { id: services.random.uuid(), email_address: email.address, email_key: email.key, ...createdNames(claims, local), password_hash: null, is_administrator: false, email_verified: true, created_at: services.clock.now() };
  const [inserted] = await writer.insert(users).select(rowWhere(users, row, below(countUsers(writer), cap))).onConflictDoNothing({ target: users.email_key }).returning({ id: users.id });
  if (inserted === undefined) {
    const [taken] = await writer.select({ count: count() }).from(users).where(eq(users.email_key, email.key));
    if ((taken?.count ?? 0) === 0) throw quotaFault(maxUsers, cap);
    throw refusedVisit("an account here has its person's address and is not linked", "Have an administrator of this site link the two (cyberun federation people link).", "address_taken");
  }
  await insertIdentity(act, { userId: inserted.id, issuer: vouchingIssuer(site), subject: claims.sub, email: email.address });
  act.note({ details: { created: true } });
  return inserted.id;
}

/** Whoever was created by the rules belongs to the teams that the rules name. */
async function join(act: CommandAct, { rules }: Site, userId: string): Promise<void> {
  const role = rules.role === "admin" ? "member" : rules.role;
  const { teams } = act.writer.tables;
  const named = rules.team_ids === null || rules.team_ids.length === 0 ? [] : await act.writer.select({ id: teams.id }).from(teams).where(inArray(teams.id, [...rules.team_ids]));
  for (const { id } of named) if ((await findRole(act.writer, id, userId)) === undefined) await insertMember(act, { teamId: id, userId, role });
}

async function personOf(act: CommandAct, visit: Visit): Promise<string> {
  const { site, claims } = visit;
  const known = await useIdentity(act, { issuer: vouchingIssuer(site), subject: claims.sub, email: undefined });
  if (known !== undefined) return known;
  if (site.rules.mapping !== "create") throw refusedVisit("its person is not linked with an account here", "Have an administrator of this site link the two (cyberun federation people link), or sign in here through your site once.", "not_linked");
  const created = await createPerson(act, visit);
  await join(act, site, created);
  return created;
}

async function sweep({ writer, services }: CommandAct): Promise<void> {
  const { sessions } = writer.tables;
  const over = writer.select({ id: sessions.id }).from(sessions).where(and(eq(sessions.kind, VISIT), lt(sessions.expires_at, services.clock.now()))).limit(SWEEP_MAX);
  await writer.delete(sessions).where(inArray(sessions.id, over));
}

interface Begun {
  readonly userId: string;
  readonly sessionId: string;
}

/** Takes a token that was verified and nobody has shown before: finds or makes the account, and the session of the visit. */
const beginVisit = command("federation_visit.begin", async (act, { site: { id }, claims }: Visit): Promise<Begun> => {
  const { writer, services, sealer } = act;
  // As it is now: the token was judged outside of the transaction.
  const site = siteOf(await getSiteRow(writer, id));
  const problem = problemOfSite(site, services.clock.now()) ?? problemOfVisit(site, claims);
  if (problem !== undefined) throw problem;
  const visit = { site, claims };
  act.note({ details: { site: id, issuer: claims.iss, subject: claims.sub } });
  const userId = await personOf(act, visit);
  act.note({ subject: `user:${userId}` });
  if (!(await isUsableAccount(writer, userId))) throw refusedVisit("the account here is disabled", "Ask an administrator of this site.", "disabled");
  await sweep(act);
  const now = services.clock.now();
  const row = { id: services.random.uuid(), user_id: userId, kind: VISIT, digest: digestOf({ sealer }, visit), created_at: now, expires_at: claims.exp * 1_000, amr: JSON.stringify([UPSTREAM_AMR]), address: act.caller.address ?? null, logout_noted_at: null };
  const { sessions } = writer.tables;
  const [inserted] = await writer.insert(sessions).values(row).onConflictDoNothing({ target: sessions.digest }).returning({ id: sessions.id });
  if (inserted !== undefined) return { userId, sessionId: inserted.id };
  const [known] = await writer.select({ id: sessions.id }).from(sessions).where(and(eq(sessions.digest, row.digest), eq(sessions.user_id, userId), isNull(sessions.ended_at)));
  if (known === undefined) throw new Fault("unauthenticated", "The visit has ended.", { hint: "Ask your own site for a new token." });
  return { userId, sessionId: known.id };
});

interface Presented extends RequestFacts {
  readonly token: string;
}

function callerOf({ site }: Visit, { userId, sessionId }: Begun, { teamId, address }: RequestFacts): UserCaller {
  const { team_ids, role } = site.rules;
  return { kind: "user", userId, sessionId, isAdministrator: false, teamId, address, visitor: { siteId: site.id, teamIds: team_ids ?? undefined, roleMax: role } };
}

/** The one of the issuer's sites that signed the token, with what it says. */
async function findVisit(gate: Gate, keyring: Keyring, token: string): Promise<Visit | undefined> {
  const issuer = findClaimedIssuer(token);
  if (issuer === undefined) return undefined;
  const now = gate.services.clock.now();
  for (const site of await gate.store.read((reader) => listSitesOf(reader, issuer))) {
    const keys = site.shape === "replica" ? keyring : keysOfSite(site);
    const claims = await findForeignClaims(site, keys, { token, now });
    if (claims !== undefined) return { site, claims };
  }
  return undefined;
}

/**
 * The person of another site whose token this is; undefined when it is of no site that is pinned here, or no good. Throws Fault
 * `forbidden` for a token that its site did sign and that the rules keep out.
 */
export async function findVisitor(gate: Gate, keyring: Keyring, { token, ...facts }: Presented): Promise<UserCaller | undefined> {
  const visit = await findVisit(gate, keyring, token);
  if (visit === undefined) return undefined;
  const known = { digest: digestOf(gate, visit), now: gate.services.clock.now() };
  const [found] = await gate.store.read((reader) => findByDigest(reader, known));
  if (found !== undefined) return found.endedAt === null && found.disabledAt === null ? callerOf(visit, found, facts) : undefined;
  return callerOf(visit, await beginVisit(gate, { kind: "anonymous", address: facts.address }, visit), facts);
}
