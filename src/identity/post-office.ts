/** The post office: looks into the outbox every few seconds and has what is due delivered, until it is stopped. */
import { Fault } from "../fault.ts";
import { system } from "../gate/caller.ts";
import type { Gate } from "../gate/operation.ts";
import type { Log } from "../log.ts";
import type { Cancel } from "../services.ts";
import { deliverMail, type Post } from "./mail-delivery.ts";

const LOOK_MS = 2_000;

export class PostOffice {
  readonly #gate: Gate;
  readonly #post: Post;
  readonly #log: Log;
  #cancel: Cancel = () => {};
  #isStopped = false;
  #working: Promise<void> = Promise.resolve();

  constructor(gate: Gate, post: Post, log: Log) {
    this.#gate = gate;
    this.#post = post;
    this.#log = log;
    this.#arm();
  }

  /** Ends the looking and waits for the letter that is on its way. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancel();
    await this.#working;
  }

  #arm(): void {
    if (this.#isStopped) return;
    this.#cancel = this.#gate.services.clock.after(LOOK_MS, () => {
      this.#working = this.#look().finally(() => this.#arm());
    });
  }

  async #look(): Promise<void> {
    try {
      const { failed, cause } = await deliverMail(this.#gate, system, this.#post);
      if (failed > 0) this.#log.write("warn", "mail.failed", { failed, cause });
    } catch (error) {
      // The license does not carry mail now, or the store is away: what is in the outbox waits.
      if (error instanceof Fault) this.#log.write("debug", "mail.waits", { code: error.code });
      else this.#log.write("error", "mail.broken", { error });
    }
  }
}
