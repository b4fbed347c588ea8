/**
 * The lifetime of one command or query in the store, the same on both engines.
 *
 * Rule: a Writer or Reader works from the start of its command or query until that returns, and not after; the first
 * statement that fails fails the whole command, even when the command catches the error; nothing inside may call
 * the store again, because it would wait for itself. It must not know an engine.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { assert } from "../fault.ts";
import type { Clock } from "../services.ts";

export class Scope {
  #ended = false;
  #failure: { readonly error: unknown } | undefined;

  get ended(): boolean {
    return this.#ended;
  }

  /** Throws, before a statement runs, once the command has returned or one of its statements has failed. */
  requireUsable(): void {
    assert(!this.#ended, "a Writer or Reader was used after its command or query had ended; await every builder inside it");
    this.requireUnharmed();
  }

  requireUnharmed(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** Notes a failed statement, and gives its error back. */
  fail(error: unknown): unknown {
    this.#failure ??= { error };
    return this.#failure.error;
  }

  end(): void {
    this.#ended = true;
  }
}

/** Opens scopes for one store and knows which one the calling code stands in. */
export class Scopes {
  readonly #clock: Clock;
  readonly #limitMs: number;
  /** Carries no data: it only tells a call from inside a running command, which would deadlock, from one outside. */
  readonly #current = new AsyncLocalStorage<Scope>();

  constructor(clock: Clock, limitMs: number) {
    this.#clock = clock;
    this.#limitMs = limitMs;
  }

  /** Throws when the caller stands inside a command or query of this store that is still running. */
  requireOutside(): void {
    assert(
      this.#current.getStore()?.ended ?? true,
      "the store was called from inside one of its commands or queries; use the Writer or Reader that it was given",
    );
  }

  /** Runs `work` and ends its scope. Rejects when it takes longer than the limit, or when a statement has failed. */
  async run<T>(work: (scope: Scope) => Promise<T>): Promise<T> {
    const scope = new Scope();
    const limit = Promise.withResolvers<never>();
    const cancel = this.#clock.after(this.#limitMs, () => limit.reject(new Error(this.#lateMessage())));
    try {
      const result = await Promise.race([this.#current.run(scope, work, scope), limit.promise]);
      scope.requireUnharmed();
      return result;
    } finally {
      cancel();
      scope.end();
    }
  }

  #lateMessage(): string {
    return `assertion failed: a command or query ran longer than ${this.#limitMs} ms; it may await nothing but the store`;
  }
}
