/**
 * The job that delivers: looks for what is new and what is due, and keeps a bounded number of calls on their way.
 *
 *     look: events → deliveries ── take what is due and has room ── send, each on its own ── look again when one is done
 *
 * Rule: waits for no receiver. A call that is slow takes up its own place, of which its receiver and its team have few. Any
 * number of processes may run one. What goes wrong is logged, and the next look tries again.
 */
import { system } from "../gate/caller.ts";
import type { Gate } from "../gate/operation.ts";
import type { Log } from "../log.ts";
import type { Cancel } from "../services.ts";
import { type Flying, takeDueDeliveries, type TakenDelivery, TOTAL_MAX } from "./due-deliveries.ts";
import { hasDeliveryWork, noteDeliveries } from "./noting.ts";
import { sendDelivery, type Sent } from "./sending.ts";

/** An event is on its way after about that long. */
export const LOOK_MS = 500;

function counted<Key>(keys: readonly Key[]): ReadonlyMap<Key, number> {
  const counts = new Map<Key, number>();
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
  return counts;
}

export class Courier {
  readonly #gate: Gate;
  readonly #log: Log;
  readonly #stopping = new AbortController();
  /** What is on its way, with the call that ends it. */
  readonly #calls = new Map<TakenDelivery, Promise<void>>();
  #cancel: Cancel = () => {};
  #looking: Promise<void> | undefined;
  #isWanted = false;

  /** Begins to look. */
  constructor(gate: Gate, log: Log) {
    this.#gate = gate;
    this.#log = log;
    this.#arm();
  }

  /** Gives up what is on its way; it is sent again, by whoever runs next. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#cancel();
    await this.#looking;
    await Promise.all(this.#calls.values());
  }

  get #flying(): Flying {
    const calls = [...this.#calls.keys()];
    return { total: calls.length, hosts: counted(calls.map(({ host }) => host)), teams: counted(calls.map(({ team_id }) => team_id)) };
  }

  #arm(): void {
    this.#cancel();
    if (!this.#stopping.signal.aborted) this.#cancel = this.#gate.services.clock.after(LOOK_MS, () => this.#wake());
  }

  /** One look at a time; who asks during one is heard after it. */
  #wake(): void {
    this.#isWanted = true;
    this.#looking ??= this.#lookWhileWanted().finally(() => {
      this.#looking = undefined;
      this.#arm();
    });
  }

  async #lookWhileWanted(): Promise<void> {
    try {
      while (this.#isWanted && !this.#stopping.signal.aborted) {
        this.#isWanted = false;
        await this.#look();
      }
    } catch (error) {
      this.#log.write("error", "webhooks.broken", { error });
    }
  }

  async #look(): Promise<void> {
    const { toNote, toSend } = await hasDeliveryWork(this.#gate, system, undefined);
    const noted = toNote ? await noteDeliveries(this.#gate, system, undefined) : 0;
    if (toSend || noted > 0) await this.#sendDue();
    // There may be more than one batch.
    if (noted > 0) this.#isWanted = true;
  }

  async #sendDue(): Promise<void> {
    while (this.#calls.size < TOTAL_MAX && !this.#stopping.signal.aborted) {
      const taken = await takeDueDeliveries(this.#gate, system, this.#flying);
      if (taken.length === 0) return;
      for (const each of taken) this.#calls.set(each, this.#send(each));
    }
  }

  async #send(taken: TakenDelivery): Promise<void> {
    try {
      this.#tell(taken, await sendDelivery(this.#gate, system, { taken, signal: this.#stopping.signal }));
    } catch (error) {
      this.#log.write("error", "webhook_delivery.broken", { delivery_id: taken.id, error });
    } finally {
      this.#calls.delete(taken);
      this.#wake();
    }
  }

  #tell({ id, webhook_id, team_id }: TakenDelivery, { recorded, outcome }: Sent): void {
    if (recorded !== "failed" && recorded !== "disabled") return;
    const why = { status: outcome?.status, cause: outcome?.cause };
    this.#log.write("warn", recorded === "disabled" ? "webhook.disabled" : "webhook_delivery.failed", { delivery_id: id, webhook_id, team_id, ...why });
  }
}
