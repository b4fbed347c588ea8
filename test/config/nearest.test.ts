import { expect, test } from "bun:test";
import { findNearest } from "../../src/config/nearest.ts";

const known = ["api_port", "data_dir", "license install", "serve"];

test.each([
  ["api_prot", "api_port"],
  ["apiport", "api_port"],
  ["data_dirs", "data_dir"],
  ["licence instal", "license install"],
  ["sevre", "serve"],
  ["serv", "serve"],
])("%s was meant to be %s", (name, meant) => {
  expect(findNearest(name, known)).toBe(meant);
});

test.each(["", "x", "api", "gateway_port_number", "zzzzzz"])("for %p nothing is close enough to guess", (name) => {
  expect(findNearest(name, known)).toBeUndefined();
});
