/**
 * Passkeys of a person: made, listed, removed.
 *
 *     enrol (password or another passkey) ── options for the browser ── add (its answer, a name) ── in use ── remove (proof)
 *
 * The options are given to whoever has shown to be the owner, and their challenge belongs to that session; so the answer
 * to it is all that adding one takes. Whoever has a passkey is asked for a second step after the password.
 */
import { and, asc, count, eq } from "drizzle-orm";
import { Fault, invalidField, notFound } from "../../fault.ts";
import { type CommandAct, procedure, query, Refused } from "../../gate/operation.ts";
import { below } from "../../gate/quota.ts";
import { isoTime } from "../../page.ts";
import { rowWhere } from "../../store/conditional-insert.ts";
import type { Reader } from "../../store/store.ts";
import { findDeployment } from "../deployment.ts";
import { hasSecondFactor } from "../factor-check.ts";
import { requireName } from "../names.ts";
import { requireUser } from "../own-password.ts";
import { deleteRecoveryCodes, replaceRecoveryCodes } from "../recovery-codes.ts";
import { endStepTokens } from "../step-tokens.ts";
import { requireRegistration } from "./answers.ts";
import { PASSKEY_FAILURES_MAX } from "./assertion-check.ts";
import { createChallenge, takeChallenge } from "./challenges.ts";
import { listDescriptors, PASSKEYS_MAX } from "./known-passkeys.ts";
import { type CreationOptions, creationOptions, type Owner } from "./options.ts";
import { type OwnershipProof, proveOwnership } from "./ownership.ts";
import { requireRelyingParty } from "./relying-party.ts";
import { type NewPasskey, verifyRegistration } from "./verification.ts";

export interface Passkey {
  readonly id: string;
  readonly display_name: string;
  readonly created_at: string;
  readonly last_used_at: string | null;
  /** Its owner's devices may share it. */
  readonly is_synced: boolean;
  /** `locked` after too many wrong answers, until a recovery code is used. `copied`: refused for good, because its counter ran backwards. */
  readonly status: "active" | "locked" | "copied";
}

export interface AddedPasskey {
  readonly passkey: Passkey;
  /** Shown once, with the first second factor of the account; null when there are codes already. */
  readonly recovery_codes: readonly string[] | null;
}

export interface NewPasskeyInput {
  readonly display_name: string;
  /** What the browser made (PublicKeyCredential.toJSON), as JSON or as its text. */
  readonly credential: unknown;
}

interface Row {
  readonly id: string;
  readonly display_name: string;
  readonly created_at: number;
  readonly last_used_at: number | null;
  readonly is_synced: boolean;
  readonly failures: number;
  readonly clone_seen_at: number | null;
}

function shown({ id, display_name, created_at, last_used_at, is_synced, failures, clone_seen_at }: Row): Passkey {
  const status = clone_seen_at !== null ? "copied" : failures >= PASSKEY_FAILURES_MAX ? "locked" : "active";
  return { id, display_name, created_at: isoTime(created_at), last_used_at: last_used_at === null ? null : isoTime(last_used_at), is_synced, status };
}

/** The caller's passkeys, the oldest first. */
export const listPasskeys = query("passkey.list", async ({ caller, reader }, _input: undefined): Promise<{ readonly passkey_list: readonly Passkey[] }> => {
  const { userId } = requireUser(caller);
  const { passkeys } = reader.tables;
  const rows = await reader.select().from(passkeys).where(eq(passkeys.user_id, userId)).orderBy(asc(passkeys.id)).limit(PASSKEYS_MAX);
  return { passkey_list: rows.map(shown) };
});

async function getOwner(reader: Reader, userId: string): Promise<Owner> {
  const { users } = reader.tables;
  const [owner] = await reader.select({ id: users.id, emailAddress: users.email_address, displayName: users.display_name }).from(users).where(eq(users.id, userId));
  if (owner === undefined) throw notFound();
  return owner;
}

