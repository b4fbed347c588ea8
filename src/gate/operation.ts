/**
 * The gate: every operation is made here, and nothing reaches a domain function but through it.
 *
 *     caller's kind in row and surface → scope of the key → license state → feature → domain function with the quota's limits → audit → commit
 *
 * Rule: decides who may enter and what the license allows; whether this caller may touch this object is the domain
 * function's to decide, inside the transaction. It must not know HTTP.
 */
import type { Sealer } from "../crypto/sealing.ts";
import { Fault } from "../fault.ts";
import { type Entitled, type Entitlements, type Qualified, quotaLimit, requireLicensed } from "../license/entitlements.ts";
import type { Services } from "../services.ts";
import type { Settings } from "../settings.ts";
import type { Reader, Store, Writer } from "../store/store.ts";
import { appendAudit, type AuditNote } from "./audit.ts";
import type { Caller, CallerKind } from "./caller.ts";
import { doOnce, findOnce, type Once } from "./idempotency.ts";
import { type OperationName, rowOf } from "./operations.ts";
import type { Refusals } from "./refusals.ts";
import { findScope } from "./scopes.ts";
import { surfaceRowOf } from "./surfaces.ts";

/** What a role hands to every operation it calls. */
export interface Gate {
  readonly services: Services;
  readonly store: Store;
  readonly entitled: Entitled;
  readonly sealer: Sealer;
  readonly settings: Settings;
  readonly refusals: Refusals;
}

/** What a domain function may use while it acts. */
export interface Act {
  readonly caller: Caller;
  readonly services: Services;
  readonly sealer: Sealer;
  readonly settings: Settings;
  readonly entitlements: Entitlements;
  /** The cap of a quota as it stands: -1 unlimited, 0 disabled, above 0 a hard cap. */
  limit(quota: Qualified): number;
}

export interface QueryAct extends Act {
  readonly reader: Reader;
}

export interface CommandAct extends Act {
  readonly writer: Writer;
  /** Says what the audit row will tell beyond operation, actor and time. */
  note(note: AuditNote): void;
}

/** For operations with slow work, such as password hashing, between their transactions. */
export interface ProcedureAct extends Act {
  read<T>(query: (reader: Reader) => Promise<T>): Promise<T>;
  /** One transaction, with its audit row. */
  write<T>(command: (act: CommandAct) => Promise<T | Refused>): Promise<T>;
}

/** A refusal that must be remembered: returned by a command, committed with it, and thrown after. */
export class Refused {
  readonly fault: Fault;

  constructor(fault: Fault) {
    this.fault = fault;
  }
}

export interface Operation<Input, Output> {
  (gate: Gate, caller: Caller, input: Input): Promise<Output>;
  readonly operation: OperationName;
}

function requireAccepted(name: OperationName, kind: CallerKind): void {
  const { admits } = surfaceRowOf(name);
  const accepts = rowOf(name).accepts.filter((accepted) => admits.includes(accepted));
  if (accepts.includes(kind)) return;
  if (kind === "anonymous") {
    throw new Fault("unauthenticated", "This needs a credential.", {
      hint: "Send Authorization: Bearer with an access token or a key that is made for this door.",
    });
  }
  throw new Fault("forbidden", `A caller of kind ${kind} may not do this.`, {
    hint: `It accepts: ${accepts.join(", ")}.`,
    details: { operation: name },
  });
}

/** A token of another site is short, and must not make itself longer by a key, a password or a session of here. */
function requireAtHome(name: OperationName, caller: Caller): void {
  if (caller.kind !== "user" || caller.visitor === undefined || surfaceRowOf(name).changesIdentity !== true) return;
  throw new Fault("forbidden", "A token of another site opens nothing here that changes how somebody gets in.", {
    hint: "Sign in at this site itself for that.",
    details: { operation: name, site: caller.visitor.siteId },
  });
}

function requireScope(name: OperationName, caller: Caller): void {
  if (caller.kind !== "integration" || caller.scopes === undefined) return;
  const scope = findScope(name);
  if (scope === undefined || caller.scopes.includes(scope)) return;
  throw new Fault("insufficient_scope", `This needs the scope ${scope}, and the key does not have it.`, {
    hint: `Use a key with the scope ${scope}, or one without scopes, which has all of them.`,
    details: { scope, scopes: caller.scopes, operation: name },
  });
}

