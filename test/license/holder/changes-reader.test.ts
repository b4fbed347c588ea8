import { expect, test } from "bun:test";
import { EventScanner } from "../../../src/license/holder/changes-reader.ts";

const count = (...chunks: readonly string[]) => {
  const scanner = new EventScanner();
  return chunks.reduce((sum, chunk) => sum + scanner.push(Buffer.from(chunk, "latin1")), 0);
};

const streams: readonly (readonly [string, readonly string[], number])[] = [
  ["an event", ["event: changed\ndata: {}\n\n"], 1],
  ["a data line without a value", ["data\n\n"], 1],
  ["two events", ["data: 1\n\ndata: 2\n\n"], 2],
  ["several data lines are one event", ["data: 1\ndata: 2\n\n"], 1],
  ["line ends of every kind", ["data: 1\r\n\r\ndata: 2\r\rdata: 3\n\n"], 3],
  ["an event in pieces", ["da", "ta: ", "1\r", "\n\r", "\n"], 1],
  ["comments only", [": keep-alive\n\n", ":\n\n"], 0],
  ["an event without data", ["event: changed\nid: 7\n\n"], 0],
  ["an event that has not ended", ["data: 1\n"], 0],
  ["blank lines", ["\n\n\r\n\r\n"], 0],
  ["another field that begins alike", ["dataset: 1\n\ndat: 1\n\n"], 0],
  ["bytes that are no text", ["\u0000\u00ff\u00fe\n\n", "data: 1\n\n"], 1],
];

for (const [name, chunks, events] of streams) {
  test(`${name}: ${events} events`, () => expect(count(...chunks)).toBe(events));
}

test("a line that does not end is refused before it fills the memory", () => {
  expect(() => count("x".repeat(4_096), "x")).toThrow("longer than 4096 bytes");
});

test("a long event of short lines keeps nothing", () => {
  expect(count("data: 0123456789\n".repeat(100_000), "\n")).toBe(1);
});
