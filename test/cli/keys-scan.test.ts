import { describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { FINDINGS_MAX } from "../../src/cli/keys-scan.ts";
import { KeyScan } from "../../src/credentials/key-scan.ts";
import { realServices } from "../../src/services.ts";
import { run } from "../support/command-line.ts";
import { temporaryFolder } from "../support/folder.ts";
import { damagesOf, lookAlikes, manyKeys, slipsOf } from "../support/look-alikes.ts";

const { random } = realServices();

interface Place {
  readonly file: string;
  readonly line: number;
  readonly key_prefix: string;
}

/** How 200 keys come to lie about: in code, settings, logs, shell history, documents and bytes of every kind. */
const hidings: readonly ((key: string) => string | Buffer)[] = [
  (key) => `const key = "${key}";\n`,
  (key) => `\n\nCYBERUN_API_KEY=${key}\n`,
  (key) => JSON.stringify({ headers: { authorization: `Bearer ${key}` }, text: `line\n${key}\nend` }),
  (key) => `curl -H 'Authorization: Bearer ${key}' https://example.com\n`,
  (key) => `https://example.com/?key=${key}&x=1`,
  (key) => key,
  (key) => `${key}n\\nmore`,
  (key) => `x${key}x`,
  (key) => `<b>${key}</b>`,
  (key) => Buffer.concat([Buffer.from([0, 255, 10, 13, 0]), Buffer.from(key), Buffer.from([0, 1, 2, 255])]),
  (key) => Buffer.from(`\ufeffkey: ${key}\r\n`, "utf16le"),
  (key) => Buffer.from(`\ufeffkey: ${key}\r\n`, "utf16le").swap16(),
  (key) => Buffer.concat([Buffer.alloc(1_048_576 - 30, "a"), Buffer.from(key), Buffer.alloc(500, "b")]),
  (key) => Buffer.concat([Buffer.alloc(1_048_576 - 1, "\n"), Buffer.from(key)]),
  (key) => Buffer.concat([Buffer.alloc(1_048_577 - key.length, "s"), Buffer.from(key)]),
  (key) => Buffer.concat([Buffer.alloc(2_097_153 - 40, 0), Buffer.from(key, "utf16le")]),
  (key) => `sk-${key}`,
  (key) => `${"sk-AbCd1234_".repeat(3)}${key}`,
  (key) => `sk-AbCd1234_${"x".repeat(48)}${key}`,
  (key) => `${"é".repeat(20)} ${key} 😀\n`,
];

test("of 200 planted keys 200 are found, each once and in its file; and none is printed", async () => {
  using folder = temporaryFolder();
  const keys = manyKeys(random, 200);
  for (const [index, key] of keys.entries()) {
    const file = join(folder.path, `d${index % 7}`, `e${index % 3}`, `.f${index}.bin`);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, hidings[index % hidings.length]?.(key) ?? "");
  }
  // Twice in one text: `Bearer KEY` and the text behind it.
  const twice = keys.filter((_, index) => index % hidings.length === 2).length;
  const { exit, out, err } = await run(["keys", "scan", folder.path, "--json"]);
  const { found, files, unread, is_complete } = JSON.parse(out);
  expect({ exit, err, files, unread, is_complete }).toEqual({ exit: 8, err: "", files: 200, unread: [], is_complete: true });
  expect(found).toHaveLength(200 + twice);
  const placed = new Set(found.map(({ file, key_prefix }: Place) => `${/\.f(\d+)\./.exec(file)?.[1]} ${key_prefix}`));
  expect([...placed].toSorted()).toEqual(keys.map((key, index) => `${index} ${key.slice(0, 12)}`).toSorted());
  const people = await run(["keys", "scan", folder.path]);
  for (const text of [out, people.out]) for (const key of keys) expect(text).not.toContain(key.slice(0, 20));
  expect(people.out).toContain(`${200 + twice} keys found in 200 files.`);
});

describe("of what only looks like a key nothing is reported", () => {
  test("samples, others' secrets, slips and damage", async () => {
    using folder = temporaryFolder();
    const keys = manyKeys(random, 30);
    const texts = [...lookAlikes, ...keys.flatMap(slipsOf), ...keys.flatMap(damagesOf)];
    expect(texts.length).toBeGreaterThan(8_000);
    writeFileSync(join(folder.path, "texts"), texts.join("\n"));
    writeFileSync(join(folder.path, "wide"), Buffer.from(texts.join("\n"), "utf16le"));
    writeFileSync(join(folder.path, "run together"), lookAlikes.join(""));
    const { exit, out } = await run(["keys", "scan", folder.path, "--json"]);
    expect([exit, JSON.parse(out).found]).toEqual([0, []]);
  });

  test("this repository with everything it depends on", async () => {
    const { exit, out } = await run(["keys", "scan", join(import.meta.dir, "../.."), "--json"]);
    const { found, files, bytes } = JSON.parse(out);
    expect({ found, exit }).toEqual({ found: [], exit: 0 });
    expect(files).toBeGreaterThan(1_000);
    expect(bytes).toBeGreaterThan(10_000_000);
  }, 120_000);
});

