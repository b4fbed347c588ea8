/**
 * The events of a task as a stream (server-sent events, WHATWG HTML section 9.2): from the first one, or after the one
 * that `Last-Event-ID` names; closed after the last.
 *
 * Rule: each handful of events is read through the operation, so that whoever may not follow any more is cut at the next
 * one; a reader that does not read is not read for.
 */
import { OpenConnections } from "../../credentials/open-connections.ts";
import { Fault } from "../../fault.ts";
import type { Caller } from "../../gate/caller.ts";
import type { Gate } from "../../gate/operation.ts";
import type { Log } from "../../log.ts";
import type { Cancel } from "../../services.ts";
import { EVENTS_MAX, type Followed, type FollowedEvent, readTaskEvents } from "../../tasks/events.ts";
import { TaskWatch } from "../../tasks/task-watch.ts";
import { Backlog } from "./backlog.ts";

/** Below the listener's idle limit, and what proxies commonly allow. */
export const HEARTBEAT_MS = 8_000;
const LAST_EVENT_ID = /^(?:0|[1-9][0-9]{0,9})$/;

export interface TaskStreams {
  readonly gate: Gate;
  readonly watch: TaskWatch;
  readonly connections: OpenConnections;
  /** Whoever catches up takes turns. */
  readonly backlog: Backlog;
  /** Ends what watches for them; the streams end with their connections. */
  stop(): Promise<void>;
}

/** What the streams of one process share. */
export function openTaskStreams(gate: Gate, log: Log): TaskStreams {
  const watch = new TaskWatch(gate, log);
  const connections = new OpenConnections(gate, log);
  const stop = async () => {
    watch.stop();
    await connections.stop();
  };
  return { gate, watch, connections, backlog: new Backlog(), stop };
}

/** The sequence in a `Last-Event-ID` header; 0 without one. Throws Fault `invalid_request`. */
export function lastEventId(header: string | null): number {
  if (header === null || header === "") return 0;
  if (LAST_EVENT_ID.test(header)) return Number(header);
  throw new Fault("invalid_request", "The Last-Event-ID is not the id of an event of this stream.", { hint: "Send the id of the last event that was received, or leave the header out." });
}

function frameOf({ sequence, kind, content }: FollowedEvent): string {
  return `id: ${sequence}\nevent: ${kind}\ndata: ${content}\n\n`;
}

interface Follow {
  readonly caller: Caller;
  readonly taskId: string;
  readonly after: number;
}

/** One reader's stream. */
class TaskStream {
  readonly #streams: TaskStreams;
  readonly #follow: Follow;
  readonly #encoder = new TextEncoder();
  readonly #ends: (() => void)[] = [];
  #after: number;
  #woken = Promise.withResolvers<void>();
  #heartbeat: Cancel = () => {};
  #isOver = false;
  /** There is more than what was read last. */
  #isBehind = false;

  constructor(streams: TaskStreams, follow: Follow) {
    this.#streams = streams;
    this.#follow = follow;
    this.#after = follow.after;
  }

  /** `first` is what was read before the stream was promised. */
  body(first: Followed): ReadableStream<Uint8Array> {
    let next: Followed | undefined = first;
    return new ReadableStream<Uint8Array>({
      start: (controller) => {
        const end = () => this.#end(controller);
        this.#ends.push(this.#streams.watch.watch(this.#follow.taskId, this.#after, () => this.#woken.resolve()));
        this.#ends.push(this.#streams.connections.add(this.#follow.caller, end));
        this.#beat(controller);
      },
      pull: async (controller) => {
        for (;;) {
          if (this.#isOver) return;
          const found: Followed = next ?? (await (this.#isBehind ? this.#streams.backlog.turn(() => this.#read()) : this.#read()));
          this.#isBehind = found.events.length === EVENTS_MAX;
          next = undefined;
          for (const event of found.events) controller.enqueue(this.#encoder.encode(frameOf(event)));
          this.#after = found.events.at(-1)?.sequence ?? this.#after;
          if (found.isOver) return this.#end(controller);
          if (found.events.length > 0) return;
          await this.#woken.promise;
          this.#woken = Promise.withResolvers<void>();
        }
      },
      cancel: () => this.#release(),
    });
  }

  /** The stream goes on when the status cannot be fetched; the event says so, as documented. */
  async #read(): Promise<Followed> {
    const { caller, taskId: task_id } = this.#follow;
    try {
      return await readTaskEvents(this.#streams.gate, caller, { task_id, after: this.#after });
    } catch (error) {
      const isGone = error instanceof Fault && error.status < 500;
      const content = JSON.stringify({ task_id, error: error instanceof Fault ? error.message : "The events could not be read.", timestamp: new Date(this.#streams.gate.services.clock.now()).toISOString() });
      return { events: [{ sequence: this.#after, kind: "error", content }], isOver: isGone };
    }
  }

  #beat(controller: ReadableStreamDefaultController<Uint8Array>): void {
    this.#heartbeat = this.#streams.gate.services.clock.after(HEARTBEAT_MS, () => {
      // A reader that has not taken the last one gets no more of them.
      if ((controller.desiredSize ?? 0) > 0) controller.enqueue(this.#encoder.encode(": alive\n\n"));
      this.#beat(controller);
    });
  }

  #end(controller: ReadableStreamDefaultController<Uint8Array>): void {
    if (this.#isOver) return;
    this.#release();
    controller.close();
  }

  #release(): void {
    this.#isOver = true;
    this.#heartbeat();
    for (const end of this.#ends) end();
    this.#woken.resolve();
  }
}

/** Answers with the stream. Throws as the operation does for a task that is not the caller's. */
export async function followTask(streams: TaskStreams, follow: Follow): Promise<Response> {
  const first = await readTaskEvents(streams.gate, follow.caller, { task_id: follow.taskId, after: follow.after });
  return new Response(new TaskStream(streams, follow).body(first), {
    headers: { "content-type": "text/event-stream", "cache-control": "no-store", "x-accel-buffering": "no" },
  });
}
