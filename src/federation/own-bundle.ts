/**
 * The bundle of this site: signed when it is asked for and says something new, or when the one before grows old.
 *
 * Rule: a number is given once. Two bundles of one number never differ, so that whoever carries one knows what it says.
 */
import { createHash } from "node:crypto";
import { desc, isNotNull } from "drizzle-orm";
import { invalidField } from "../fault.ts";
import { type Act, command, type CommandAct, procedure } from "../gate/operation.ts";
import { requireAdministrator } from "../identity/administrators.ts";
import { findDeployment } from "../identity/deployment.ts";
import { CALLBACK_PATH } from "../identity/upstream/start.ts";
import { listPublishedKeys } from "../oidc/signing-keys.ts";
import { isoTime } from "../page.ts";
import type { Reader } from "../store/store.ts";
import { BUNDLE_DAYS_MAX, type BundleContent, REVOKED_MAX, signBundle } from "./bundle.ts";
import { writeSiteKey } from "./key-file.ts";
import { findSelf, getSelf, noteBundle, openSelf, type SelfRow, type SiteKey } from "./site-key.ts";

/** At the API and not at the issuer: replicas share the issuer's name, and each has a bundle of its own. */
export const BUNDLE_PATH = "/api/v1/federation/bundle";
const BUNDLE_DAYS = 30;
const DAY_MS = 86_400_000;
/** How soon other sites should look again where they reach this one. */
const REFRESH_HINT_SECONDS = 300;
/** One that says nothing new is signed anew after so long, so that its end moves on. */
const RENEWED_AFTER_MS = 3_600_000;
const NAME_DEFAULT = "Cyberun";

type Said = Omit<BundleContent, "sequence" | "issued_at" | "expires_at">;

async function revokedSubjects(reader: Reader): Promise<readonly string[]> {
  const { users, federationDeparted: departed } = reader.tables;
  const disabled = await reader.select({ subject: users.id, at: users.disabled_at }).from(users).where(isNotNull(users.disabled_at)).orderBy(desc(users.disabled_at)).limit(REVOKED_MAX);
  const gone = await reader.select().from(departed).orderBy(desc(departed.at)).limit(REVOKED_MAX);
  const newest = [...disabled, ...gone].toSorted((left, right) => (right.at ?? 0) - (left.at ?? 0)).slice(0, REVOKED_MAX);
  return newest.map(({ subject }) => subject).toSorted();
}

async function said(act: Act, reader: Reader, { signingX, sealingX }: SiteKey): Promise<Said> {
  const { issuerUrl, publicUrl } = act.settings;
  const keys = await listPublishedKeys(reader, act.services.clock.now());
  return {
    issuer: issuerUrl,
    site_name: (await findDeployment(reader))?.display_name ?? NAME_DEFAULT,
    signing_key: signingX,
    sealing_key: sealingX,
    refresh_hint_seconds: REFRESH_HINT_SECONDS,
    endpoints: { api: publicUrl, bundle: `${publicUrl}${BUNDLE_PATH}`, upstream_callback: `${issuerUrl}${CALLBACK_PATH}` },
    keys: keys.map(({ publicJwk }) => publicJwk),
    revoked_subjects: [...(await revokedSubjects(reader))],
  };
}

function digestOf(content: Said): string {
  return createHash("sha256").update(JSON.stringify(content)).digest("base64url");
}

export interface OwnBundle {
  readonly bundle: string;
  readonly fingerprint: string;
  readonly sequence: number;
  /** Epoch milliseconds. */
  readonly expiresAtMs: number;
}

interface Signing {
  readonly self: SelfRow;
  readonly key: SiteKey;
  readonly content: Said;
  readonly days: number;
}

