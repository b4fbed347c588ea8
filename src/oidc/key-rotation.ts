/**
 * Changes of signing keys: the first of an algorithm, the scheduled and the asked-for next, and the emergency end.
 *
 * Each change is one commit that says all of it, when the next key signs and until when the one before is published;
 * then time alone carries it out. So a process that dies, or several that act at once, leave nothing half done.
 *
 * Rule: keys are made outside of transactions, because an RSA pair takes its time; what is done with them is decided
 * anew inside.
 */
import { and, eq, gt, isNotNull, isNull, lte, ne, or } from "drizzle-orm";
import { Fault } from "../fault.ts";
import { type CommandAct, type ProcedureAct, procedure } from "../gate/operation.ts";
import { requireAdministrator } from "../identity/administrators.ts";
import type { Reader } from "../store/store.ts";
import { createPrivateJwk, type PrivateJwk, publicJwkOf, type SigningAlgorithm, signingAlgorithms } from "./jwk.ts";
import { isKeyFollower } from "./key-replication.ts";
import { nextChangeOf, planRotation, type RotationStep, type RotationTime, type RotationWish } from "./key-rotation-plan.ts";
import { findKey, findSigningKey, listPublishedKeys, longestTokenSeconds, needlessSince, openKey, PUBLISHED_MAX, publishedUntilOf, type StoredKey } from "./signing-keys.ts";

/** Rows of keys that verify nothing any more are kept for the operator to look at. */
const FORGET_AFTER_MS = 30 * 86_400_000;

/** A change that was committed. Instants in epoch milliseconds. */
export interface KeyChange {
  readonly alg: SigningAlgorithm;
  readonly kid: string;
  readonly active_from: number;
  /** The key that signs until then; null where none did. */
  readonly retires: string | null;
}

type FreshKeys = ReadonlyMap<SigningAlgorithm, PrivateJwk>;

function algorithmsOf(keys: readonly StoredKey[]): readonly SigningAlgorithm[] {
  return signingAlgorithms.filter((alg) => alg === "ES256" || keys.some((key) => key.publicJwk.alg === alg));
}

/** Refuses to make a key beside ones that cannot be opened: it would cover up that the master key is another one. */
function requireMasterKey({ sealer }: Pick<CommandAct, "sealer">, keys: readonly StoredKey[]): void {
  const sealed = keys.find((key) => key.sealedPrivateJwk !== "");
  if (sealed !== undefined) openKey(sealer, sealed);
}

async function freshKeysFor({ services }: ProcedureAct, steps: readonly RotationStep[]): Promise<FreshKeys> {
  const fresh = new Map<SigningAlgorithm, PrivateJwk>();
  for (const { alg, next } of steps) if (next === undefined) fresh.set(alg, await createPrivateJwk(services.random, alg));
  return fresh;
}

async function insertKey({ writer, services, sealer, settings }: CommandAct, privateJwk: PrivateJwk, { activeFrom, retires }: RotationStep): Promise<string> {
  const publicJwk = publicJwkOf(privateJwk);
  await writer.insert(writer.tables.signingKeys).values({
    kid: publicJwk.kid,
    alg: publicJwk.alg,
    public_jwk: JSON.stringify(publicJwk),
    private_jwk: sealer.seal("signing-key", publicJwk.kid, JSON.stringify(privateJwk)),
    created_at: services.clock.now(),
    active_from: activeFrom,
    token_seconds: Math.max(longestTokenSeconds(settings), retires?.tokenSeconds ?? 0),
  });
  return publicJwk.kid;
}

/** Whether `step.retires` now ends with the change; false when another process was there before. */
async function retire({ writer }: CommandAct, { activeFrom, retires }: RotationStep): Promise<boolean> {
  if (retires === undefined) return true;
  const { signingKeys: keys } = writer.tables;
  const retired = await writer
    .update(keys)
    .set({ retired_at: activeFrom, published_until: publishedUntilOf(writer.tables, activeFrom) })
    .where(and(eq(keys.kid, retires.publicJwk.kid), isNull(keys.revoked_at), or(isNull(keys.retired_at), gt(keys.retired_at, activeFrom))))
    .returning({ kid: keys.kid });
  return retired.length > 0;
}

async function bringForward({ writer }: CommandAct, kid: string, activeFrom: number): Promise<string | undefined> {
  const { signingKeys: keys } = writer.tables;
  const [moved] = await writer
    .update(keys)
    .set({ active_from: activeFrom })
    .where(and(eq(keys.kid, kid), isNull(keys.revoked_at), gt(keys.active_from, activeFrom)))
    .returning({ kid: keys.kid });
  return moved?.kid;
}

async function carryOut(act: CommandAct, step: RotationStep, fresh: FreshKeys): Promise<KeyChange | undefined> {
  const { alg, next, activeFrom, retires } = step;
  const privateJwk = fresh.get(alg);
  if (next === undefined && privateJwk === undefined) return undefined;
  if (!(await retire(act, step))) return undefined;
  const made = next === undefined && privateJwk !== undefined ? await insertKey(act, privateJwk, step) : undefined;
  const kid = next === undefined ? made : await bringForward(act, next.publicJwk.kid, activeFrom);
  return kid === undefined ? undefined : { alg, kid, active_from: activeFrom, retires: retires?.publicJwk.kid ?? null };
}

