/**
 * Tells streams that their task has something new: one look at the store, ten times a second, for all of them together.
 *
 * It works across processes, because what is looked at is what was committed. While nobody follows, nothing is asked.
 */
import { inArray } from "drizzle-orm";
import type { Gate } from "../gate/operation.ts";
import type { Log } from "../log.ts";
import type { Cancel } from "../services.ts";

export const LOOK_MS = 100;
/** Tasks that one statement asks about. */
const BATCH_MAX = 200;

interface Watched {
  readonly taskId: string;
  readonly wake: () => void;
  seen: number;
}

export class TaskWatch {
  readonly #gate: Gate;
  readonly #log: Log;
  readonly #watched = new Set<Watched>();
  #cancel: Cancel | undefined;
  #isStopped = false;

  constructor(gate: Gate, log: Log) {
    this.#gate = gate;
    this.#log = log;
  }

  get count(): number {
    return this.#watched.size;
  }

  /** Calls `wake` whenever the task has gone on beyond `seen`; gives back what ends it. */
  watch(taskId: string, seen: number, wake: () => void): () => void {
    const watched: Watched = { taskId, seen, wake };
    this.#watched.add(watched);
    this.#arm();
    return () => this.#watched.delete(watched);
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancel?.();
    this.#watched.clear();
  }

  #arm(): void {
    if (this.#cancel !== undefined || this.#isStopped || this.#watched.size === 0) return;
    this.#cancel = this.#gate.services.clock.after(LOOK_MS, () => {
      void this.#look().finally(() => {
        this.#cancel = undefined;
        this.#arm();
      });
    });
  }

  /** A store that does not answer is asked again; the streams' own heartbeats go on meanwhile. */
  async #look(): Promise<void> {
    try {
      const counts = await this.#counts([...new Set([...this.#watched].map(({ taskId }) => taskId))]);
      for (const watched of this.#watched) {
        // A task that is gone wakes its streams too: they find out and end.
        const now = counts.get(watched.taskId) ?? Number.MAX_SAFE_INTEGER;
        if (now <= watched.seen) continue;
        watched.seen = now;
        watched.wake();
      }
    } catch (error) {
      this.#log.write("warn", "tasks.watch_failed", { error });
    }
  }

  async #counts(ids: readonly string[]): Promise<ReadonlyMap<string, number>> {
    return await this.#gate.store.read(async (reader) => {
      const { tasks } = reader.tables;
      const found = new Map<string, number>();
      for (let start = 0; start < ids.length; start += BATCH_MAX) {
        const batch = ids.slice(start, start + BATCH_MAX);
        for (const { id, count } of await reader.select({ id: tasks.id, count: tasks.event_count }).from(tasks).where(inArray(tasks.id, batch))) found.set(id, count);
      }
      return found;
    });
  }
}
