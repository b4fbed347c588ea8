/**
 * Tests that need a tool of somebody else's: skipped where it is absent, with a sentence that says what to install.
 * Under CI=true the absence is a failure, since a build machine that cannot prove something must not say it passed.
 */
import { test } from "bun:test";
import { packagesOf, type ToolName, tools } from "../../build/tools.ts";

export type TestBody = () => void | Promise<void>;

/** Why `needed` cannot be served here, or undefined when all of it is there. */
export function whyNot(needed: readonly ToolName[]): string | undefined {
  const missing = needed.filter((name) => tools[name].find() === undefined);
  if (missing.length === 0) return undefined;
  return `needs ${missing.join(" and ")}: apt-get install ${packagesOf(missing).join(" ")}`;
}

/** A test that is skipped with `reason`, which says what it needs; it runs where that is undefined. */
export function testUnless(reason: string | undefined, name: string, body: TestBody, timeoutMs?: number): void {
  if (reason === undefined) {
    test(name, body, timeoutMs);
  } else if (process.env["CI"] === "true") {
    test(name, () => {
      throw new Error(`this test ${reason}`);
    });
  } else {
    test.skip(`${name} (${reason})`, body);
  }
}

/** A test that needs `needed`. `timeoutMs` as in `test`. */
export function testNeeding(needed: ToolName | readonly ToolName[], name: string, body: TestBody, timeoutMs?: number): void {
  testUnless(whyNot(typeof needed === "string" ? [needed] : needed), name, body, timeoutMs);
}
