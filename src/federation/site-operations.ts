/**
 * What administrators do with other sites: pin one, take its newer bundles, change its rules, shut it out.
 *
 *     new      fingerprint compared by a person ── issuer that nobody here has ── not expired ──► pinned
 *     newer    signed by the pinned key ── same issuer ── higher sequence ── not expired ──► taken
 *     the same ──► nothing changes
 *     lower, or other text under the same number ──► refused, and audited
 *
 * Rule: what a bundle no longer says ends with the commit that takes it.
 */
import { and, asc, count, eq, isNotNull, isNull, ne } from "drizzle-orm";
import { Fault, invalidField, notFound } from "../fault.ts";
import { command, type CommandAct, query } from "../gate/operation.ts";
import { requireAdministrator } from "../identity/administrators.ts";
import { type Bundle, bundleRefused, findCarriedKey, readGoodBundle } from "./bundle.ts";
import { exclude, type Excluded } from "./exclusion.ts";
import { changedRules, type RulesInput, strictRules } from "./rules.ts";
import { removeSignInWay, setSignInWay } from "./sign-in-way.ts";
import { getSelf, openSelf, readFingerprint } from "./site-key.ts";
import { getSiteRow, type ShownSite, shownSite, type SiteRow, SITES_MAX, siteOf, vouchingIssuer } from "./sites.ts";
import { thumbprint } from "../crypto/jws.ts";

const ID = /^[a-z0-9]([a-z0-9-]{0,22}[a-z0-9])?$/;

export interface SiteInput extends RulesInput {
  readonly bundle: string;
  /** What the other site's operator read out; needed to pin a site, and a check for one that is pinned. */
  readonly fingerprint?: string | undefined;
  /** Short name here; of the issuer's host unless told. */
  readonly id?: string | undefined;
  /** The site shares this one's issuer and keys. */
  readonly is_replica?: boolean | undefined;
}

async function findByKid({ writer }: CommandAct, kid: string): Promise<SiteRow | undefined> {
  const { federationSites: sites } = writer.tables;
  const [row] = await writer.select().from(sites).where(eq(sites.site_kid, kid));
  return row;
}

function idOf({ id }: SiteInput, issuer: string): string {
  const chosen = id ?? new URL(issuer).hostname.replace(/[^a-z0-9]+/g, "-").slice(0, 24).replace(/^-|-$/g, "");
  if (ID.test(chosen)) return chosen;
  throw invalidField("id", "has 1 to 24 lower-case letters, digits and hyphens");
}

/** Throws Fault `conflict` or `invalid_request` for an issuer that this bundle cannot be of. */
async function requireOwnIssuer(act: CommandAct, { issuer }: Bundle, isReplica: boolean): Promise<void> {
  const isOurs = issuer === act.settings.issuerUrl;
  if (isOurs && !isReplica) throw bundleRefused("its issuer is this site's own", "A site that shares the issuer identity is added as a replica (--replica).", "own_issuer");
  if (!isOurs && isReplica) throw bundleRefused("its issuer is not this site's, so it is no replica", "Give both sites the same CYBERUN_ISSUER_URL, or leave --replica out.", "other_issuer");
  if (isReplica) return;
  const { federationSites: sites, upstreamProviders: providers } = act.writer.tables;
  const [taken] = await act.writer.select({ id: sites.id }).from(sites).where(and(eq(sites.issuer, issuer), isNull(sites.removed_at)));
  if (taken !== undefined) throw new Fault("conflict", `The issuer is pinned to another fingerprint here (site ${taken.id}).`, { hint: "If the site really has a new key, remove it first and compare the new fingerprint.", details: { reason: "issuer_pinned" } });
  const [provider] = await act.writer.select({ id: providers.id }).from(providers).where(eq(providers.issuer, issuer));
  if (provider !== undefined && !provider.id.startsWith("site-")) throw new Fault("conflict", `The issuer is a sign-in provider here already (${provider.id}).`, { hint: "Delete that provider first.", details: { reason: "issuer_is_provider" } });
}

async function requireRoom({ writer }: CommandAct): Promise<void> {
  const { federationSites: sites } = writer.tables;
  const [found] = await writer.select({ count: count() }).from(sites).where(isNull(sites.removed_at));
  if ((found?.count ?? 0) < SITES_MAX) return;
  throw new Fault("conflict", `There are ${SITES_MAX} sites, and no more can be added.`, { hint: "Remove those that are gone." });
}

/** Throws Fault for a bundle that this row may not go on to. */
function requireNewer(row: Pick<SiteRow, "sequence" | "bundle">, bundle: Bundle, text: string): void {
  if (bundle.sequence < row.sequence) throw bundleRefused(`its number ${bundle.sequence} is lower than ${row.sequence}, which was taken before`, "Bring the newest bundle of that site.", "lower_sequence");
  if (bundle.sequence === row.sequence && text !== row.bundle) throw bundleRefused("another bundle of that number was taken before", "The other site signed two things under one number: ask its operator before you go on.", "same_sequence");
}