/** Rows with a private half that nobody needs any more, and rows that are old enough to go. */
function leftovers({ tables: { signingKeys: keys } }: Reader, now: number) {
  const isPast = or(isNotNull(keys.revoked_at), lte(keys.retired_at, needlessSince(now)));
  const old = now - FORGET_AFTER_MS;
  return { needless: and(ne(keys.private_jwk, ""), isPast), old: or(lte(keys.published_until, old), lte(keys.revoked_at, old)) };
}

async function hasLeftovers(reader: Reader, now: number): Promise<boolean> {
  const { signingKeys: keys } = reader.tables;
  const { needless, old } = leftovers(reader, now);
  return (await reader.select({ kid: keys.kid }).from(keys).where(or(needless, old)).limit(1)).length > 0;
}

/** Destroys private halves of keys that sign no more: stolen later, they sign nothing that the published half would verify. */
async function tidy({ writer, services }: CommandAct): Promise<void> {
  const { signingKeys: keys } = writer.tables;
  const { needless, old } = leftovers(writer, services.clock.now());
  await writer.update(keys).set({ private_jwk: "" }).where(needless);
  await writer.delete(keys).where(old);
}

function noteChanges({ note }: CommandAct, changes: readonly KeyChange[]): void {
  const [first] = changes;
  const details = Object.fromEntries(changes.map(({ alg, kid, active_from, retires }) => [alg, `${kid} signs from ${active_from}, ${retires ?? "none"} until then`]));
  note({ ...(first === undefined ? {} : { subject: `signing_key:${first.kid}` }), details });
}

/** Plans and commits what is wished; gives what came of it. */
async function change(act: ProcedureAct, wishes: readonly RotationWish[]): Promise<readonly KeyChange[]> {
  const plan = async (reader: Reader) => {
    const now = act.services.clock.now();
    const keys = await listPublishedKeys(reader, now);
    // A follower takes its keys from the site that leads, and makes none.
    const own = (await isKeyFollower(reader)) ? [] : wishes;
    return { keys, steps: own.flatMap((wish) => planRotation(keys, wish, now) ?? []) };
  };
  const fresh = await freshKeysFor(act, (await act.read(plan)).steps);
  return await act.write(async (inner) => {
    const { keys, steps } = await plan(inner.writer);
    requireMasterKey(inner, keys);
    const changes: KeyChange[] = [];
    for (const step of steps) changes.push(...([await carryOut(inner, step, fresh)].flatMap((done) => done ?? [])));
    await tidy(inner);
    noteChanges(inner, changes);
    return changes;
  });
}

/** A wish that only a missing key makes come true. */
function presence(alg: SigningAlgorithm): RotationWish {
  return { alg, time: "due", intervalMs: Number.POSITIVE_INFINITY };
}

/** Makes sure that a key can sign with the default algorithm now: the one there is, opened to be sure, or a first one. */
export const prepareSigningKey = procedure("signing_key.prepare", async (act, _input: undefined): Promise<{ readonly kid: string }> => {
  await change(act, [presence("ES256")]);
  const now = act.services.clock.now();
  const signing = findSigningKey(await act.read((reader) => listPublishedKeys(reader, now)), "ES256", now);
  if (signing === undefined) throw new Fault("unavailable", "The issuer's signing key was taken away while it was made ready.", { hint: "Start again." });
  openKey(act.sealer, signing);
  return { kid: signing.publicJwk.kid };
});

export interface AlgorithmChoice {
  readonly alg: SigningAlgorithm;
}

/** Makes sure that there is a key of the algorithm, for clients that ask for it. Undefined when there was one. It signs at once. */
export const addSigningKey = procedure("signing_key.add", async (act, { alg }: AlgorithmChoice): Promise<KeyChange | undefined> => {
  const [added] = await change(act, [presence(alg)]);
  return added;
});

/** How the keys of one algorithm stand, for metrics. Instants in epoch milliseconds. */
export interface KeySchedule {
  readonly alg: SigningAlgorithm;
  readonly signingSince: number | undefined;
  readonly nextChangeAt: number | undefined;
}

function scheduled({ settings }: Pick<CommandAct, "settings">, alg: SigningAlgorithm): RotationWish {
  return { alg, time: "due", intervalMs: settings.signingKeyRotationSeconds * 1_000 };
}

function isFull(keys: readonly StoredKey[], alg: SigningAlgorithm): boolean {
  return keys.filter((key) => key.publicJwk.alg === alg).length >= PUBLISHED_MAX;
}

export interface RotationReport {
  readonly changes: readonly KeyChange[];
  readonly schedule: readonly KeySchedule[];
}