test("a place is file, line, kind and prefix", async () => {
  using folder = temporaryFolder();
  const [sk = "", ak = "", dk = ""] = manyKeys(random, 3);
  const file = join(folder.path, "notes.txt");
  writeFileSync(file, `first\r\n${sk}\n\n  ${ak} and ${dk}`);
  const { exit, out } = await run(["keys", "scan", file]);
  expect({ exit, lines: out.trimEnd().split("\n") }).toEqual({
    exit: 8,
    lines: [
      `${file}:2  integration  ${sk.slice(0, 12)}`,
      `${file}:4  agent  ${ak.slice(0, 12)}`,
      `${file}:4  device  ${dk.slice(0, 12)}`,
      "3 keys found in 1 file.",
      "Revoke each one by the prefix that the list of credentials shows, also when the file is removed.",
    ],
  });
  const json = await run(["keys", "scan", file, "--json"]);
  expect(JSON.parse(json.out)).toMatchObject({ found: [{ file, line: 2, offset: 7, kind: "integration", key_prefix: sk.slice(0, 12) }, { line: 4 }, { line: 4 }] });
});

test("standard input is read as -", async () => {
  const [key = ""] = manyKeys(random, 1);
  expect(await run(["keys", "scan", "-"], { input: `a\n${key}` })).toMatchObject({ exit: 8, out: expect.stringContaining(`-:2  integration  ${key.slice(0, 12)}\n`) });
  expect(await run(["keys", "scan", "-"], { input: "nothing" })).toMatchObject({ exit: 0, out: "No key found in 1 file.\n" });
});

test("links are not followed but the one that is named, and a loop of them ends", async () => {
  using folder = temporaryFolder();
  using elsewhere = temporaryFolder();
  const [key = ""] = manyKeys(random, 1);
  writeFileSync(join(elsewhere.path, "key"), key);
  symlinkSync(elsewhere.path, join(folder.path, "away"));
  symlinkSync(join(elsewhere.path, "key"), join(folder.path, "file"));
  symlinkSync(folder.path, join(folder.path, "loop"));
  expect(await run(["keys", "scan", folder.path])).toMatchObject({ exit: 0, out: "No key found in 0 files.\n" });
  expect((await run(["keys", "scan", join(folder.path, "away")])).exit).toBe(8);
  expect((await run(["keys", "scan", join(folder.path, "file")])).exit).toBe(8);
});

test.each([
  ["nothing there", "/nowhere/at/all", 5],
  ["a device", "/dev/null", 2],
])("%s is refused", async (_name, path, exit) => {
  expect(await run(["keys", "scan", path])).toMatchObject({ exit, out: "" });
});

test("a path is needed, and only one", async () => {
  expect((await run(["keys", "scan"])).exit).toBe(2);
  expect((await run(["keys", "scan", "a", "b"])).exit).toBe(2);
});

test("names with control characters and with a key in them are shown harmlessly", async () => {
  using folder = temporaryFolder();
  const [inside = "", inName = ""] = manyKeys(random, 2);
  writeFileSync(join(folder.path, `a\u001b[2Jb\n${inName}`), inside);
  const { out } = await run(["keys", "scan", folder.path]);
  expect(out).toContain("a\\u001b[2Jb\\u000a");
  expect(out).not.toContain("\u001b");
  expect(out).not.toContain(inName.slice(0, 20));
});

test("more places than the limit are cut, and that is said", async () => {
  using folder = temporaryFolder();
  const [key = ""] = manyKeys(random, 1);
  writeFileSync(join(folder.path, "many"), `${key}\n`.repeat(FINDINGS_MAX + 1));
  const { exit, out } = await run(["keys", "scan", folder.path, "--json"]);
  const { found, is_complete } = JSON.parse(out);
  expect([exit, found.length, is_complete]).toEqual([8, FINDINGS_MAX, false]);
});

test("what cannot be read is told, and is no clean bill", async () => {
  using folder = temporaryFolder();
  writeFileSync(join(folder.path, "locked"), "x");
  chmodSync(join(folder.path, "locked"), 0);
  const { exit, out } = await run(["keys", "scan", folder.path, "--json"]);
  const { unread, is_complete } = JSON.parse(out);
  // Root reads everything.
  const isRoot = process.getuid?.() === 0;
  expect([exit, unread.length, is_complete]).toEqual(isRoot ? [0, 0, true] : [4, 1, false]);
});

test("however a stream is cut into chunks, the same places are found", () => {
  const keys = manyKeys(random, 6);
  const bytes = Buffer.concat([Buffer.from(`a\nb ${keys.slice(0, 4).join("\n")}\n`), Buffer.from(keys.slice(4).join("\n"), "utf16le"), Buffer.from("\nend")]);
  const places = (size: number) => {
    const scan = new KeyScan();
    const found = [];
    for (let at = 0; at < bytes.length; at += size) found.push(...scan.next(bytes.subarray(at, at + size)));
    return found;
  };
  const whole = places(bytes.length);
  expect(whole.map(({ keyPrefix }) => keyPrefix)).toEqual(keys.map((key) => key.slice(0, 12)));
  for (let size = 1; size < 400; size += 1) expect(places(size)).toEqual(whole);
});
