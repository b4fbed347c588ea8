/** The file of a backup: what is whole is read, and nothing else is. */
import { beforeAll, afterAll, describe, expect, test } from "bun:test";
import { closeSync, openSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readArchive } from "../../src/backup/archive-reader.ts";
import { ArchiveWriter, type WrittenFile } from "../../src/backup/archive-writer.ts";
import { createIdentity, lockKey, type Lock, type Opener, signerOf } from "../../src/backup/keys.ts";
import { requireSchema } from "../../src/backup/restore.ts";
import { realServices } from "../../src/services.ts";
import { refusalOf } from "../support/backups.ts";
import { temporaryFolder } from "../support/folder.ts";
import { testServices } from "../support/services.ts";

const { random } = realServices();
const seed = random.bytes(32);
const pair = createIdentity(random);
const folder = temporaryFolder();
afterAll(() => folder[Symbol.dispose]());

/** A file with two files in it, the second over more than one piece. */
function write(name: string, lock: Lock, schema = 1): string {
  const path = join(folder.path, name);
  const { header: encryption, key } = lockKey(lock, random);
  const header = { id: random.uuid(), created_at: 1_000, version: "1.2.3", encryption };
  using archive = new ArchiveWriter({ path, header, key });
  const files: WrittenFile[] = [Buffer.from("a small one"), Buffer.from(random.bytes(65_000)), Buffer.from(random.bytes(65_536)), Buffer.alloc(0)].map((content, index) => {
    const from = join(folder.path, `${name}.${index}`);
    writeFileSync(from, content);
    const file = openSync(from, "r");
    try {
      return archive.addFile(`files/${index}`, file, content.length);
    } finally {
      closeSync(file);
    }
  });
  archive.finish({ id: header.id, created_at: 1_000, version: "1.2.3", schema, engine: "sqlite", files, tables: {}, signer: signerOf(seed) }, seed);
  return path;
}

const kinds: readonly (readonly [name: string, lock: Lock, opener: Opener])[] = [
  ["in the clear", undefined, undefined],
  ["for a passphrase", { passphrase: "correct horse" }, { passphrase: "correct horse" }],
  ["for a recipient", { recipient: pair.recipient }, { identity: pair.identity }],
];

describe.each(kinds)("a backup %s", (name, lock, opener) => {
  const path = () => join(folder.path, name);
  beforeAll(() => {
    write(name, lock);
  });

  test("gives back what was put in", () => {
    const taken = new Map<string, Buffer>();
    const { manifest } = readArchive(path(), {
      opener,
      sinkFor: ({ path: file }) => ({ write: (bytes) => taken.set(file, Buffer.concat([taken.get(file) ?? Buffer.alloc(0), bytes])), end: () => undefined }),
    });
    expect(manifest.files.map(({ path: file }) => file)).toEqual(["files/0", "files/1", "files/2", "files/3"]);
    for (const index of [0, 1, 2]) expect(taken.get(`files/${index}`)?.equals(readFileSync(`${path()}.${index}`))).toBe(true);
    expect(taken.has("files/3")).toBe(false);
  });

  test("is for its owner alone", () => {
    expect(statSync(path()).mode & 0o777).toBe(0o600);
  });

  test("is refused at every length but its own", () => {
    const whole = readFileSync(path());
    const cut = join(folder.path, `${name}.cut`);
    for (const length of [0, 5, 16, 17, 100, 600, 65_600, whole.length - 25, whole.length - 24, whole.length - 1]) {
      writeFileSync(cut, whole);
      truncateSync(cut, length);
      expect([length, refusalOf(() => readArchive(cut, { opener }))]).toEqual([length, "truncated"]);
    }
    writeFileSync(cut, Buffer.concat([whole, Buffer.from("x")]));
    expect(refusalOf(() => readArchive(cut, { opener }))).toBe("truncated");
  });

  test("is refused after any change of one bit", () => {
    const chance = testServices({ seed: name }).random;
    const whole = readFileSync(path());
    const changed = join(folder.path, `${name}.changed`);
    // The lines of the head, the last bytes, and anywhere; a passphrase takes its time each time, so fewer of that.
    const count = lock !== undefined && "passphrase" in lock ? 20 : 200;
    for (let turn = 0; turn < count; turn++) {
      const range = [300, whole.length, whole.length][turn % 3] ?? whole.length;
      const at = turn % 3 === 2 ? whole.length - 1 - Math.floor(chance.fraction() * 300) : Math.floor(chance.fraction() * range);
      const bytes = Buffer.from(whole);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << Math.floor(chance.fraction() * 8));
      writeFileSync(changed, bytes);
      expect([at, refusalOf(() => readArchive(changed, { opener }))]).toEqual([at, expect.stringMatching(/^(tampered|truncated|not_a_backup|newer_format|wrong_key)$/)]);
    }
  });
});

describe("a refusal says its reason", () => {
  test("another passphrase, another key, another kind of key, none", () => {
    const sealed = write("sealed", { passphrase: "correct horse" });
    expect(refusalOf(() => readArchive(sealed, { opener: { passphrase: "battery staple" } }))).toBe("wrong_key");
    expect(refusalOf(() => readArchive(sealed, { opener: { identity: pair.identity } }))).toBe("wrong_key");
    expect(refusalOf(() => readArchive(sealed, { opener: undefined }))).toBe("key_needed");
    const addressed = write("addressed", { recipient: pair.recipient });
    expect(refusalOf(() => readArchive(addressed, { opener: { identity: createIdentity(random).identity } }))).toBe("wrong_key");
  });

  test("a newer schema, a newer format, no backup at all", () => {
    const { manifest } = readArchive(write("newer", undefined, 9_999), { opener: undefined });
    expect(refusalOf(() => requireSchema(manifest))).toBe("newer_schema");
    const path = join(folder.path, "other");
    writeFileSync(path, `cyberun-backup 2\n${"x".repeat(5_000)}`);
    expect(refusalOf(() => readArchive(path, { opener: undefined }))).toBe("newer_format");
    writeFileSync(path, "PK".repeat(4_000));
    expect(refusalOf(() => readArchive(path, { opener: undefined }))).toBe("not_a_backup");
  });

  test("files of one backup do not pass in another that the same key signed", () => {
    const [one, other] = [readFileSync(write("one", undefined)), readFileSync(write("other-one", undefined))];
    const path = join(folder.path, "mixed");
    const middle = 70_000;
    writeFileSync(path, Buffer.concat([one.subarray(0, middle), other.subarray(middle)]));
    expect(refusalOf(() => readArchive(path, { opener: undefined }))).toBe("tampered");
  });

  test("a file that is there is not overwritten", () => {
    const path = write("kept", undefined);
    const before = readFileSync(path);
    expect(() => write("kept", undefined)).toThrow("already");
    expect(readFileSync(path).equals(before)).toBe(true);
  });
});
