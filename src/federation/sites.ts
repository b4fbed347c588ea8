/**
 * Sites whose people may come here: a pinned fingerprint, the last bundle that was taken, and rules.
 *
 * Rule: a site is its fingerprint. Its issuer is one that nobody else here has, and stays what it was when it was pinned;
 * its bundles only ever grow in number, also across removal.
 */
import { and, eq, isNull } from "drizzle-orm";
import { Fault, notFound } from "../fault.ts";
import { isoTime } from "../page.ts";
import { type Given, planRead } from "../store/plan.ts";
import type { Tables } from "../store/schema.ts";
import type { Reader } from "../store/store.ts";
import { type Bundle, readBundle } from "./bundle.ts";
import { parseRules, type Rules } from "./rules.ts";

export const SITES_MAX = 100;
/** A bundle that ends within so long is spoken of. */
const EXPIRING_MS = 7 * 86_400_000;

/** `circle`: an issuer of its own. `replica`: it shares this site's issuer and its keys. */
export const shapes = ["circle", "replica"] as const;
export type SiteShape = (typeof shapes)[number];

export type SiteRow = Tables["federationSites"]["$inferSelect"];

export interface Site {
  readonly id: string;
  readonly shape: SiteShape;
  readonly bundle: Bundle;
  readonly rules: Rules;
  /** Epoch milliseconds. */
  readonly expiresAtMs: number;
}

/** Verified when they were stored, and read again at every request of a visitor: the text is the key. */
const parsed = new Map<string, Bundle>();
const PARSED_MAX = 2 * SITES_MAX;

function bundleOf({ bundle: text, site_kid: kid }: Pick<SiteRow, "bundle" | "site_kid">): Bundle {
  const known = parsed.get(text);
  if (known !== undefined) return known;
  const bundle = readBundle(text, kid);
  if (parsed.size >= PARSED_MAX) parsed.clear();
  parsed.set(text, bundle);
  return bundle;
}

export function siteOf(row: SiteRow): Site {
  const shape = shapes.find((each) => each === row.shape);
  if (shape === undefined) throw new Error("a stored site has one of the shapes");
  return { id: row.id, shape, bundle: bundleOf(row), rules: parseRules(row.rules), expiresAtMs: row.expires_at };
}

const findByIssuer = planRead((reader, given: Given<{ readonly issuer: string }>) => {
  const { federationSites: sites } = reader.tables;
  return reader
    .select()
    .from(sites)
    .where(and(eq(sites.issuer, given("issuer")), isNull(sites.removed_at)))
    .limit(SITES_MAX);
});

/** The sites of the issuer that were not removed: one in a circle, any number of replicas. */
export async function listSitesOf(reader: Reader, issuer: string): Promise<readonly Site[]> {
  return (await findByIssuer(reader, { issuer })).map(siteOf);
}

/** The site of the id, removed or not, as its row. Throws Fault `not_found`. */
export async function getSiteRow(reader: Reader, id: string): Promise<SiteRow> {
  const { federationSites: sites } = reader.tables;
  const [row] = await reader.select().from(sites).where(and(eq(sites.id, id), isNull(sites.removed_at)));
  if (row === undefined) throw notFound();
  return row;
}

/** Under which issuer people are known who come from the site: replicas share one, and are told apart by their fingerprints. */
export function vouchingIssuer({ shape, bundle }: Pick<Site, "shape" | "bundle">): string {
  return shape === "circle" ? bundle.issuer : `${bundle.issuer}#${bundle.kid}`;
}

/** Why nothing of the site counts at the moment; undefined while it does. */
export function problemOfSite({ expiresAtMs }: Pick<Site, "expiresAtMs">, now: number): Fault | undefined {
  if (expiresAtMs > now) return undefined;
  return new Fault("forbidden", "The bundle of the other site has expired, so its tokens are not taken.", { hint: "An administrator of this site brings a newer one: cyberun federation bundle add FILE.", details: { expired_at: isoTime(expiresAtMs) } });
}

export type SiteState = "ok" | "expiring" | "expired";

export function stateOfSite({ expires_at }: Pick<SiteRow, "expires_at">, now: number): SiteState {
  if (expires_at <= now) return "expired";
  return expires_at - now <= EXPIRING_MS ? "expiring" : "ok";
}

/** A site as answers show it. */
export interface ShownSite {
  readonly id: string;
  readonly shape: string;
  readonly site_name: string;
  readonly issuer: string;
  readonly api_url: string;
  readonly fingerprint: string;
  readonly state: SiteState;
  readonly sequence: number;
  readonly expires_at: string;
  readonly imported_at: string;
  readonly checked_at: string | null;
  /** Why the last refresh over the network failed; null when it did not. */
  readonly problem: string | null;
  readonly key_ids: readonly string[];
  readonly revoked_subjects: number;
  readonly rules: Rules;
}

export function shownSite(row: SiteRow, now: number): ShownSite {
  const { bundle, rules, shape } = siteOf(row);
  return {
    id: row.id,
    shape,
    site_name: bundle.site_name,
    issuer: row.issuer,
    api_url: bundle.endpoints.api,
    fingerprint: row.site_kid,
    state: stateOfSite(row, now),
    sequence: row.sequence,
    expires_at: isoTime(row.expires_at),
    imported_at: isoTime(row.imported_at),
    checked_at: row.checked_at === null ? null : isoTime(row.checked_at),
    problem: row.problem,
    key_ids: bundle.keys.map(({ kid }) => kid),
    revoked_subjects: bundle.revoked_subjects.length,
    rules,
  };
}