/** What the administrator gave for a site that is new here, or was removed. */
async function pin(act: CommandAct, bundle: Bundle, input: SiteInput): Promise<SiteRow> {
  const { writer, services, settings } = act;
  const { federationSites: sites } = writer.tables;
  if (input.fingerprint === undefined) throw new Fault("invalid_request", "The fingerprint of the other site is needed to pin it.", { hint: "Ask its operator for what cyberun federation site-key shows, over a way that you trust.", details: { reason: "fingerprint_needed", fingerprint: bundle.kid, issuer: bundle.issuer } });
  const isReplica = input.is_replica === true;
  await requireOwnIssuer(act, bundle, isReplica);
  await requireRoom(act);
  const before = await findByKid(act, bundle.kid);
  if (before !== undefined) requireNewer(before, bundle, input.bundle);
  const now = services.clock.now();
  const rules = JSON.stringify(changedRules(strictRules(settings.publicUrl), rulesIn(input)));
  const columns = { shape: isReplica ? "replica" : "circle", issuer: bundle.issuer, bundle: input.bundle, sequence: bundle.sequence, expires_at: bundle.expires_at * 1_000, rules, imported_at: now, checked_at: null, problem: null, removed_at: null, updated_at: now };
  const id = idOf(input, isReplica ? bundle.endpoints.api : bundle.issuer);
  // The id of a site that was removed goes to whoever comes next.
  await writer.update(sites).set({ id: `removed-${services.random.uuid()}` }).where(and(eq(sites.id, id), ne(sites.site_kid, bundle.kid), isNotNull(sites.removed_at)));
  const [taken] = await writer.select({ id: sites.id }).from(sites).where(and(eq(sites.id, id), ne(sites.site_kid, bundle.kid)));
  if (taken !== undefined) throw new Fault("conflict", "There is a site of that name already.", { hint: "Choose another with --id." });
  const [made] = await writer.insert(sites).values({ id, site_kid: bundle.kid, ...columns, created_at: now }).onConflictDoUpdate({ target: sites.site_kid, set: { id, ...columns } }).returning();
  if (made === undefined) throw new Error("the site was pinned");
  return made;
}

function rulesIn({ audiences, team_ids, role, mapping, sign_in, refresh }: RulesInput): RulesInput {
  return { audiences, team_ids, role, mapping, sign_in, refresh };
}

/** Takes a newer bundle of a site that is pinned. */
async function renew(act: CommandAct, row: SiteRow, { bundle, text }: { readonly bundle: Bundle; readonly text: string }): Promise<SiteRow> {
  if (bundle.issuer !== row.issuer) throw bundleRefused("it names another issuer than the one that was pinned", "If the site's issuer has changed, remove the site and pin it again.", "other_issuer");
  requireNewer(row, bundle, text);
  if (text === row.bundle) return row;
  const { federationSites: sites } = act.writer.tables;
  const now = act.services.clock.now();
  const set = { bundle: text, sequence: bundle.sequence, expires_at: bundle.expires_at * 1_000, imported_at: now, problem: null, updated_at: now };
  const [renewed] = await act.writer.update(sites).set(set).where(eq(sites.id, row.id)).returning();
  if (renewed === undefined) throw notFound();
  return renewed;
}

/** Ends what the bundle says is over, and sets the way of signing in. */
async function settle(act: CommandAct, row: SiteRow): Promise<void> {
  const site = siteOf(row);
  const { revoked_subjects: subjects } = site.bundle;
  const excluded = subjects.length === 0 ? undefined : await exclude(act, { issuer: vouchingIssuer(site), subjects });
  await setSignInWay(act, site);
  act.note({ subject: `site:${row.site_kid}`, details: { site: row.id, issuer: row.issuer, sequence: row.sequence, shape: row.shape, rules: row.rules, ended_sessions: excluded?.sessions ?? 0, disabled_accounts: excluded?.accounts ?? 0 } });
}

/** The bundle, when it is another site's. Throws Fault `invalid_request`. */
async function readOther(act: CommandAct, text: string, fingerprint: string | undefined): Promise<Bundle> {
  const bundle = readGoodBundle(text, fingerprint, act.services.clock.now());
  if (bundle.kid === openSelf(act, await getSelf(act)).signing.kid) throw bundleRefused("it is this site's own", "Bring the bundle of the other site.", "own_bundle");
  return bundle;
}

/** Pins a site by its fingerprint. Needs the feature `oidc_provider`; newer bundles of a pinned site do not ({@link importBundle}). */
export const addSite = command("federation_site.add", async (act, input: SiteInput): Promise<ShownSite> => {
  requireAdministrator(act.caller);
  const text = input.bundle.trim();
  const fingerprint = input.fingerprint === undefined ? undefined : readFingerprint(input.fingerprint);
  const bundle = await readOther(act, text, fingerprint);
  const known = await findByKid(act, bundle.kid);
  if (known !== undefined && known.removed_at === null) throw new Fault("conflict", `This site is pinned here already (${known.id}).`, { hint: "Newer bundles are taken by the same command without a fingerprint; rules are changed by federation bundle rules.", details: { reason: "pinned" } });
  const row = await pin(act, bundle, { ...input, bundle: text, fingerprint });
  await settle(act, row);
  return shownSite(row, act.services.clock.now());
});

