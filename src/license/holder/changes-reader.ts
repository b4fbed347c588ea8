/**
 * Listens at `GET /v1/changes` (server-sent events, WHATWG HTML section 9.2) for the word that something changed.
 *
 * A stream begins with an event, so that nothing is missed between a lease and the opening of the stream after it.
 *
 * Rule: an event carries nothing that is believed; it only makes the role ask for a lease earlier than it would have.
 * Losing the stream, or never having one, costs speed and nothing else. Every buffer and every wait is bounded, whatever
 * the other side sends.
 */
import type { Log } from "../../log.ts";
import type { Cancel, Services } from "../../services.ts";
import { REQUEST_MS_MAX, urlOf } from "./license-client.ts";
import { retryDelayMs } from "./refresh-schedule.ts";

/** Far above any line of ours; a longer one is not from a License Server. */
const LINE_BYTES_MAX = 4_096;
/** The server sends a comment every few seconds; a stream that is silent for so long is a dead connection. */
const SILENCE_MS_MAX = 45_000;
/** A stream that lived so long was a real one: its loss is news, and the waits begin anew. */
const STEADY_MS = 5_000;

const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;

/** Counts events in a stream without keeping their content. */
export class EventScanner {
  #lineBytes = 0;
  /** The first bytes of the line, enough to tell its field. */
  #head = "";
  #hasData = false;
  #endedByReturn = false;

  /** How many events end in `chunk`. Throws a plain Error when a line is longer than any of ours. */
  push(chunk: Uint8Array): number {
    let events = 0;
    for (const byte of chunk) {
      const isSecondHalf = byte === LINE_FEED && this.#endedByReturn;
      this.#endedByReturn = byte === CARRIAGE_RETURN;
      if (isSecondHalf) continue;
      if (byte === LINE_FEED || byte === CARRIAGE_RETURN) events += this.#endLine();
      else this.#addToLine(byte);
    }
    return events;
  }

  #addToLine(byte: number): void {
    if (++this.#lineBytes > LINE_BYTES_MAX) throw new Error(`a line of the stream is longer than ${LINE_BYTES_MAX} bytes`);
    if (this.#head.length < 5) this.#head += String.fromCharCode(byte);
  }

  #endLine(): number {
    const isBlank = this.#lineBytes === 0;
    const isEvent = isBlank && this.#hasData;
    this.#hasData = !isBlank && (this.#hasData || this.#head === "data" || this.#head === "data:");
    this.#lineBytes = 0;
    this.#head = "";
    return isEvent ? 1 : 0;
  }
}

export interface ChangesReaderOptions {
  readonly services: Services;
  readonly log: Log;
  /** Something changed, or may have changed unheard. */
  readonly onChange: () => void;
}

interface Target {
  readonly address: string;
  readonly ticket: string;
}

type Ending = "never_open" | "refused" | "short" | "steady";

/** Follows the stream of one License Server at a time. */
export class ChangesReader {
  readonly #options: ChangesReaderOptions;
  #target: Target | undefined;
  #connection: AbortController | undefined;
  #wake: (() => void) | undefined;
  #running: Promise<void> | undefined;
  #isStopped = false;
  #isOpen = false;
  #lastEnding: Ending = "never_open";
  #waits = 0;

  constructor(options: ChangesReaderOptions) {
    this.#options = options;
  }

  /** Follows the server at `address` from now on; a stream that is open there stays. */
  follow(address: string, ticket: string): void {
    if (this.#isStopped) return;
    const isElsewhere = this.#target !== undefined && this.#target.address !== address;
    this.#target = { address, ticket };
    if (isElsewhere) {
      this.#lastEnding = "never_open";
      this.#waits = 0;
      this.#connection?.abort();
    }
    // The server has just answered, so a wait for it to come up is over; one for a stream it refuses or cuts is not.
    if (this.#lastEnding === "never_open" || this.#lastEnding === "steady") this.#wake?.();
    this.#running ??= this.#run();
  }

  /** Whether an event would be heard now. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#connection?.abort();
    this.#wake?.();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      const target = this.#target;
      if (target === undefined) return;
      this.#lastEnding = await this.#readOnce(target);
      if (this.#isStopped) return;
      if (this.#lastEnding === "steady") this.#waits = 0;
      const isStillWanted = this.#target?.address === target.address;
      if (this.#lastEnding === "steady" && isStillWanted) this.#options.onChange();
      if (isStillWanted) await this.#wait();
    }
  }

  #wait(): Promise<void> {
    const { clock, random } = this.#options.services;
    const waitMs = retryDelayMs(++this.#waits, { fraction: random.fraction(), isShut: false });
    // Not by withResolvers: this runs inside products too, on runtimes that do not have it yet.
    return new Promise((resolve) => {
      const end = () => {
        cancel();
        this.#wake = undefined;
        resolve();
      };
      const cancel = clock.after(waitMs, end);
      this.#wake = end;
    });
  }

  /** One connection from its request to its end, whatever ends it. Never rejects. */
  async #readOnce(target: Target): Promise<Ending> {
    const { services, log } = this.#options;
    const connection = new AbortController();
    this.#connection = connection;
    const watch = silenceWatch(services, connection);
    let openedAtMs: number | undefined;
    try {
      const response = await services.fetch(urlOf(target.address, "/v1/changes"), {
        headers: { accept: "text/event-stream", authorization: `Bearer ${target.ticket}` },
        redirect: "manual",
        keepalive: false,
        signal: connection.signal,
      });
      if (!isEventStream(response)) return "refused";
      openedAtMs = services.clock.monotonic();
      this.#isOpen = true;
      watch.heard();
      await this.#readEvents(response, watch.heard);
    } catch (cause) {
      if (!connection.signal.aborted) log.write("debug", "lease.changes_lost", { address: target.address, cause });
    } finally {
      this.#isOpen = false;
      watch.cancel();
      connection.abort();
    }
    if (openedAtMs === undefined) return "never_open";
    return services.clock.monotonic() - openedAtMs >= STEADY_MS ? "steady" : "short";
  }

  async #readEvents(response: Response, heard: () => void): Promise<void> {
    const scanner = new EventScanner();
    for await (const chunk of response.body ?? []) {
      heard();
      if (scanner.push(chunk) > 0) this.#options.onChange();
    }
  }
}

function isEventStream(response: Response): boolean {
  return response.status === 200 && (response.headers.get("content-type") ?? "").startsWith("text/event-stream");
}

interface SilenceWatch {
  readonly heard: () => void;
  readonly cancel: () => void;
}

/** Aborts `connection` when the answer is late or the stream falls silent. */
function silenceWatch({ clock }: Services, connection: AbortController): SilenceWatch {
  let cancel: Cancel = clock.after(REQUEST_MS_MAX, () => connection.abort());
  return {
    heard() {
      cancel();
      cancel = clock.after(SILENCE_MS_MAX, () => connection.abort());
    },
    cancel: () => cancel(),
  };
}