async function signed(act: CommandAct, { self, key, content, days }: Signing): Promise<OwnBundle> {
  const now = act.services.clock.now();
  const sequence = self.sequence + 1;
  const issued_at = Math.floor(now / 1_000);
  const expires_at = issued_at + (days * DAY_MS) / 1_000;
  const bundle = signBundle(key.signing, { ...content, sequence, issued_at, expires_at });
  await noteBundle(act, { bundle, content_digest: `${days}:${digestOf(content)}`, sequence, issued_at: now });
  act.note({ subject: `site:${key.signing.kid}`, details: { sequence } });
  return { bundle, fingerprint: key.signing.kid, sequence, expiresAtMs: expires_at * 1_000 };
}

interface Current {
  readonly signing: Signing;
  /** The one that was signed before, while it says all that there is to say. */
  readonly bundle: OwnBundle | undefined;
}

async function currentOf(act: Act, reader: Reader, { self, days }: { readonly self: SelfRow; readonly days: number }): Promise<Current> {
  const key = openSelf(act, self);
  const content = await said(act, reader, key);
  const { bundle, issued_at: issuedAt, content_digest, sequence } = self;
  const now = act.services.clock.now();
  const isSame = content_digest === `${days}:${digestOf(content)}` && issuedAt !== null && issuedAt <= now && now - issuedAt < RENEWED_AFTER_MS;
  const signing = { self, key, content, days };
  if (!isSame || bundle === null) return { signing, bundle: undefined };
  return { signing, bundle: { bundle, fingerprint: key.signing.kid, sequence, expiresAtMs: (Math.floor(issuedAt / 1_000) + (days * DAY_MS) / 1_000) * 1_000 } };
}

async function currentBundle(act: CommandAct, days: number): Promise<OwnBundle> {
  const { signing, bundle } = await currentOf(act, act.writer, { self: await getSelf(act), days });
  return bundle ?? (await signed(act, signing));
}

/** The one that was signed before, without a command: anybody may ask for it, as often as they like. */
async function findSigned(act: Act, reader: Reader): Promise<OwnBundle | undefined> {
  const self = await findSelf(reader);
  return self === undefined ? undefined : (await currentOf(act, reader, { self, days: BUNDLE_DAYS })).bundle;
}

export interface ExportedBundle {
  readonly bundle: string;
  readonly fingerprint: string;
  readonly sequence: number;
  readonly expires_at: string;
}

/** The bundle to be carried to another site. */
export const exportBundle = command("federation_bundle.export", async (act, { days = BUNDLE_DAYS }: { readonly days?: number | undefined }): Promise<ExportedBundle> => {
  requireAdministrator(act.caller);
  if (!Number.isInteger(days) || days < 1 || days > BUNDLE_DAYS_MAX) throw invalidField("days", `is a whole number from 1 to ${BUNDLE_DAYS_MAX}`);
  const { bundle, fingerprint, sequence, expiresAtMs } = await currentBundle(act, days);
  return { bundle, fingerprint, sequence, expires_at: isoTime(expiresAtMs) };
});

/** The bundle for sites that reach this one. */
export const publishBundle = procedure("federation_bundle.publish", async (act, _input: undefined): Promise<OwnBundle> => {
  const known = await act.read(async (reader) => await findSigned(act, reader));
  return known ?? (await act.write(async (inner) => await currentBundle(inner, BUNDLE_DAYS)));
});

export interface ShownSiteKey {
  readonly fingerprint: string;
  readonly issuer: string;
  readonly api_url: string;
  /** The public key as a file, for a site that exports its signing keys to this one. */
  readonly site_key: string;
}

/** The fingerprint of this site, for its operator to read out to others. */
export const readSiteKey = command("federation_site_key.read", async (act, _input: undefined): Promise<ShownSiteKey> => {
  requireAdministrator(act.caller);
  const key = openSelf(act, await getSelf(act));
  act.note({ subject: `site:${key.signing.kid}` });
  return { fingerprint: key.signing.kid, issuer: act.settings.issuerUrl, api_url: act.settings.publicUrl, site_key: writeSiteKey(key, act.settings.issuerUrl) };
});
