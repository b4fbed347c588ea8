/** What is typed at a real terminal: a password, and whether something is meant. */
import { expect } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "../support/folder.ts";
import { testNeeding } from "../support/skip.ts";

const root = join(import.meta.dirname, "../..");

const create = ["admin", "create", "--email", "ada@example.com"];

async function typeAt(dataDir: string, answers: readonly string[], words: readonly string[] = create): Promise<{ readonly exit: number; readonly shown: string }> {
  const command = [process.execPath, join(root, "src/main.ts"), ...words, "--data-dir", dataDir];
  const child = Bun.spawn(["python3", join(root, "test/support/at-terminal.py"), JSON.stringify(answers), ...command], { stdio: ["ignore", "pipe", "inherit"] });
  const shown = await child.stdout.text();
  return { exit: await child.exited, shown };
}

testNeeding("python3", "a password is asked for twice and never shown; corrections and pasted lines count", async () => {
  using folder = temporaryFolder();
  const typed = await typeAt(join(folder.path, "a"), ["correct horsX\u007fe\r", "correct horse\r"]);
  expect(typed.exit).toBe(0);
  expect(typed.shown).toContain("New password: \r\nThe same again: \r\nCreated the administrator");
  expect(typed.shown).not.toContain("corr");
  const pasted = await typeAt(join(folder.path, "b"), ["correct horse\rcorrect horse\r"]);
  expect(pasted.exit).toBe(0);
  expect((await typeAt(join(folder.path, "a"), ["correct horse\r", "another horse\r"])).exit).toBe(2);
});

testNeeding("python3", "Ctrl-C at the question ends in 130 and nothing was made", async () => {
  using folder = temporaryFolder();
  expect((await typeAt(join(folder.path, "a"), ["corr\u0003"])).exit).toBe(130);
  expect((await typeAt(join(folder.path, "a"), ["correct horse\r", "\u0004"])).exit).toBe(130);
  expect(existsSync(join(folder.path, "a"))).toBe(false);
});

testNeeding("python3", "what cannot be taken back is asked about; what is typed is shown and can be corrected, and Ctrl-C does nothing else", async () => {
  using folder = temporaryFolder();
  const dataDir = join(folder.path, "a");
  const password = ["correct horse\r", "correct horse\r"];
  await typeAt(dataDir, password);
  await typeAt(dataDir, password, ["admin", "create", "--email", "bob@example.com"]);
  const remove = ["users", "delete", "bob@example.com"];
  const no = await typeAt(dataDir, ["no\r"], remove);
  expect([no.exit, no.shown.includes("The account bob@example.com ("), no.shown.includes("Type yes to go on: no\r\nNothing was done.")]).toEqual([130, true, true]);
  expect((await typeAt(dataDir, ["yes\u0003"], remove)).exit).toBe(130);
  expect((await typeAt(dataDir, ["\u0004"], remove)).exit).toBe(130);
  const yes = await typeAt(dataDir, ["yeX\u007fs\r"], remove);
  expect([yes.exit, yes.shown.includes("The account bob@example.com is gone.")]).toEqual([0, true]);
  expect((await typeAt(dataDir, [], remove)).exit).toBe(5);
});
