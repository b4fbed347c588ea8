import { describe, expect, test } from "bun:test";
import { createSealer } from "../../../src/crypto/sealing.ts";
import { ChangeFeed, HEARTBEAT_MS, makeTicket, readTicket, STREAMS_MAX, TICKET_SECONDS, UNREAD_MAX } from "../../../src/license/server/changes.ts";
import { testServices } from "../../support/services.ts";

const services = testServices();
const CLIENT = "c".repeat(43);
const NOW_MS = 1_750_000_000_000;

function text(value: Uint8Array | undefined): string {
  return Buffer.from(value ?? []).toString();
}

describe("a ticket", () => {
  const sealer = createSealer(new Uint8Array(32).fill(1), services.random);
  const ticket = makeTicket(sealer, CLIENT, NOW_MS);

  test("names its client until it is over, and not in the second of its end", () => {
    expect(readTicket(sealer, ticket, NOW_MS)).toBe(CLIENT);
    expect(readTicket(sealer, ticket, NOW_MS + TICKET_SECONDS * 1_000 - 1)).toBe(CLIENT);
    expect(() => readTicket(sealer, ticket, NOW_MS + TICKET_SECONDS * 1_000)).toThrow(/too old/);
  });

  test("with any character altered is refused", () => {
    for (let at = 0; at < ticket.length; at += 1) {
      const altered = `${ticket.slice(0, at)}${ticket[at] === "A" ? "B" : "A"}${ticket.slice(at + 1)}`;
      expect(() => readTicket(sealer, altered, NOW_MS)).toThrow(/not one of this License Server/);
    }
  });

  test("of another server is refused", () => {
    const other = createSealer(new Uint8Array(32).fill(2), services.random);
    expect(() => readTicket(other, ticket, NOW_MS)).toThrow(/not one of this License Server/);
  });
});

describe("the feed", () => {
  test("gives every stream each change in order, after how things stand", async () => {
    const feed = new ChangeFeed(services.clock);
    const readers = [feed.open("one", "ok").getReader(), feed.open("two", "ok").getReader()];
    feed.publish("expiring");
    feed.publish("expired");
    for (const reader of readers) {
      const seen = [];
      for (let count = 0; count < 3; count += 1) seen.push(text((await reader.read()).value));
      expect(seen).toEqual([[0, "ok"], [1, "expiring"], [2, "expired"]].map(([sequence, state]) => `event: changed\ndata: {"sequence_of_change":${sequence},"state":"${state}"}\n\n`));
    }
  });

  test("drops a stream that nobody reads, and keeps the others", async () => {
    const feed = new ChangeFeed(services.clock);
    feed.open("stalled", "ok");
    const reader = feed.open("reading", "ok").getReader();
    for (let count = 0; count < 2 * UNREAD_MAX; count += 1) {
      await reader.read();
      feed.publish("ok");
    }
    expect(feed.count).toBe(1);
  });

  test("is bounded, and a stream that is closed makes room", async () => {
    const feed = new ChangeFeed(services.clock);
    const streams = Array.from({ length: STREAMS_MAX }, (_, index) => feed.open(`client ${index}`, "ok"));
    expect(() => feed.open("one more", "ok")).toThrow(/Too many streams/);
    await streams[0]?.cancel();
    feed.open("one more", "ok");
    expect(feed.count).toBe(STREAMS_MAX);
    feed.close();
    expect(feed.count).toBe(0);
  });

  test("sends heartbeats while a stream is open, and arms no timer for none", async () => {
    const { clock } = testServices();
    const feed = new ChangeFeed(clock);
    expect(clock.timers()).toBe(0);
    const stream = feed.open("one", "ok");
    const reader = stream.getReader();
    await reader.read();
    clock.advance(HEARTBEAT_MS);
    expect(text((await reader.read()).value)).toBe(": still here\n\n");
    await reader.cancel();
    clock.advance(HEARTBEAT_MS);
    expect(clock.timers()).toBe(0);
  });
});
