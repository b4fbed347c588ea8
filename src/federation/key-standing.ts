/**
 * One issuer identity at several sites: one leads and makes the keys, the others follow and take them.
 *
 *     (alone) ── export ──► leader        (alone) ── import, fingerprint compared ──► follower ── lead ──► leader
 *
 * Rule: a follower takes what its pinned leader signed, in a number that does not fall; it says so when the leader must have
 * changed keys that it has not heard of. What was taken acts on its own by the clock, so that sites change at one moment.
 */
import { createHash } from "node:crypto";
import { eq } from "drizzle-orm";
import { Fault } from "../fault.ts";
import { command, type CommandAct, query } from "../gate/operation.ts";
import { requireAdministrator } from "../identity/administrators.ts";
import { knownUntil, readSharedKeys, takeSharedKeys } from "../oidc/key-replication.ts";
import { listPublishedKeys } from "../oidc/signing-keys.ts";
import { isoTime } from "../page.ts";
import type { Tables } from "../store/schema.ts";
import type { Reader } from "../store/store.ts";
import { keysRefused, openKeyFile, readKeyFile, readSiteKeyFile, type Receiver, type SignedKeyFile, writeKeyFile } from "./key-file.ts";
import { getSelf, openSelf, readFingerprint } from "./site-key.ts";

/** The one row. */
const STATE = "keys";
/** So long before it is behind a follower says that an export is due. */
const DUE_MS = 86_400_000;

type StateRow = Tables["federationKeyState"]["$inferSelect"];

export async function findKeyState(reader: Reader): Promise<StateRow | undefined> {
  const { federationKeyState: state } = reader.tables;
  const [row] = await reader.select().from(state).where(eq(state.id, STATE));
  return row;
}

type Standing = Omit<StateRow, "id" | "updated_at">;

const alone = { leader_kid: null, leader_key: null, leader_url: null, sequence: 0, content_digest: null, next_change_at: null, imported_at: null, checked_at: null, problem: null } as const;

async function stand({ writer, services }: CommandAct, values: Standing): Promise<void> {
  const columns = { ...values, updated_at: services.clock.now() };
  await writer.insert(writer.tables.federationKeyState).values({ id: STATE, ...columns }).onConflictDoUpdate({ target: writer.tables.federationKeyState.id, set: columns });
}

/** Where followers that reach this site ask for its keys. */
export const PULL_PATH = "/api/v1/federation/keys";

interface Written {
  readonly keys: string;
  readonly sequence: number;
}

/** The file for the receiver, under the number of what it says. */
export async function keysFor(act: CommandAct, receiver: Receiver): Promise<Written> {
  const { services, settings } = act;
  const before = await findKeyState(act.writer);
  const now = services.clock.now();
  const content = await readSharedKeys(act);
  const content_digest = createHash("sha256").update(JSON.stringify(content)).digest("base64url");
  const sequence = before?.content_digest === content_digest ? before.sequence : (before?.sequence ?? 0) + 1;
  const known_until = knownUntil(await listPublishedKeys(act.writer, now), settings.signingKeyRotationSeconds * 1_000, now) ?? null;
  await stand(act, { ...alone, standing: "leader", sequence, content_digest });
  const heading = { issuer: settings.issuerUrl, to: receiver.kid, sequence, issued_at: Math.floor(now / 1_000), known_until, pull_url: `${settings.publicUrl}${PULL_PATH}` };
  return { keys: writeKeyFile(openSelf(act, await getSelf(act)), services.random, { heading, content, receiver }), sequence };
}

export interface ExportedKeys extends Written {
  /** Of the receiver. */
  readonly to: string;
}

export interface KeyExport {
  /** What `cyberun federation site-key` shows at the receiver. */
  readonly site_key: string;
  /** Of the receiver, as its operator read it out; needed the first time. */
  readonly fingerprint?: string | undefined;
}

async function requireReceiver({ writer }: CommandAct, { kid }: Receiver, fingerprint: string | undefined): Promise<boolean> {
  const { federationKeyReceivers: receivers } = writer.tables;
  const [known] = await writer.select({ kid: receivers.site_kid }).from(receivers).where(eq(receivers.site_kid, kid));
  if (fingerprint !== undefined && readFingerprint(fingerprint) !== kid) throw keysRefused("the receiver has another fingerprint", "Compare it with the receiver's operator (cyberun federation site-key).", "wrong_fingerprint");
  if (known !== undefined || fingerprint !== undefined) return known !== undefined;
  throw new Fault("invalid_request", "The fingerprint of the receiver is needed the first time.", { hint: "Whoever holds these keys signs everybody's tokens: compare the fingerprint with the receiver's operator.", details: { reason: "fingerprint_needed", fingerprint: kid } });
}