/**
 * Throws unless the caller may enter at all: 401 for a stranger, 403 for the wrong kind of credential or a key whose
 * scopes leave the operation out. A door asks before it reads the body, and the operation asks again.
 */
export function requireEntry(name: OperationName, caller: Caller): void {
  requireAccepted(name, caller.kind);
  requireAtHome(name, caller);
  requireScope(name, caller);
}

function enter(name: OperationName, gate: Gate, caller: Caller): Act {
  requireEntry(name, caller);
  const { license } = rowOf(name);
  const entitlements = gate.entitled.entitlements();
  if (license !== "core") requireLicensed(entitlements, license === "licensed" ? undefined : license);
  const { services, sealer, settings } = gate;
  return { caller, services, sealer, settings, entitlements, limit: (quota) => quotaLimit(entitlements, quota) };
}

/** A command about to be run: what for, by whom, and whether a repeat shall do it once. */
interface Transaction {
  readonly name: OperationName;
  readonly gate: Gate;
  readonly act: Act;
  readonly once: Once | undefined;
}

async function commit<T>({ name, gate, act, once }: Transaction, run: (act: CommandAct) => Promise<T | Refused>): Promise<T> {
  const result = await gate.store.write(async (writer) => {
    const deed = async () => {
      let added: AuditNote = {};
      const outcome = await run({ ...act, writer, note: (note) => (added = { ...added, ...note }) });
      if (rowOf(name).audit !== "ledger") {
        const refused = outcome instanceof Refused;
        await appendAudit(writer, gate, { ...added, operation: name, outcome: refused ? "refused" : "done", caller: act.caller });
      }
      return outcome;
    };
    return once === undefined ? await deed() : await doOnce(writer, gate, { once, deed, keeps: (outcome) => !(outcome instanceof Refused) });
  });
  if (!(result instanceof Refused)) return result;
  remembered.add(result.fault);
  throw result.fault;
}

/** Refusals that have their audit row. */
const remembered = new WeakSet<Fault>();

function named<Input, Output>(name: OperationName, call: (gate: Gate, caller: Caller, input: Input) => Promise<Output>): Operation<Input, Output> {
  const noted = async (gate: Gate, caller: Caller, input: Input) => {
    try {
      return await call(gate, caller, input);
    } catch (error) {
      if (error instanceof Fault && !remembered.has(error)) await gate.refusals.note(name, caller, error);
      throw error;
    }
  };
  return Object.assign(noted, { operation: name });
}

/** An operation that reads. It is given no writer. */
export function query<Input, Output>(name: OperationName, run: (act: QueryAct, input: Input) => Promise<Output>): Operation<Input, Output> {
  return named(name, async (gate, caller, input) => {
    const act = enter(name, gate, caller);
    return await gate.store.read((reader) => run({ ...act, reader }, input));
  });
}

/** An operation that is one transaction; its audit row is in the same commit. */
export function command<Input, Output>(
  name: OperationName,
  run: (act: CommandAct, input: Input) => Promise<Output | Refused>,
): Operation<Input, Output> {
  return named(name, async (gate, caller, input) => {
    const act = enter(name, gate, caller);
    const once = findOnce(name, caller, { input, sealer: gate.sealer });
    return await commit({ name, gate, act, once }, (commandAct) => run(commandAct, input));
  });
}

/**
 * An operation with work outside its transactions. The gate is asked once, before anything else. One that takes an
 * idempotency key has one transaction, whose value it gives back.
 */
export function procedure<Input, Output>(
  name: OperationName,
  run: (act: ProcedureAct, input: Input) => Promise<Output>,
): Operation<Input, Output> {
  return named(name, async (gate, caller, input) => {
    const act = enter(name, gate, caller);
    const once = findOnce(name, caller, { input, sealer: gate.sealer });
    return await run({ ...act, read: (q) => gate.store.read(q), write: (c) => commit({ name, gate, act, once }, c) }, input);
  });
}
