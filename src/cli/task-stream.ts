/**
 * The events of a task as a program reads them: after a cut it goes on behind the last one it has seen.
 *
 * Rule: gives every event once and in order, or throws; silence is a cut, because a living server is heard of every few seconds.
 */
import { createParser, type EventSourceMessage } from "eventsource-parser";
import { Fault } from "../fault.ts";
import { findJson } from "../json.ts";
import type { Services } from "../services.ts";
import { type Members, membersOf } from "./api-client.ts";
import { isRetryable } from "./exit-codes.ts";
import { pause } from "./pause.ts";
import type { Person } from "./person.ts";

/** Heartbeats come every eight seconds. */
const SILENCE_MS_MAX = 30_000;
const AGAIN_MS = 1_000;
/** Cuts in a row, without an event between them. */
const CUTS_MAX = 60;
const ends: readonly string[] = ["completed", "failed", "cancelled"];

export interface TaskEvent {
  readonly kind: string;
  readonly content: Members;
}

/** One connection: what came, until it ends or is cut. */
async function* readStream(services: Services, person: Person, { path, lastId }: { readonly path: string; readonly lastId: string | undefined }): AsyncGenerator<EventSourceMessage> {
  const abort = new AbortController();
  const arrived: EventSourceMessage[] = [];
  const parser = createParser({ onEvent: (event) => void arrived.push(event) });
  let cancel = services.clock.after(SILENCE_MS_MAX, () => abort.abort());
  try {
    const headers = { accept: "text/event-stream", ...(lastId === undefined ? {} : { "last-event-id": lastId }) };
    const decoder = new TextDecoder();
    for await (const chunk of await person.stream({ path, headers, signal: abort.signal })) {
      cancel();
      cancel = services.clock.after(SILENCE_MS_MAX, () => abort.abort());
      parser.feed(decoder.decode(chunk, { stream: true }));
      yield* arrived.splice(0);
    }
  } finally {
    cancel();
    abort.abort();
  }
}

/** Whether a failure is a cut, after which the same call can go well. */
function isCut(error: unknown): boolean {
  return !(error instanceof Fault) || isRetryable(error.code);
}

/** The events of the task whose stream is at `path`, from the first to the last. Throws the server's refusal, or Fault `unavailable` when it stays away. */
export async function* followTask(services: Services, person: Person, path: string): AsyncGenerator<TaskEvent> {
  let lastId: string | undefined;
  for (let cuts = 0; cuts < CUTS_MAX; cuts += 1) {
    try {
      for await (const { id, event = "message", data } of readStream(services, person, { path, lastId })) {
        cuts = 0;
        lastId = id ?? lastId;
        yield { kind: event, content: membersOf(findJson(data)) };
        if (ends.includes(event)) return;
      }
    } catch (error) {
      if (!isCut(error)) throw error;
    }
    await pause(services.clock, AGAIN_MS);
  }
  throw new Fault("unavailable", "The events of the task are out of reach.", { hint: "The task goes on by itself; cyberun tasks show says how it stands." });
}