/** Takes a newer bundle of a site that is pinned here. Core: what it shuts out never hangs on a license. */
export const importBundle = command("federation_site.import", async (act, input: { readonly bundle: string }): Promise<ShownSite> => {
  if (act.caller.kind !== "system") requireAdministrator(act.caller);
  const text = input.bundle.trim();
  const bundle = await readOther(act, text, undefined);
  const known = await findByKid(act, bundle.kid);
  if (known === undefined || known.removed_at !== null) throw new Fault("not_found", "The bundle is of a site that is not pinned here.", { hint: "Pin it with its fingerprint (--fingerprint) after comparing that with its operator.", details: { reason: "not_pinned", fingerprint: bundle.kid, issuer: bundle.issuer } });
  const row = await renew(act, known, { bundle, text });
  if (row !== known) await settle(act, row);
  return shownSite(row, act.services.clock.now());
});

export interface PeekedBundle {
  readonly fingerprint: string;
  readonly is_pinned: boolean;
}

/** Whose bundle it is, so that a person can be asked about its fingerprint. */
export const peekBundle = query("federation_site.peek", async (act, { bundle }: { readonly bundle: string }): Promise<PeekedBundle> => {
  requireAdministrator(act.caller);
  const x = findCarriedKey(bundle.trim(), "signing_key");
  if (x === undefined) throw bundleRefused("it is none", "Name a file that cyberun federation bundle export wrote.", "malformed");
  const { federationSites: sites } = act.reader.tables;
  const fingerprint = thumbprint(x);
  const [row] = await act.reader.select({ id: sites.id }).from(sites).where(and(eq(sites.site_kid, fingerprint), isNull(sites.removed_at)));
  return { fingerprint, is_pinned: row !== undefined };
});

export const listSites = query("federation_site.list", async (act, _input: undefined): Promise<{ readonly sites: readonly ShownSite[] }> => {
  if (act.caller.kind !== "system") requireAdministrator(act.caller);
  const { federationSites: sites } = act.reader.tables;
  const rows = await act.reader.select().from(sites).where(isNull(sites.removed_at)).orderBy(asc(sites.id)).limit(SITES_MAX);
  const now = act.services.clock.now();
  return { sites: rows.map((row) => shownSite(row, now)) };
});

export const readSite = query("federation_site.read", async (act, { id }: { readonly id: string }): Promise<ShownSite> => {
  requireAdministrator(act.caller);
  return shownSite(await getSiteRow(act.reader, id), act.services.clock.now());
});

/** Changes the rules of a site: true at the next request. */
export const updateSite = command("federation_site.update", async (act, input: RulesInput & { readonly id: string }): Promise<ShownSite> => {
  requireAdministrator(act.caller);
  const row = await getSiteRow(act.writer, input.id);
  const rules = changedRules(siteOf(row).rules, rulesIn(input));
  const { federationSites: sites } = act.writer.tables;
  const now = act.services.clock.now();
  const [updated] = await act.writer.update(sites).set({ rules: JSON.stringify(rules), updated_at: now }).where(eq(sites.id, row.id)).returning();
  if (updated === undefined) throw notFound();
  if (rules.mapping === "refuse") await exclude(act, { issuer: vouchingIssuer(siteOf(updated)) });
  await setSignInWay(act, siteOf(updated));
  act.note({ subject: `site:${row.site_kid}`, details: { site: row.id, rules: updated.rules } });
  return shownSite(updated, now);
});

export interface RemovedSite extends Excluded {
  readonly id: string;
}

/** Shuts a site out with everything that stands here on its word. Its number stays, so that no old bundle of it comes back. */
export const removeSite = command("federation_site.remove", async (act, { id }: { readonly id: string }): Promise<RemovedSite> => {
  requireAdministrator(act.caller);
  const row = await getSiteRow(act.writer, id);
  const { federationSites: sites } = act.writer.tables;
  const now = act.services.clock.now();
  await act.writer.update(sites).set({ removed_at: now, updated_at: now }).where(eq(sites.id, row.id));
  const site = siteOf(row);
  const { federationKeyReceivers: receivers } = act.writer.tables;
  await act.writer.delete(receivers).where(eq(receivers.site_kid, row.site_kid));
  const excluded = await exclude(act, { issuer: vouchingIssuer(site) });
  await removeSignInWay(act, site);
  act.note({ subject: `site:${row.site_kid}`, details: { site: row.id, issuer: row.issuer, ended_sessions: excluded.sessions, disabled_accounts: excluded.accounts } });
  return { id: row.id, ...excluded };
});
