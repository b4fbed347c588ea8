import { expect, test } from "bun:test";
import { Fault } from "../../src/fault.ts";
import { type Parameter, requireParameters, resolveParameters } from "../../src/workflows/parameters.ts";

/** What a call throws, as the sentence that people read; undefined when it passes. */
function refusal(call: () => unknown): string | undefined {
  try {
    call();
  } catch (error) {
    if (error instanceof Fault && error.code === "invalid_request") return error.message;
    throw error;
  }
  return undefined;
}

const parameters: readonly Parameter[] = [
  { key: "prompt", type: "string", required: true },
  { key: "steps", type: "integer", min: 1, max: 50, default: 20 },
  { key: "scale", type: "number", min: 0 },
  { key: "tiled", type: "boolean", default: false },
  { key: "size", type: "select", options: ["small", "large"], default: "small" },
  { key: "image", type: "file" },
];

test("a run gets what was given, the defaults of what was left out, and nothing else", () => {
  expect(resolveParameters(parameters, { prompt: "a cat" })).toEqual({ prompt: "a cat", steps: 20, tiled: false, size: "small" });
  const all = { prompt: "", steps: 50, scale: 0.5, tiled: true, size: "large", image: "inputs/0197/cat.png" };
  expect(resolveParameters(parameters, all)).toEqual(all);
  expect(resolveParameters([], {})).toEqual({});
});

const bad: readonly (readonly [string, Readonly<Record<string, unknown>>])[] = [
  ["a missing one", {}],
  ["an unknown one", { prompt: "a", color: "red" }],
  ["one of the object's own", { prompt: "a", constructor: "x" }],
  ["null", { prompt: null }],
  ["a number for text", { prompt: 5 }],
  ["text for a number", { prompt: "a", steps: "20" }],
  ["a fraction for a whole number", { prompt: "a", steps: 1.5 }],
  ["a number below its bounds", { prompt: "a", steps: 0 }],
  ["a number above its bounds", { prompt: "a", steps: 51 }],
  ["no number", { prompt: "a", scale: Number.NaN }],
  ["infinity", { prompt: "a", scale: Number.POSITIVE_INFINITY }],
  ["text for a flag", { prompt: "a", tiled: "true" }],
  ["an option that is none", { prompt: "a", size: "medium" }],
  ["an object", { prompt: { text: "a" } }],
  ["a list", { prompt: ["a"] }],
  ["text that is too long", { prompt: "x".repeat(20_001) }],
  ["half a character", { prompt: "\ud800" }],
  ["a path that climbs", { prompt: "a", image: "inputs/../../etc/passwd" }],
  ["a path from the root", { prompt: "a", image: "/etc/passwd" }],
  ["an address for a file", { prompt: "a", image: "http://x.example/a" }],
];
test.each(bad)("a run with %s is refused, by name", (_name, given) => {
  expect(refusal(() => resolveParameters(parameters, given))).toMatch(/parameter/);
});

const contradictions: readonly (readonly [string, readonly Parameter[]])[] = [
  ["a key twice", [{ key: "a", type: "string" }, { key: "a", type: "number" }]],
  ["a selection of nothing", [{ key: "a", type: "select" }]],
  ["bounds for text", [{ key: "a", type: "string", min: 1 }]],
  ["bounds that cross", [{ key: "a", type: "number", min: 2, max: 1 }]],
  ["a default out of bounds", [{ key: "a", type: "number", max: 1, default: 2 }]],
  ["a default of another type", [{ key: "a", type: "boolean", default: "yes" }]],
  ["a default that is no option", [{ key: "a", type: "select", options: ["x"], default: "y" }]],
];
test.each(contradictions)("a declaration with %s is refused", (_name, declared) => {
  expect(refusal(() => requireParameters(declared))).toMatch(/^The field parameters\[\d\]/);
});

test("a declaration that fits passes", () => {
  expect(refusal(() => requireParameters(parameters))).toBeUndefined();
});
