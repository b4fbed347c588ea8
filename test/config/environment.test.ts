import { expect, test } from "bun:test";
import { hijackOf } from "../../src/config/environment.ts";

const clean = { environment: { PATH: "/bin", HOME: "/root" }, execArgv: [], isExecutable: true };

test("a plain environment may start", () => {
  expect(hijackOf(clean)).toBeUndefined();
});

test.each([
  ["NODE_TLS_REJECT_UNAUTHORIZED", "0"],
  ["NODE_TLS_REJECT_UNAUTHORIZED", "1"],
  ["BUN_CONFIG_VERBOSE_FETCH", "curl"],
  ["BUN_JSC_useJIT", "0"],
  ["BUN_JSC_dumpOptions", ""],
])("%s=%s refuses the start and is named", (name, value) => {
  expect(hijackOf({ ...clean, environment: { ...clean.environment, [name]: value } })).toContain(name);
});

test("switches of the runtime refuse an executable, and are a developer's business when run from source", () => {
  expect(hijackOf({ ...clean, execArgv: ["--preload=./x.js"] })).toContain("BUN_OPTIONS");
  expect(hijackOf({ ...clean, execArgv: ["--preload=./x.js"], isExecutable: false })).toBeUndefined();
});