/** Does what the schedule asks for by now; without anything to do it only reads. */
export const rotateDueKeys = procedure("signing_key.rotate_due", async (act, _input: undefined): Promise<RotationReport> => {
  const now = act.services.clock.now();
  const { keys, isUntidy } = await act.read(async (reader) => ({ keys: await listPublishedKeys(reader, now), isUntidy: await hasLeftovers(reader, now) }));
  const wishes = algorithmsOf(keys).filter((alg) => !isFull(keys, alg)).map((alg) => scheduled(act, alg));
  const isDue = wishes.some((wish) => planRotation(keys, wish, now) !== undefined);
  const changes = isDue || isUntidy ? await change(act, wishes) : [];
  const after = changes.length === 0 ? keys : await act.read((reader) => listPublishedKeys(reader, now));
  const schedule = algorithmsOf(after).map((alg) => ({
    alg,
    signingSince: findSigningKey(after, alg, now)?.activeFrom,
    nextChangeAt: nextChangeOf(after, scheduled(act, alg), now),
  }));
  return { changes, schedule };
});

export interface RotationRequest {
  /** Undefined: every algorithm in use. */
  readonly alg: SigningAlgorithm | undefined;
  /** `now` takes into account that verifiers do not know the next key yet. */
  readonly time: Exclude<RotationTime, "due">;
}

function requireRoom(keys: readonly StoredKey[], algorithms: readonly SigningAlgorithm[]): void {
  const full = algorithms.find((alg) => isFull(keys, alg));
  if (full === undefined) return;
  throw new Fault("conflict", `${PUBLISHED_MAX} keys of ${full} are published, because tokens that they signed are still good.`, {
    hint: "Wait until some of those tokens have ended, or revoke a key that must not be accepted any more.",
  });
}

/** Changes keys at the operator's word. A change that is under way already is brought forward, not repeated. */
export const rotateSigningKeys = procedure("signing_key.rotate", async (act, { alg, time }: RotationRequest): Promise<readonly KeyChange[]> => {
  requireAdministrator(act.caller);
  const { keys, follows } = await act.read(async (reader) => ({ keys: await listPublishedKeys(reader, act.services.clock.now()), follows: await isKeyFollower(reader) }));
  if (follows) throw new Fault("conflict", "This site takes its signing keys from the site that leads.", { hint: "Rotate them there and bring the new export (cyberun federation keys import)." });
  if (alg !== undefined && !keys.some((key) => key.publicJwk.alg === alg)) {
    throw new Fault("not_found", `There is no key of ${alg}.`, { hint: `cyberun oidc keys add --alg ${alg} makes one.` });
  }
  const algorithms = alg === undefined ? algorithmsOf(keys) : [alg];
  requireRoom(keys, algorithms);
  return await change(act, algorithms.map((each) => ({ alg: each, time, intervalMs: Number.POSITIVE_INFINITY })));
});

export interface Revocation {
  readonly kid: string;
  /** Epoch milliseconds. */
  readonly revoked_at: number;
  /** The key that signs in its place; null when it signed nothing at that moment. */
  readonly successor: string | null;
}

/** Marks the key; gives undefined when it was marked before. A key that was to retire for it signs on. */
async function markRevoked({ writer, services }: CommandAct, kid: string): Promise<StoredKey | undefined> {
  const { signingKeys: keys } = writer.tables;
  const now = services.clock.now();
  const key = await findKey(writer, kid);
  const marked = await writer.update(keys).set({ revoked_at: now, private_jwk: "" }).where(and(eq(keys.kid, kid), isNull(keys.revoked_at))).returning({ kid: keys.kid });
  if (key === undefined || marked.length === 0) return undefined;
  if (key.activeFrom > now) {
    await writer
      .update(keys)
      .set({ retired_at: null, published_until: null })
      .where(and(eq(keys.alg, key.publicJwk.alg), isNull(keys.revoked_at), eq(keys.retired_at, key.activeFrom)));
  }
  return key;
}

/**
 * Ends a key at once: from now on nothing that it signed is accepted. Sessions and grants stay, and get new tokens.
 * Repeating it changes nothing. Throws Fault `not_found`.
 */
export const revokeSigningKey = procedure("signing_key.revoke", async (act, { kid }: { readonly kid: string }): Promise<Revocation> => {
  requireAdministrator(act.caller);
  const before = await act.read((reader) => findKey(reader, kid));
  if (before === undefined) throw new Fault("not_found", "There is no signing key of that name.", { hint: "cyberun oidc keys list names them." });
  const { alg } = before.publicJwk;
  const fresh = new Map([[alg, await createPrivateJwk(act.services.random, alg)]]);
  return await act.write(async (inner) => {
    const now = inner.services.clock.now();
    requireMasterKey(inner, await listPublishedKeys(inner.writer, now));
    const revoked = await markRevoked(inner, kid);
    const step = planRotation(await listPublishedKeys(inner.writer, now), presence(alg), now);
    const isLeaders = step?.next === undefined && (await isKeyFollower(inner.writer));
    const successor = step === undefined || isLeaders ? undefined : await carryOut(inner, step, fresh);
    inner.note({ subject: `signing_key:${kid}`, details: { is_repeat: revoked === undefined, successor: successor?.kid ?? null } });
    const revokedAt = (await findKey(inner.writer, kid))?.revokedAt ?? now;
    return { kid, revoked_at: revokedAt, successor: successor?.kid ?? null };
  });
});
