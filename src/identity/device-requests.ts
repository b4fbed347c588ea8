/**
 * A device asks, a person approves in a browser, the device polls: once for every door that works so.
 *
 *     pending ──► approved ──► delivered, once        a person types the code: from then on the request is theirs to decide
 *        └──────► denied
 *
 * Rule: the only owner of the table. Both codes are stored as keyed digests over their purpose, so that a code of one
 * door opens nothing at another. What is asked for and what is given is the door's to say. A code is looked up only
 * for somebody who is signed in, and every look-up counts as a guess (RFC 8628 section 5.1).
 */
import { and, count, eq, gt, inArray, isNull, lt, or, sql } from "drizzle-orm";
import { randomSecret } from "../crypto/tokens.ts";
import { createUserCode, findUserCode, shownUserCode } from "../crypto/user-codes.ts";
import { assert, Fault } from "../fault.ts";
import { type Act, type CommandAct, Refused } from "../gate/operation.ts";
import { rowWhere } from "../store/conditional-insert.ts";
import type { Tables } from "../store/schema.ts";
import type { Reader, Writer } from "../store/store.ts";
import { countGuess, type GuessPolicy } from "./sign-in-buckets.ts";

export type DevicePurpose = "oidc" | "desktop";
export type DeviceRequest = Tables["deviceRequests"]["$inferSelect"];

/** Requests that wait at once, of all devices together, and of one source. Behind a proxy all are one source. */
export const PENDING_MAX = 10_000;
export const PENDING_OF_SOURCE_MAX = 200;
/** Two codes that wait at once are the same about once in a hundred million draws. */
const DRAWS_MAX = 3;
/** So long a request is known again after its end; later its code is like any that never was. */
const REMEMBERED_MS = 86_400_000;
/** Each new request sweeps out so many that are forgotten. */
const SWEEP_MAX = 20;
const DEVICE_CODE = /^[0-9A-Za-z]{43}$/;

const tooMany = "There were too many wrong codes.";
/** Of a person: a wrong code now and then is a slip. */
const ofPerson: GuessPolicy = { freeFailures: 9, delayMsMax: 15 * 60_000, refusal: tooMany };
/** Of a source: a house full of people may be behind it, so it is shut late and briefly. */
const ofSource: GuessPolicy = { freeFailures: 99, delayMsMax: 60_000, refusal: tooMany };

export interface NewDeviceRequest {
  readonly purpose: DevicePurpose;
  readonly asked: object;
  readonly lifeSeconds: number;
  readonly intervalSeconds: number;
}

/** What the device is told. */
export interface DeviceCodes {
  /** The device's own secret: 256 bits, shown once. */
  readonly deviceCode: string;
  /** For a person, as people read it. */
  readonly userCode: string;
}

interface ShownCode {
  readonly kind: "device-code" | "user-code";
  readonly purpose: DevicePurpose;
  readonly code: string;
}

function digestOf({ sealer }: Pick<Act, "sealer">, { kind, purpose, code }: ShownCode): string {
  return sealer.digest(kind, `${purpose}:${code}`);
}

async function sweep({ writer }: CommandAct, now: number): Promise<void> {
  const { deviceRequests: requests } = writer.tables;
  const over = writer.select({ digest: requests.device_digest }).from(requests).where(lt(requests.expires_at, now - REMEMBERED_MS)).limit(SWEEP_MAX);
  await writer.delete(requests).where(inArray(requests.device_digest, over));
}

/** Requests that are not over yet: of the source, or of all. */
function countOpen(writer: Writer, now: number, address: string | undefined) {
  const { deviceRequests: requests } = writer.tables;
  const isOfSource = address === undefined ? undefined : eq(requests.address, address);
  return writer.select({ count: count() }).from(requests).where(and(gt(requests.expires_at, now), isOfSource));
}

/** Notes that a device asks. Throws Fault `rate_limited` while too many wait already. */
export async function insertDeviceRequest(act: CommandAct, { purpose, asked, lifeSeconds, intervalSeconds }: NewDeviceRequest): Promise<DeviceCodes> {
  const { writer, services, caller } = act;
  const { deviceRequests: requests } = writer.tables;
  const now = services.clock.now();
  await sweep(act, now);
  const ofSourceMax = caller.address === undefined ? PENDING_MAX : PENDING_OF_SOURCE_MAX;
  const hasRoom = sql`(${countOpen(writer, now, undefined)}) < ${PENDING_MAX} and (${countOpen(writer, now, caller.address)}) < ${ofSourceMax}`;
  for (let draw = 0; draw < DRAWS_MAX; draw += 1) {
    const [deviceCode, userCode] = [randomSecret(services.random), createUserCode(services.random)];
    const row = {
      device_digest: digestOf(act, { kind: "device-code", purpose, code: deviceCode }),
      user_digest: digestOf(act, { kind: "user-code", purpose, code: userCode }),
      purpose,
      asked: JSON.stringify(asked),
      address: caller.address ?? null,
      status: "pending",
      interval_ms: intervalSeconds * 1_000,
      created_at: now,
      expires_at: now + lifeSeconds * 1_000,
    };
    const [inserted] = await writer.insert(requests).select(rowWhere(requests, row, hasRoom)).onConflictDoNothing().returning({ digest: requests.device_digest });
    if (inserted !== undefined) return { deviceCode, userCode: shownUserCode(userCode) };
  }
  throw new Fault("rate_limited", "Too many devices are waiting to be approved.", { hint: "Try again in a few minutes.", retryAfterSeconds: 60 });
}

