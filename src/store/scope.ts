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
  readonly #expiry = Promise.withResolvers<never>();
  #late = false;
  #ended = false;
  #failure: { readonly error: unknown } | undefined;

  get ended(): boolean {
    return this.#ended;
  }

  /** True once its time is up. */
  get late(): boolean {
    return this.#late;
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

  /** Time is up: whatever {@link orLate} waits for is given up with `error`. */
  expire(error: Error): void {
    this.#late = true;
    this.#expiry.reject(error);
  }

  async orLate<T>(work: Promise<T>): Promise<T> {
    return await Promise.race([work, this.#expiry.promise]);
  }
}

export interface ScopeLimit {
  readonly ms: number;
  /** What a command or query that takes longer is rejected with. */
  error(): Error;
}

/** Opens scopes for one store and knows which one the calling code stands in. */
export class Scopes {
  readonly #clock: Clock;
  readonly #limit: ScopeLimit;
  /** Carries no data: it only tells a call from inside a running command, which would deadlock, from one outside. */
  readonly #current = new AsyncLocalStorage<Scope>();

  constructor(clock: Clock, limit: ScopeLimit) {
    this.#clock = clock;
    this.#limit = limit;
  }

  /** Throws when the caller stands inside a command or query of this store that is still running. */
  requireOutside(): void {
    assert(
      this.#current.getStore()?.ended ?? true,
      "the store was called from inside one of its commands or queries; use the Writer or Reader that it was given",
    );
  }

  /** Runs `work` and ends its scope. Rejects with its first failed statement, if any, or when it takes too long. */
  async run<T>(work: (scope: Scope) => Promise<T>): Promise<T> {
    const scope = new Scope();
    const cancel = this.#clock.after(this.#limit.ms, () => scope.expire(this.#limit.error()));
    try {
      const result = await scope.orLate(this.#current.run(scope, work, scope));
      scope.requireUnharmed();
      return result;
    } catch (error) {
      // The statement's own error: what came after it is only its echo, and drizzle's wrapping tells the parameters.
      scope.requireUnharmed();
      throw error;
    } finally {
      cancel();
      scope.end();
    }
  }
}
