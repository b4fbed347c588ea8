import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../build/executables.ts";

mkdirSync(join(root, "test-output"), { recursive: true });
const folder = mkdtempSync(join(root, "test-output", "skip-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs one test that needs OpenSSL where there is none on the PATH. */
function runWithout(env: Readonly<Record<string, string>>): { readonly exitCode: number; readonly output: string } {
  const file = join(folder, "needy.test.ts");
  writeFileSync(file, `import { testNeeding } from ${JSON.stringify(join(import.meta.dir, "skip.ts"))};\ntestNeeding("openssl", "signs", () => undefined);\n`);
  const { exitCode, stdout, stderr } = Bun.spawnSync([process.execPath, "test", file], { cwd: folder, env: { PATH: folder, HOME: folder, ...env } });
  return { exitCode, output: `${stdout.toString()}${stderr.toString()}` };
}

test("a test without its tool is skipped, and its name says what to install", () => {
  const { exitCode, output } = runWithout({});
  expect(output).toContain("(skip) signs (needs openssl: apt-get install openssl)");
  expect(exitCode).toBe(0);
});

test("under CI=true it fails, with the same sentence", () => {
  const { exitCode, output } = runWithout({ CI: "true" });
  expect(output).toContain("this test needs openssl: apt-get install openssl");
  expect(exitCode).toBe(1);
});

test("with its tool it runs", () => {
  writeFileSync(join(folder, "openssl"), "#!/bin/sh\n", { mode: 0o755 });
  expect(runWithout({ CI: "true" })).toMatchObject({ exitCode: 0, output: expect.stringContaining("(pass) signs") });
});