/** One wording for every code that is not good: which way it is not is nobody's business. */
function wrongCode(): Fault {
  return new Fault("not_found", "No device waits for this code.", { hint: "Compare it with what the device shows. A code is good once and for a few minutes: the device can show a new one." });
}

/** The pending request of the code, which is the caller's to decide from now on: of two people who type one code, the first. */
async function claim(act: CommandAct, purpose: DevicePurpose, code: string): Promise<DeviceRequest | undefined> {
  const { writer, services, caller } = act;
  assert(caller.kind === "user", "only people approve devices");
  const { userId } = caller;
  const { deviceRequests: requests } = writer.tables;
  const isFree = or(isNull(requests.user_id), eq(requests.user_id, userId));
  const [claimed] = await writer
    .update(requests)
    .set({ user_id: userId })
    .where(and(eq(requests.user_digest, digestOf(act, { kind: "user-code", purpose, code })), eq(requests.status, "pending"), gt(requests.expires_at, services.clock.now()), isFree))
    .returning();
  return claimed;
}

/**
 * The request whose code the caller, a person, typed. A wrong code is a refusal to be returned from the command, so that
 * it counts; past the limits any code is refused, right or wrong, and is not looked up (RFC 8628 section 5.1).
 */
export async function claimDeviceRequest(act: CommandAct, purpose: DevicePurpose, typed: string): Promise<DeviceRequest | Refused> {
  const { caller, sealer } = act;
  assert(caller.kind === "user", "only people approve devices");
  const buckets = [{ name: `person:${caller.userId}`, policy: ofPerson }, ...(caller.address === undefined ? [] : [{ name: `source:${caller.address}`, policy: ofSource }])];
  const guesses = [];
  for (const { name, policy } of buckets) {
    const guess = await countGuess(act, sealer.digest("user-code", `guesses:${name}`), policy);
    // Thrown and not returned: what is refused unseen leaves nothing behind, however many there are.
    if (guess.isBlocked) throw await guess.refuse(wrongCode());
    guesses.push(guess);
  }
  const code = findUserCode(typed);
  const claimed = code === undefined ? undefined : await claim(act, purpose, code);
  if (claimed === undefined) {
    for (const guess of guesses) await guess.refuse(wrongCode());
    return new Refused(wrongCode());
  }
  // Right codes of one's own must not buy guesses at those of others.
  for (const guess of guesses) await guess.uncount();
  return claimed;
}

/** Decides the request that was claimed. `answer` is what approval gives. */
export async function decideDeviceRequest({ writer }: CommandAct, { device_digest }: DeviceRequest, answer: object | undefined): Promise<void> {
  const { deviceRequests: requests } = writer.tables;
  const set = answer === undefined ? { status: "denied" } : { status: "approved", answer: JSON.stringify(answer) };
  const [decided] = await writer
    .update(requests)
    .set(set)
    .where(and(eq(requests.device_digest, device_digest), eq(requests.status, "pending")))
    .returning({ digest: requests.device_digest });
  assert(decided !== undefined, "a request that was claimed in this transaction is pending");
}

/** The request of the device that shows its own code, whatever became of it; undefined when there is none. */
export async function findDeviceRequest(act: Pick<Act, "sealer">, reader: Reader, { purpose, code }: Omit<ShownCode, "kind">): Promise<DeviceRequest | undefined> {
  if (!DEVICE_CODE.test(code)) return undefined;
  const { deviceRequests: requests } = reader.tables;
  const [found] = await reader.select().from(requests).where(eq(requests.device_digest, digestOf(act, { kind: "device-code", purpose, code })));
  return found;
}

/** Takes what was approved: of any number of polls one gets true. */
export async function takeDeviceRequest({ writer, services }: CommandAct, { device_digest }: DeviceRequest): Promise<boolean> {
  const { deviceRequests: requests } = writer.tables;
  const [taken] = await writer
    .update(requests)
    .set({ status: "delivered", polled_at: services.clock.now() })
    .where(and(eq(requests.device_digest, device_digest), eq(requests.status, "approved")))
    .returning({ digest: requests.device_digest });
  return taken !== undefined;
}

/** Notes a poll that got nothing, and how long the device has to wait from now on. */
export async function notePoll({ writer, services }: CommandAct, { device_digest }: DeviceRequest, intervalMs: number): Promise<void> {
  const { deviceRequests: requests } = writer.tables;
  await writer.update(requests).set({ polled_at: services.clock.now(), interval_ms: intervalMs }).where(eq(requests.device_digest, device_digest));
}
