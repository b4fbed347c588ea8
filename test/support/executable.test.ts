import { afterAll, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run, start } from "./executable.ts";

const folder = mkdtempSync(join(tmpdir(), "cyberun-executable-test-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A stand-in for the executable: what is proved here is the waiting and ending, not what serves. */
function program(name: string, body: string): string {
  const path = join(folder, name);
  writeFileSync(path, `#!${process.execPath}\n${body}\n`, { mode: 0o755 });
  return path;
}

const serving = `
const { dirname } = require("node:path");
const file = process.argv[process.argv.indexOf("--ready-file") + 1];
process.on("SIGTERM", () => { console.log("stopping"); process.exit(7); });
require("node:fs").writeFileSync(dirname(file) + "/kept", "kept");
require("node:fs").writeFileSync(file + ".new", JSON.stringify({ api: "http://127.0.0.1:1" }));
console.log("serving");
require("node:fs").renameSync(file + ".new", file);
setInterval(() => undefined, 1000);`;

test("a program that serves is waited for, told to stop, and its exit code and output are handed back", async () => {
  await using running = await start(["serve"], { executable: program("serving", serving) });
  expect(running.urls).toEqual({ license: undefined, api: "http://127.0.0.1:1", gateway: undefined, issuer: undefined });
  expect(await running.stop()).toBe(7);
  expect(running.stdout()).toBe("serving\nstopping\n");
});

test("a program that ends before it serves is told with what it said", async () => {
  const executable = program("failing", "console.log('out'); console.error('the port is taken'); process.exit(3)");
  await expect(start(["serve"], { executable })).rejects.toThrow(/serve ended with 3 before it served:\nout\nthe port is taken/);
});

test("a program is given PATH, a home, ports 0 and what the test names, and nothing else", async () => {
  const { stdout, exitCode } = await run([], { executable: program("environment", "console.log(Object.keys(process.env).join(' '))"), env: { PLANTED: "yes" } });
  const ports = ["API", "GATEWAY", "ISSUER", "LICENSE"].map((role) => `CYBERUN_${role}_PORT`);
  expect(stdout.trim().split(" ").toSorted()).toEqual(["CYBERUN_DATA_DIR", "HOME", "PATH", "PLANTED", ...ports].toSorted());
  expect(exitCode).toBe(0);
});

test("a killed program leaves its data until it is disposed of", async () => {
  const running = await start(["serve"], { executable: program("killed", serving) });
  await running.kill();
  const kept = join(running.dataDir, "..", "kept");
  expect(readFileSync(kept, "utf8")).toBe("kept");
  await running[Symbol.asyncDispose]();
  expect(existsSync(kept)).toBe(false);
});
