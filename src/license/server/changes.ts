/**
 * Push: tells enrolled clients that something about the license has changed, so that they refresh at once.
 *
 *     event: changed
 *     data: {"sequence_of_change":7,"state":"ok"}
 *
 * An event grants nothing and is not signed; it only makes a client ask. A ticket, handed out with each lease, opens
 * the stream: the client has just proved its key, and the ticket carries that proof for a day.
 *
 * Rule: streams are bounded, silent ones are kept alive by comments, and one that does not read is dropped.
 */
import { decodeBase64url, encodeBase64url } from "../../crypto/base64url.ts";
import { isSameSecret, type Sealer } from "../../crypto/sealing.ts";
import { Fault } from "../../fault.ts";
import type { Cancel, Clock } from "../../services.ts";
import type { ServedState } from "../lease.ts";

export const TICKET_SECONDS = 86_400;
export const STREAMS_MAX = 1_000;
/** A role that lost its connection may open the next before the last is known to be dead. */
export const STREAMS_PER_CLIENT_MAX = 4;
/** Below the idle limits of listeners and of most proxies. */
export const HEARTBEAT_MS = 8_000;
/** Events that wait in a stream that nobody reads. */
export const UNREAD_MAX = 64;

interface Stream {
  readonly clientId: string;
  readonly controller: ReadableStreamDefaultController<Uint8Array>;
}

const utf8 = new TextEncoder();

export class ChangeFeed {
  readonly #clock: Clock;
  readonly #streams = new Set<Stream>();
  #cancelHeartbeat: Cancel | undefined;
  #sequence = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Open streams. */
  get count(): number {
    return this.#streams.size;
  }

  /** Tells every stream. */
  publish(state: ServedState): void {
    this.#sequence += 1;
    this.#sendAll(this.#event(state));
  }

  /** A stream of server-sent events for the client; its first event says how things stand. Throws Fault `rate_limited`. */
  open(clientId: string, state: ServedState): ReadableStream<Uint8Array> {
    const own = [...this.#streams].filter((stream) => stream.clientId === clientId);
    const [oldest] = own;
    if (own.length >= STREAMS_PER_CLIENT_MAX && oldest !== undefined) this.#end(oldest);
    if (this.#streams.size >= STREAMS_MAX) {
      throw new Fault("rate_limited", "Too many streams are open.", { retryAfterSeconds: 10, hint: "Leases are refreshed without a stream as well." });
    }
    let opened: Stream | undefined;
    return new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          opened = { clientId, controller };
          this.#streams.add(opened);
          this.#send(opened, this.#event(state));
          this.#beat();
        },
        cancel: () => {
          if (opened !== undefined) this.#streams.delete(opened);
        },
      },
      new CountQueuingStrategy({ highWaterMark: UNREAD_MAX }),
    );
  }

  /** Ends the client's streams. */
  drop(clientId: string): void {
    for (const stream of this.#streams) if (stream.clientId === clientId) this.#end(stream);
  }

  close(): void {
    this.#cancelHeartbeat?.();
    this.#cancelHeartbeat = undefined;
    for (const stream of this.#streams) this.#end(stream);
  }

  #event(state: ServedState): Uint8Array {
    return utf8.encode(`event: changed\ndata: ${JSON.stringify({ sequence_of_change: this.#sequence, state })}\n\n`);
  }

  /** Heartbeats run while a stream is open. */
  #beat(): void {
    this.#cancelHeartbeat ??= this.#clock.after(HEARTBEAT_MS, () => {
      this.#cancelHeartbeat = undefined;
      this.#sendAll(utf8.encode(": still here\n\n"));
      if (this.#streams.size > 0) this.#beat();
    });
  }

  #sendAll(chunk: Uint8Array): void {
    for (const stream of this.#streams) this.#send(stream, chunk);
  }

  #send(stream: Stream, chunk: Uint8Array): void {
    if ((stream.controller.desiredSize ?? 0) <= 0) return this.#end(stream);
    stream.controller.enqueue(chunk);
  }

  #end(stream: Stream): void {
    this.#streams.delete(stream);
    stream.controller.close();
  }
}

function ticketMac(sealer: Sealer, body: string): string {
  return sealer.digest("changes-ticket", body);
}

/** A ticket for the client: expiry, client id and a MAC over both. `nowMs` is guarded time. */
export function makeTicket(sealer: Sealer, clientId: string, nowMs: number): string {
  const body = `${Math.floor(nowMs / 1_000) + TICKET_SECONDS}.${clientId}`;
  return encodeBase64url(`${body}.${ticketMac(sealer, body)}`);
}

/** The client that a live ticket was made for. Throws Fault `unauthenticated`. Revocation is the caller's to check. */
export function readTicket(sealer: Sealer, ticket: string, nowMs: number): string {
  const text = decodeBase64url(ticket)?.toString("latin1") ?? "";
  const [, body = "", expiry, clientId, mac = ""] = /^((\d{1,12})\.([A-Za-z0-9_-]{43}))\.([A-Za-z0-9_-]{43})$/.exec(text) ?? [];
  const isGenuine = isSameSecret(mac, ticketMac(sealer, body));
  if (isGenuine && clientId !== undefined && Number(expiry) * 1_000 > nowMs) return clientId;
  throw new Fault("unauthenticated", "The ticket is not one of this License Server or is too old.", {
    hint: "Every lease comes with a new ticket (changes_ticket); send it as Authorization: Bearer.",
  });
}
