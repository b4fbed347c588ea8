/**
 * Refused attempts in the audit, such that nobody can fill the disk by being refused.
 *
 *     a known caller   the first refusal of a minute is a row before the caller hears of it; repeats are counted
 *     a stranger       counted only
 *     each minute      one row for each operation, caller or source, and reason that was counted
 *
 * What a kill -9 loses is at most the counts of the minute that runs. Beyond {@link KINDS_MAX} kinds in a minute the
 * rest is one row for each operation and reason, from everywhere.
 *
 * Rule: a refusal that a command remembers (`Refused`) has its row already and does not come here.
 */
import { sourceOf } from "../cidr.ts";
import { type Fault, faultCodes } from "../fault.ts";
import type { Cancel } from "../services.ts";
import type { Store } from "../store/store.ts";
import { appendAudit, type AuditPen, teamOf } from "./audit.ts";
import { actorOf, type Caller } from "./caller.ts";
import type { OperationName } from "./operations.ts";

const MINUTE_MS = 60_000;
/** Different refusals that are told apart within a minute. */
export const KINDS_MAX = 1_000;

interface Counted {
  readonly operation: OperationName;
  readonly caller: Caller;
  readonly code: string;
  readonly teamId: string | undefined;
  readonly firstAt: number;
  lastAt: number;
  count: number;
}

export interface RefusalsParts extends AuditPen {
  readonly store: Store;
}

/** Whether a refusal says something about the caller or the license, and not about the input or the state of a thing. */
function isOfAuthority({ code }: Fault): boolean {
  const { status, exit } = faultCodes[code];
  return code !== "second_factor_required" && (status === 401 || status === 403 || (status === 503 && exit === faultCodes.expired.exit));
}

/** A stranger from anywhere, for what is not told apart any more. */
const anybody: Caller = { kind: "anonymous" };

/** A key that wants a lease is no more than a stranger's until it is enrolled, and strangers can make any number. */
function countedAs(caller: Caller): Caller {
  if (caller.kind !== "anonymous" && caller.kind !== "lease_client") return caller;
  return caller.address === undefined ? anybody : { kind: "anonymous", address: sourceOf(caller.address) };
}

export class Refusals {
  readonly #parts: RefusalsParts;
  readonly #counted = new Map<string, Counted>();
  #cancel: Cancel | undefined;
  #flushing: Promise<void> = Promise.resolve();

  constructor(parts: RefusalsParts) {
    this.#parts = parts;
  }

  /** Takes note of a refusal that is about to be answered. It never throws. */
  async note(operation: OperationName, caller: Caller, fault: Fault): Promise<void> {
    if (caller.kind === "system" || !isOfAuthority(fault)) return;
    const [counted, isNew] = this.#count(operation, countedAs(caller), fault.code);
    if (!isNew || counted.caller.kind === "anonymous") return;
    counted.count -= 1;
    // A store that cannot write must not change the answer: then it is told with the counts.
    await this.#write([{ ...counted, count: 1 }]).catch(() => void (counted.count += 1));
  }

  /** Writes what was counted so far. */
  async flush(): Promise<void> {
    this.#cancel?.();
    this.#cancel = undefined;
    const told = [...this.#counted].filter(([, { count }]) => count > 0);
    this.#counted.clear();
    const written = this.#write(told.map(([, counted]) => counted)).catch(() => this.#takeBack(told));
    this.#flushing = Promise.all([this.#flushing, written]).then(() => {});
    await this.#flushing;
  }

  /** Writes what was counted, before the store closes. */
  async stop(): Promise<void> {
    await this.flush();
    this.#cancel?.();
  }

  #count(operation: OperationName, caller: Caller, code: string): readonly [Counted, boolean] {
    const whose = this.#counted.size < KINDS_MAX ? caller : anybody;
    const key = JSON.stringify([operation, code, actorOf(whose), whose.address ?? null]);
    const now = this.#parts.services.clock.now();
    const found = this.#counted.get(key);
    const counted = found ?? { operation, caller: whose, code, teamId: teamOf(whose), firstAt: now, lastAt: now, count: 0 };
    this.#counted.set(key, counted);
    counted.lastAt = now;
    counted.count += 1;
    this.#cancel ??= this.#parts.services.clock.after(MINUTE_MS, () => void this.flush());
    return [counted, found === undefined];
  }

  #takeBack(told: readonly (readonly [string, Counted])[]): void {
    for (const [key, counted] of told) if (!this.#counted.has(key) && this.#counted.size < KINDS_MAX) this.#counted.set(key, counted);
    this.#cancel ??= this.#parts.services.clock.after(MINUTE_MS, () => void this.flush());
  }

  async #write(all: readonly Counted[]): Promise<void> {
    if (all.length === 0) return;
    await this.#parts.store.write(async (writer) => {
      for (const { operation, caller, code, teamId, firstAt, lastAt, count } of all) {
        const details = { error_code: code, count, first_at: new Date(firstAt).toISOString(), last_at: new Date(lastAt).toISOString() };
        await appendAudit(writer, this.#parts, { operation, outcome: "refused", caller, details, ...(teamId === undefined ? {} : { teamId }) });
      }
    });
  }
}