/** Begins: gives what a browser needs to make a passkey, to whoever shows to be the owner. */
export const enrolPasskey = procedure("passkey.enrol", async (act, input: OwnershipProof): Promise<CreationOptions> => {
  const { userId, sessionId } = requireUser(act.caller);
  const party = requireRelyingParty(act.settings);
  const judge = await proveOwnership(act, input);
  return await act.write<CreationOptions>(async (commandAct) => {
    const problem = await judge(commandAct);
    if (problem !== undefined) return new Refused(problem);
    const { writer } = commandAct;
    const [owner, deployment, known] = [await getOwner(writer, userId), await findDeployment(writer), await listDescriptors(writer, userId)];
    const challenge = createChallenge(act, { purpose: "register", holder: sessionId });
    return creationOptions({ party, siteName: deployment?.display_name ?? "Cyberun", owner, challenge, known });
  });
});

/** Inserts it, where the person has not too many and nobody has it yet. */
async function insert({ writer, services }: CommandAct, { userId, displayName }: { readonly userId: string; readonly displayName: string }, passkey: NewPasskey): Promise<Row> {
  const { passkeys } = writer.tables;
  const row = {
    id: services.random.uuid(),
    user_id: userId,
    credential_id: passkey.credentialId,
    public_key: passkey.publicKey,
    algorithm: passkey.algorithm,
    counter: passkey.counter,
    transports: JSON.stringify(passkey.transports),
    is_synced: passkey.isSynced,
    display_name: displayName,
    created_at: services.clock.now(),
    last_used_at: null,
    failures: 0,
    clone_seen_at: null,
  };
  const own = writer.select({ count: count() }).from(passkeys).where(eq(passkeys.user_id, userId));
  const [inserted] = await writer.insert(passkeys).select(rowWhere(passkeys, row, below(own, PASSKEYS_MAX))).onConflictDoNothing({ target: passkeys.credential_id }).returning();
  if (inserted !== undefined) return inserted;
  throw new Fault("conflict", `The passkey is registered already, or there are ${PASSKEYS_MAX}.`, { hint: "Use the one that is there, or remove one." });
}

/** Adds the passkey that the browser made. Throws Fault `invalid_request` when its answer is not good, and then the challenge is used up. */
export const addPasskey = procedure("passkey.add", async (act, input: NewPasskeyInput): Promise<AddedPasskey> => {
  const { userId, sessionId } = requireUser(act.caller);
  const displayName = requireName("display_name", input.display_name);
  const verified = await verifyRegistration(requireRegistration("credential", input.credential), { party: requireRelyingParty(act.settings) });
  if (verified === undefined) throw invalidField("credential", "is not a passkey that was made for this site, or is of a kind that is not taken");
  return await act.write<AddedPasskey>(async (commandAct) => {
    commandAct.note({ subject: `user:${userId}` });
    const isFresh = await takeChallenge(commandAct, verified.challenge, { purpose: "register", holder: sessionId });
    if (!isFresh) return new Refused(invalidField("credential", "answers a question that is over, was answered before, or was asked elsewhere"));
    const isFirst = !(await hasSecondFactor(commandAct.writer, userId));
    const row = await insert(commandAct, { userId, displayName }, verified.passkey);
    commandAct.note({ details: { passkey_id: row.id } });
    // Sign-ins that began without it end without a session.
    await endStepTokens(commandAct, userId);
    return { passkey: shown(row), recovery_codes: isFirst ? await replaceRecoveryCodes(commandAct, userId) : null };
  });
});

/** Removes one of the caller's. With the last second factor the recovery codes go too. Throws Fault `not_found`. */
export const removePasskey = procedure("passkey.remove", async (act, { passkey_id, ...proof }: OwnershipProof & { readonly passkey_id: string }): Promise<void> => {
  const { userId } = requireUser(act.caller);
  const judge = await proveOwnership(act, proof);
  await act.write<undefined>(async (commandAct) => {
    const problem = await judge(commandAct);
    if (problem !== undefined) return new Refused(problem);
    const { passkeys } = commandAct.writer.tables;
    const [removed] = await commandAct.writer.delete(passkeys).where(and(eq(passkeys.id, passkey_id), eq(passkeys.user_id, userId))).returning({ id: passkeys.id });
    if (removed === undefined) throw notFound();
    commandAct.note({ subject: `user:${userId}`, details: { passkey_id: removed.id } });
    if (!(await hasSecondFactor(commandAct.writer, userId))) await deleteRecoveryCodes(commandAct, userId);
    return undefined;
  });
});