/** Seals this site's signing keys to another site, which may be brought them by file. */
export const exportKeys = command("federation_keys.export", async (act, { site_key, fingerprint }: KeyExport): Promise<ExportedKeys> => {
  const receiver = readSiteKeyFile(site_key);
  const own = openSelf(act, await getSelf(act)).signing.kid;
  if (receiver.kid === own) throw keysRefused("the receiver is this site itself", "Name the key of the other site.", "own_key");
  if ((await findKeyState(act.writer))?.standing === "follower") throw new Fault("conflict", "This site follows another one and hands no keys on.", { hint: "Export them at the site that leads, or have this one lead (cyberun federation keys lead)." });
  const isKnown = await requireReceiver(act, receiver, fingerprint);
  if (!isKnown) await act.writer.insert(act.writer.tables.federationKeyReceivers).values({ site_kid: receiver.kid, site_key: site_key.trim(), created_at: act.services.clock.now() });
  const written = await keysFor(act, receiver);
  act.note({ subject: `site:${receiver.kid}`, details: { sequence: written.sequence } });
  return { ...written, to: receiver.kid };
});

export interface KeyImport {
  readonly keys: string;
  /** Of the leader; needed the first time, and for another leader. */
  readonly fingerprint?: string | undefined;
}

export interface ImportedKeys {
  readonly leader: string;
  readonly sequence: number;
  readonly key_ids: readonly string[];
}

/** Throws Fault for a file that is not the leader's, or older than what was taken. */
function requireLeader(file: SignedKeyFile, state: StateRow | undefined, fingerprint: string | undefined): void {
  if (fingerprint !== undefined && readFingerprint(fingerprint) !== file.kid) throw keysRefused("it is signed by a site with another fingerprint", "Compare the fingerprint with the leading site's operator.", "wrong_fingerprint");
  if (state?.leader_kid === file.kid) {
    if (file.sequence >= state.sequence) return;
    throw keysRefused(`its number ${file.sequence} is lower than ${state.sequence}, which was taken before`, "Bring the newest export.", "lower_sequence");
  }
  if (fingerprint !== undefined) return;
  throw new Fault("invalid_request", "The fingerprint of the leading site is needed the first time.", { hint: "Ask its operator for what cyberun federation site-key shows, over a way that you trust.", details: { reason: "fingerprint_needed", fingerprint: file.kid } });
}

/** Takes the leader's keys over. From now on this site makes none of its own. */
export const importKeys = command("federation_keys.import", async (act, input: KeyImport): Promise<ImportedKeys> => {
  const now = act.services.clock.now();
  const file = readKeyFile(input.keys.trim(), now);
  const state = await findKeyState(act.writer);
  if (state?.standing === "leader") throw new Fault("conflict", "This site leads and takes no keys.", { hint: "Bring the file to a site that follows." });
  if (file.issuer !== act.settings.issuerUrl) throw keysRefused(`it is of the issuer ${file.issuer}, and this site's is ${act.settings.issuerUrl}`, "Give this site the same CYBERUN_ISSUER_URL as the leading one, and start it again.", "other_issuer");
  requireLeader(file, state, input.fingerprint);
  const content = openKeyFile(openSelf(act, await getSelf(act)), file);
  await takeSharedKeys(act, content);
  await stand(act, { ...alone, standing: "follower", leader_kid: file.kid, leader_key: file.signing_key, leader_url: file.pull_url, sequence: file.sequence, next_change_at: file.known_until, imported_at: now });
  act.note({ subject: `site:${file.kid}`, details: { sequence: file.sequence, keys: content.keys.length } });
  return { leader: file.kid, sequence: file.sequence, key_ids: content.keys.map(({ public_jwk }) => public_jwk.kid) };
});

/** Has this site lead from now on, with the keys that it has: for when the one that led is lost. */
export const leadKeys = command("federation_keys.lead", async (act, _input: undefined): Promise<void> => {
  const state = await findKeyState(act.writer);
  await stand(act, { ...alone, standing: "leader", sequence: state?.sequence ?? 0 });
  act.note({ details: { was: state?.standing ?? "alone" } });
});

export interface KeyStanding {
  readonly standing: "alone" | "leader" | "follower";
  /** `behind`: the leader must have changed keys that were not brought here. */
  readonly state: "ok" | "due" | "behind";
  readonly sequence: number;
  readonly leader: string | null;
  readonly known_until: string | null;
  readonly imported_at: string | null;
  readonly problem: string | null;
}

function stateOf({ standing, next_change_at: until }: StateRow, now: number): KeyStanding["state"] {
  if (standing !== "follower" || until === null || now < until - DUE_MS) return "ok";
  return now < until ? "due" : "behind";
}

/** How this site stands among those that share its issuer identity. */
export const readKeyStanding = query("federation_keys.read", async (act, _input: undefined): Promise<KeyStanding> => {
  if (act.caller.kind !== "system") requireAdministrator(act.caller);
  const row = await findKeyState(act.reader);
  if (row === undefined) return { standing: "alone", state: "ok", sequence: 0, leader: null, known_until: null, imported_at: null, problem: null };
  const time = (at: number | null) => (at === null ? null : isoTime(at));
  const standing = row.standing === "follower" ? "follower" : "leader";
  return { standing, state: stateOf(row, act.services.clock.now()), sequence: row.sequence, leader: row.leader_kid, known_until: time(row.next_change_at), imported_at: time(row.imported_at), problem: row.problem };
});
