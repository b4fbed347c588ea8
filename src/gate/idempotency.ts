/**
 * Idempotency keys: a repeat of a creating call does it once and hears the same answer
 * (draft-ietf-httpapi-idempotency-key-header-07).
 *
 *     insert the key, unless it is there → do the deed → keep its value, sealed     all in the deed's own commit
 *     the key is there                   → the same input: the kept value; another: 422
 *
 * So a kill between the deed and its answer separates nothing, and of repeats side by side one does the deed and the
 * others wait for it. A deed that is refused or fails keeps nothing: its repeat is a new attempt.
 *
 * Rule: a key belongs to a caller, a team and an operation; what strangers do has none. It must not know HTTP.
 */
import { and, eq, inArray, lte } from "drizzle-orm";
import type { Sealer } from "../crypto/sealing.ts";
import { Fault } from "../fault.ts";
import type { Services } from "../services.ts";
import type { Writer } from "../store/store.ts";
import { teamOf } from "./audit.ts";
import { type Attempt, actorOf, type Caller } from "./caller.ts";
import { type OperationName, rowOf } from "./operations.ts";

export const IDEMPOTENCY_KEY_CHARACTERS_MAX = 255;
const KEPT_MS = 24 * 3_600_000;
/** Visible ASCII, with the quotes of a structured field around it or without. */
const KEY = new RegExp(`^(?:"([!#-~]{1,${IDEMPOTENCY_KEY_CHARACTERS_MAX}})"|([!#-~]{1,${IDEMPOTENCY_KEY_CHARACTERS_MAX}}))$`);
/** One attempt in so many sweeps out what is over, so much at once: more goes than comes. */
const SWEEP_CHANCE = 1 / 20;
const SWEEP_MAX = 100;

/** A call that does its deed once. */
export interface Once {
  readonly attempt: Attempt;
  /** Keyed digest of caller, team, operation and key. */
  readonly id: string;
  /** Keyed digest of the input. */
  readonly fingerprint: string;
}

interface Keys {
  readonly services: Services;
  readonly sealer: Sealer;
}

/** The one text of a value, whatever the order its members came in. */
function canonical(value: unknown): string {
  const sorted = (_name: string, member: unknown): unknown =>
    typeof member === "object" && member !== null && !Array.isArray(member) ? Object.fromEntries(Object.entries(member).toSorted(([one], [other]) => (one < other ? -1 : 1))) : member;
  return JSON.stringify(value, sorted) ?? "";
}

function requireKey(text: string): string {
  const [, quoted, plain] = KEY.exec(text) ?? [];
  const key = quoted ?? plain;
  if (key !== undefined) return key;
  throw new Fault("invalid_request", `The Idempotency-Key is not 1 to ${IDEMPOTENCY_KEY_CHARACTERS_MAX} visible ASCII characters.`, { hint: "Send a fresh UUID for each thing that is to be made." });
}

/** What makes the call one that does its deed once; undefined when the caller named no key, or the operation takes none. */
export function findOnce(name: OperationName, caller: Caller, { input, sealer }: Pick<Keys, "sealer"> & { readonly input: unknown }): Once | undefined {
  const { attempt } = caller;
  if (attempt === undefined || rowOf(name).takesIdempotencyKey !== true) return undefined;
  const key = requireKey(attempt.key);
  const digest = (parts: readonly string[]) => sealer.digest("idempotency", JSON.stringify(parts));
  return { attempt, id: digest([actorOf(caller), teamOf(caller) ?? "", name, key]), fingerprint: digest([name, canonical(input)]) };
}

async function sweep(writer: Writer, now: number): Promise<void> {
  const { idempotencyKeys: keys } = writer.tables;
  const over = writer.select({ id: keys.id }).from(keys).where(lte(keys.expires_at, now)).limit(SWEEP_MAX);
  await writer.delete(keys).where(inArray(keys.id, over));
}

/** Whether the deed is this call's to do. */
async function takeKey(writer: Writer, { services }: Keys, { id, fingerprint }: Once): Promise<boolean> {
  const { idempotencyKeys: keys } = writer.tables;
  const now = services.clock.now();
  if (services.random.fraction() < SWEEP_CHANCE) await sweep(writer, now);
  await writer.delete(keys).where(and(eq(keys.id, id), lte(keys.expires_at, now)));
  const row = { id, fingerprint, value: "", created_at: now, expires_at: now + KEPT_MS };
  const taken = await writer.insert(keys).values(row).onConflictDoNothing().returning({ id: keys.id });
  return taken.length === 1;
}

/** The kept value's text. Throws Fault `idempotency_key_reused` when it was kept for another input. */
async function keptText(writer: Writer, { sealer }: Keys, { id, fingerprint }: Once): Promise<string> {
  const { idempotencyKeys: keys } = writer.tables;
  const [kept] = await writer.select({ fingerprint: keys.fingerprint, value: keys.value }).from(keys).where(eq(keys.id, id));
  if (kept?.fingerprint === fingerprint) return sealer.open("idempotency", id, kept.value).toString("utf8");
  throw new Fault("idempotency_key_reused", "The Idempotency-Key was used for another request.", { hint: "Send the request that it was first sent with, or a fresh key." });
}

/** Does `deed` once, and gives its value each time. `keeps` says whether a value is one to keep. */
export async function doOnce<T>(writer: Writer, keys: Keys, { once, deed, keeps }: { readonly once: Once; deed(): Promise<T>; keeps(value: T): boolean }): Promise<T> {
  const { idempotencyKeys } = writer.tables;
  if (!(await takeKey(writer, keys, once))) {
    const kept: T = JSON.parse(await keptText(writer, keys, once));
    once.attempt.isReplay = true;
    return kept;
  }
  // A run that is run again by the store begins anew.
  once.attempt.isReplay = false;
  const value = await deed();
  if (keeps(value)) await writer.update(idempotencyKeys).set({ value: keys.sealer.seal("idempotency", once.id, JSON.stringify(value)) }).where(eq(idempotencyKeys.id, once.id));
  else await writer.delete(idempotencyKeys).where(eq(idempotencyKeys.id, once.id));
  return value;
}
