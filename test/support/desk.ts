/** A signing desk in a folder of its own: runs command lines of `cyberun-vendor` and keeps what they print. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runVendor } from "../../src/vendor/vendor.ts";
import { type TestServices, testServices } from "./services.ts";

export interface Run {
  readonly exitCode: number;
  readonly out: string;
  readonly error: string;
}

export interface TestDesk extends Disposable {
  readonly directory: string;
  readonly services: TestServices;
  /** Runs a command line, written as words; a word with spaces is given as an array element. */
  run(...words: readonly string[]): Run;
  /** Runs a command line that has to succeed, and answers its JSON. */
  json(...words: readonly string[]): Readonly<Record<string, unknown>>;
  read(path: string): string;
  write(path: string, text: string): void;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

/** 2026-01-01T00:00:00Z by its clock; its keys follow from `seed`. Remove it with `using`. */
export function testDesk(seed = "desk"): TestDesk {
  const directory = mkdtempSync(join(tmpdir(), "cyberun-desk-"));
  const services = testServices({ seed });
  const run = (...words: readonly string[]): Run => {
    let out = "";
    let error = "";
    const terminal = { out: (text: string) => void (out += text), error: (text: string) => void (error += text) };
    const exitCode = runVendor(words, { services, directory }, terminal);
    return { exitCode, out, error };
  };
  return {
    directory,
    services,
    run,
    json: (...words) => {
      const { exitCode, out, error } = run(...words, "--json");
      if (exitCode !== 0) throw new Error(`${words.join(" ")} ended with ${exitCode}: ${error}`);
      const answer: unknown = JSON.parse(out);
      if (!isRecord(answer)) throw new Error(`${words.join(" ")} did not answer an object`);
      return answer;
    },
    read: (path) => readFileSync(join(directory, path), "utf8"),
    write: (path, text) => writeFileSync(join(directory, path), text),
    [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }),
  };
}
