/**
 * When keys were last used: gathered in memory and written together, so that no request waits for it.
 *
 * Rule: a column for people, not for decisions. A key is written once a minute at most; what was gathered since is lost
 * when the process is killed; a time never goes back; and a revoked key keeps the time it had.
 */
import { and, eq, isNull, lt, or, sql } from "drizzle-orm";
import { system } from "../gate/caller.ts";
import { command, type Gate } from "../gate/operation.ts";
import type { Log } from "../log.ts";
import type { Cancel } from "../services.ts";
import { type Given, planWrite } from "../store/plan.ts";

const FLUSH_MS = 60_000;
/** Rows of one transaction. */
const BATCH_MAX = 500;
/** Keys that are remembered between two writes; the uses of others go unnoticed. */
const KEYS_MAX = 100_000;

interface Use {
  readonly id: string;
  /** Epoch milliseconds. */
  readonly at: number;
}

const moveForward = planWrite((writer, given: Given<Use>) => {
  const { credentials } = writer.tables;
  const isEarlier = or(isNull(credentials.last_used_at), lt(credentials.last_used_at, given("at")));
  return writer
    .update(credentials)
    .set({ last_used_at: sql`${given("at")}` })
    .where(and(eq(credentials.id, given("id")), isNull(credentials.revoked_at), isEarlier));
});

/** Writes the times of one batch. */
export const noteUses = command("credential.note_use", async ({ writer }, { uses }: { readonly uses: readonly Use[] }): Promise<void> => {
  for (const use of uses) await moveForward(writer, use);
});

/** What authentication tells of every key that was good. */
export class LastUses {
  readonly #gate: Gate;
  readonly #log: Log;
  #seen = new Map<string, number>();
  #cancel: Cancel | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(gate: Gate, log: Log) {
    this.#gate = gate;
    this.#log = log;
  }

  note(credentialId: string): void {
    if (this.#seen.size >= KEYS_MAX && !this.#seen.has(credentialId)) return;
    const { clock } = this.#gate.services;
    this.#seen.set(credentialId, clock.now());
    this.#cancel ??= clock.after(FLUSH_MS, () => void this.#flush());
  }

  /** Writes what was gathered. Nothing may be noted any more. */
  async stop(): Promise<void> {
    await this.#flush();
  }

  async #flush(): Promise<void> {
    this.#cancel?.();
    this.#cancel = undefined;
    const uses = [...this.#seen].map(([id, at]) => ({ id, at }));
    this.#seen = new Map();
    this.#writing = this.#writing.then(() => this.#write(uses));
    await this.#writing;
  }

  async #write(uses: readonly Use[]): Promise<void> {
    for (let at = 0; at < uses.length; at += BATCH_MAX) {
      try {
        await noteUses(this.#gate, system, { uses: uses.slice(at, at + BATCH_MAX) });
      } catch (error) {
        // The store is away. The next use of each key is noted again, so that nothing is kept for later.
        this.#log.write("warn", "credential.use_not_noted", { keys: uses.length - at, error });
        return;
      }
    }
  }
}
