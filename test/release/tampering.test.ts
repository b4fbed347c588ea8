import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { verifyExecutable } from "../../src/cli/verify-self.ts";
import { Fault } from "../../src/fault.ts";
import { isKeyList, rootKeys } from "../../src/release/documents.ts";
import { packed, unpacked } from "../../src/release/packing.ts";
import { tarEnd, tarHeader, tarPadding } from "../../src/release/tar.ts";
import { type Trust, verifyRelease } from "../../src/release/verify.ts";
import { canIsolate, isolated } from "../support/isolation.ts";
import { executableWithKeys, run } from "../support/executable.ts";
import { type ReleaseDesk, releaseDesk, smallBuild } from "../support/release.ts";
import { testNeeding } from "../support/skip.ts";

/** One executable is built with the desk's keys. */
setDefaultTimeout(60_000);

const folder = mkdtempSync(join(tmpdir(), "cyberun-release-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let desk: ReleaseDesk;
/** Other roots, other keys, the same content. */
let stranger: ReleaseDesk;
let good = "";
let foreign = "";
let older = "";
/** Made with a key that the desk revokes afterwards. */
let revoked = "";

beforeAll(() => {
  const at = (name: string) => join(folder, name);
  for (const name of ["desk", "stranger"]) mkdirSync(at(name));
  [desk, stranger] = [releaseDesk(at("desk")), releaseDesk(at("stranger"))];
  older = desk.bundle(smallBuild(at("build-1"), "1.0.0"), "older.tar.gz");
  const build = smallBuild(at("build-2"), "2.0.0");
  good = desk.bundle(build, "good.tar.gz");
  foreign = stranger.bundle(build, "foreign.tar.gz");
  revoked = desk.bundle(build, "revoked.tar.gz");
  const { keys }: { readonly keys: readonly { readonly public_key: string }[] } = JSON.parse(readFileSync(join(desk.keys, "release-keys.json"), "utf8"));
  desk.vendor("release-keys", "create");
  const id = Buffer.from(keys[0]?.public_key ?? "", "base64").subarray(2, 10).reverse().toString("hex").toUpperCase();
  // The good one is signed by the key that stays.
  desk.vendor("release-keys", "revoke", id);
  rmSync(good);
  good = desk.bundle(build, "good.tar.gz");
});

function trust(): Trust {
  const { roots, known }: { readonly roots: readonly string[]; readonly known: unknown } = JSON.parse(readFileSync(join(desk.keys, "release-roots.json"), "utf8"));
  return { roots: rootKeys(roots), known: isKeyList(known) ? known : undefined };
}

interface Entry {
  readonly path: string;
  readonly content: Buffer;
}

function entriesOf(bundle: string): readonly Entry[] {
  const tar = unpacked(readFileSync(bundle));
  const entries: Entry[] = [];
  for (let at = 0; tar[at] !== 0; ) {
    const size = Number.parseInt(tar.toString("latin1", at + 124, at + 135), 8);
    entries.push({ path: tar.toString("utf8", at, tar.indexOf(0, at)), content: tar.subarray(at + 512, at + 512 + size) });
    at += 512 + size + tarPadding(size).length;
  }
  return entries;
}

function tarOf(entries: readonly Entry[]): Buffer {
  return Buffer.concat([...entries.flatMap(({ path, content }) => [tarHeader({ path, size: content.length }, { isExecutable: /(?:cyberun|\.sh)$/.test(path), time: 1_700_000_000 }), content, tarPadding(content.length)]), tarEnd]);
}

type Change = (entries: readonly Entry[]) => readonly Entry[];

const ending = (name: string) => (entry: Entry) => entry.path.endsWith(`/${name}`);
const contentOf = (bundle: string, name: string) => entriesOf(bundle).find(ending(name))?.content ?? Buffer.alloc(0);
const replaced = (name: string, content: (before: Buffer) => Buffer): Change => (entries) => entries.map((entry) => (ending(name)(entry) ? { path: entry.path, content: content(entry.content) } : entry));
const taken = (name: string, from: () => string): Change => (entries) => replaced(name, () => contentOf(from(), name))(entries);
const without = (name: string): Change => (entries) => entries.filter((entry) => !ending(name)(entry));
const renamed = (name: string, to: string): Change => (entries) => entries.map((entry) => (ending(name)(entry) ? { ...entry, path: entry.path.replace(`/${name}`, `/${to}`) } : entry));
const both = (...changes: readonly Change[]): Change => (entries) => changes.reduce((now, change) => change(now), entries);
const text = (change: (before: string) => string) => (before: Buffer) => Buffer.from(change(before.toString("utf8")));
const added = (path: string, content = "added\n"): Change => (entries) => [...entries, { path: `${entries[0]?.path.split("/")[0]}/${path}`, content: Buffer.from(content) }];

function flipped(bytes: Buffer, share: number): Buffer {
  const copy = Buffer.from(bytes);
  const at = Math.min(copy.length - 1, Math.floor(copy.length * share));
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}

const flip = (name: string, share = 0.5): Change => replaced(name, (before) => flipped(before, share));

/** Changes of what is in the archive, packed anew so that nothing but the signatures can find them. */
const changes: readonly (readonly [name: string, refusal: string, change: Change])[] = [
  ["the executable flipped at its beginning", "tampered", flip("cyberun", 0)],
  ["the executable flipped in the middle", "tampered", flip("cyberun")],
  ["the executable flipped at its end", "tampered", flip("cyberun", 1)],
  ["the executable of an older release", "tampered", taken("cyberun", () => older)],
  ["one byte more in the executable", "tampered", replaced("cyberun", (before) => Buffer.concat([before, Buffer.from("\n")]))],
  ["one byte less in the executable", "tampered", replaced("cyberun", (before) => before.subarray(0, -1))],
  ["an empty executable", "tampered", replaced("cyberun", () => Buffer.alloc(0))],
  ["the installer flipped", "tampered", flip("install.sh")],
  ["another installer of the same length", "tampered", replaced("install.sh", text((before) => before.replace("set -eu", "set +eu")))],
  ["the bill of materials changed", "tampered", replaced("sbom.cdx.json", () => Buffer.from("[]\n"))],
  ["the provenance changed", "tampered", replaced("provenance.json", () => Buffer.from("[]\n"))],
  ["the licences changed", "tampered", flip("licences.txt")],
  ["a document changed", "tampered", flip("index.html")],
  ["two files exchanged", "tampered", (entries) => entries.map((entry) => (ending("sbom.cdx.json")(entry) ? { ...entry, content: Buffer.from("none\n") } : ending("licences.txt")(entry) ? { ...entry, content: Buffer.from("{}\n") } : entry))],
  ["the names of two files exchanged", "tampered", both(renamed("cyberun", "swap"), renamed("install.sh", "cyberun"), renamed("swap", "install.sh"))],
  ["a file added", "tampered", added("extra")],
  ["a file added that would stand elsewhere", "tampered", added("../extra")],
  ["a license added", "tampered", added("license.lic")],
  ["a file twice", "tampered", (entries) => [...entries, ...entries.filter(ending("cyberun"))]],
  ["the executable left out", "truncated", without("cyberun")],
  ["the installer left out", "truncated", without("install.sh")],
  ["a document left out", "truncated", without("index.html")],
  ["the sums left out", "truncated", without("SHA256SUMS")],
  ["the sums changed", "tampered", replaced("SHA256SUMS", text((before) => before.replace(/^./, (digit) => (digit === "0" ? "1" : "0"))))],
  ["a sum left out", "tampered", replaced("SHA256SUMS", text((before) => before.split("\n").slice(1).join("\n")))],
  ["the manifest flipped", "bad_signature", flip("manifest.json")],
  ["the manifest's version raised", "bad_signature", replaced("manifest.json", text((before) => before.replace("2.0.0", "9.0.0")))],
  ["the manifest of an older release", "bad_signature", taken("manifest.json", () => older)],
  ["a space behind the manifest", "bad_signature", replaced("manifest.json", text((before) => `${before} `))],
  ["the manifest left out", "not_a_release", without("manifest.json")],
  ["the manifest's signature left out", "not_a_release", without("manifest.json.minisig")],
  ["the manifest's signature empty", "bad_signature", replaced("manifest.json.minisig", () => Buffer.alloc(0))],
  ["the manifest's trusted comment changed", "bad_signature", replaced("manifest.json.minisig", text((before) => before.replace("2.0.0", "9.0.0")))],
  ["a line more in the manifest's signature", "bad_signature", replaced("manifest.json.minisig", text((before) => `${before}more\n`))],
  ["the list's signature over the manifest", "unknown_key", (entries) => replaced("manifest.json.minisig", () => contentOf(good, "release-keys.json.minisig"))(entries)],
  ["manifest and signature of an unknown key", "unknown_key", both(taken("manifest.json", () => foreign), taken("manifest.json.minisig", () => foreign))],
  ["the list of a stranger", "bad_key_list", both(taken("release-keys.json", () => foreign), taken("release-keys.json.minisig", () => foreign))],
  ["a stranger's key in the list", "bad_key_list", (entries) => replaced("release-keys.json", () => contentOf(foreign, "release-keys.json"))(entries)],
  ["the revocation taken out of the list", "bad_key_list", replaced("release-keys.json", text((before) => before.replace(/"revoked_at":\d+/, '"revoked_at":null')))],
  ["the list flipped", "bad_key_list", flip("release-keys.json")],
  ["the list left out", "not_a_release", without("release-keys.json")],
  ["the list's signature empty", "bad_key_list", replaced("release-keys.json.minisig", () => Buffer.alloc(0))],
  ["the manifest before the list", "not_a_release", (entries) => [...entries.slice(2, 4), ...entries.slice(0, 2), ...entries.slice(4)]],
  ["files in two folders", "not_a_release", (entries) => entries.map((entry, index) => (index === 6 ? { ...entry, path: `elsewhere/${entry.path}` } : entry))],
  ["no file at all", "truncated", () => []],
];

/** Changes of the file as it lies on the medium. */
const damages: readonly (readonly [name: string, refusal: string, damage: (bytes: Buffer) => Buffer])[] = [
  ["cut in half", "truncated", (bytes) => bytes.subarray(0, bytes.length / 2)],
  ["its last byte cut off", "truncated", (bytes) => bytes.subarray(0, -1)],
  ["empty", "not_a_release", () => Buffer.alloc(0)],
  // What could be the beginning of more is told as what it looks like: more that was cut off.
  ["a byte more at its end", "truncated", (bytes) => Buffer.concat([bytes, Buffer.from("x")])],
  ["zeros at its end", "tampered", (bytes) => Buffer.concat([bytes, Buffer.alloc(512)])],
  ["another file behind it", "tampered", (bytes) => Buffer.concat([bytes, packed(Buffer.from("more"))])],
  ["its last byte flipped", "tampered", (bytes) => flipped(bytes, 1)],
  ["its checksum flipped", "tampered", (bytes) => flipped(bytes, (bytes.length - 7) / bytes.length)],
  ["its first byte flipped", "not_a_release", (bytes) => flipped(bytes, 0)],
  ["its ninth byte flipped", "not_a_release", (bytes) => flipped(bytes, 9 / bytes.length)],
  ["something behind the end of the tar", "not_a_release", (bytes) => packed(Buffer.concat([unpacked(bytes), Buffer.alloc(512)]))],
  ["the end of the tar cut off", "truncated", (bytes) => packed(unpacked(bytes).subarray(0, -512))],
  ["a link in the tar", "not_a_release", (bytes) => packed(Buffer.concat([linkHeader(), unpacked(bytes)]))],
  ["a plain text", "not_a_release", () => Buffer.from("This is no release.\n")],
  ["memory filled by a small file", "not_a_release", () => packed(Buffer.alloc(420_000_000))],
];

function linkHeader(): Buffer {
  const header = tarHeader({ path: "cyberun-2.0.0-linux-x64/link", size: 0 }, { isExecutable: false, time: 0 });
  header.write("2", 156);
  return header;
}

function refusalOf(path: string): unknown {
  try {
    verifyRelease(path, trust());
    return "taken";
  } catch (error) {
    return error instanceof Fault ? error.details?.["refusal"] : error;
  }
}

const cases = [
  ...changes.map(([name, refusal, change]) => ({ name, refusal, bytes: () => packed(tarOf(change(entriesOf(good)))) })),
  ...damages.map(([name, refusal, damage]) => ({ name, refusal, bytes: () => damage(readFileSync(good)) })),
  { name: "signed by a key that was revoked", refusal: "revoked_key", bytes: () => readFileSync(revoked) },
  { name: "a release of a stranger", refusal: "bad_key_list", bytes: () => readFileSync(foreign) },
];

test("the release itself is taken, packed anew too, as a tar and as a folder", () => {
  expect(verifyRelease(good, trust())).toMatchObject({ manifest: { version: "2.0.0", target: "linux-x64" }, serial: 3 });
  const again = join(folder, "again.tar.gz");
  writeFileSync(again, packed(tarOf(entriesOf(good))));
  expect(readFileSync(again).equals(readFileSync(good))).toBe(true);
  expect(Bun.spawnSync(["tar", "-xzf", good, "-C", folder]).exitCode).toBe(0);
  expect(verifyRelease(join(folder, "cyberun-2.0.0-linux-x64"), trust()).manifest.version).toBe("2.0.0");
});

test.each(cases)("refused: $name", ({ refusal, bytes }) => {
  const path = join(folder, "case.tar.gz");
  writeFileSync(path, bytes());
  expect(refusalOf(path)).toBe(refusal);
});

test("a folder with a link in it, or with a file that is not listed, is refused", () => {
  expect(Bun.spawnSync(["tar", "-xzf", good, "-C", folder]).exitCode).toBe(0);
  const release = join(folder, "release");
  cpSync(join(folder, "cyberun-2.0.0-linux-x64"), release, { recursive: true });
  renameSync(join(release, "cyberun"), join(folder, "real"));
  symlinkSync(join(folder, "real"), join(release, "cyberun"));
  expect(refusalOf(release)).toBe("tampered");
  rmSync(join(release, "cyberun"));
  copyFileSync(join(folder, "real"), join(release, "cyberun"));
  expect(verifyRelease(release, trust()).manifest.version).toBe("2.0.0");
  writeFileSync(join(release, "docs", "more.html"), "more");
  expect(refusalOf(release)).toBe("tampered");
});

test("a build that was made before the revocation learns of it from the list that a release carries", () => {
  const { roots } = trust();
  expect(verifyRelease(older, { roots, known: undefined }).manifest.version).toBe("1.0.0");
  expect(refusalOf(older)).toBe("revoked_key");
});

test("an executable that lies in its release is judged by that release", async () => {
  expect(Bun.spawnSync(["tar", "-xzf", good, "-C", folder]).exitCode).toBe(0);
  const executable = join(folder, "cyberun-2.0.0-linux-x64", "cyberun");
  const against = { sumsFile: undefined, trust: trust() };
  expect(await verifyExecutable(executable, against)).toMatchObject({ exit: 0, data: { verdict: "match", release_key: verifyRelease(good, trust()).keyId } });
  writeFileSync(executable, "#!/bin/sh\n");
  await expect(verifyExecutable(executable, against)).rejects.toMatchObject({ details: { refusal: "tampered" } });
});

test("a build without root keys takes nothing, and says so", () => {
  expect(() => verifyRelease(good, { roots: [], known: undefined })).toThrow("trusts no root key");
});

testNeeding("minisign", "minisign takes both signatures, and no longer after a change", () => {
  expect(Bun.spawnSync(["tar", "-xzf", good, "-C", folder]).exitCode).toBe(0);
  const release = join(folder, "cyberun-2.0.0-linux-x64");
  const { roots }: { readonly roots: readonly string[] } = JSON.parse(readFileSync(join(desk.keys, "release-roots.json"), "utf8"));
  const verifies = (name: string, key: string) => Bun.spawnSync(["minisign", "-Vm", join(release, name), "-P", key]).exitCode === 0;
  const { keys }: { readonly keys: readonly { readonly public_key: string; readonly revoked_at: number | null }[] } = JSON.parse(readFileSync(join(release, "release-keys.json"), "utf8"));
  expect(roots.some((key) => verifies("release-keys.json", key))).toBe(true);
  expect(keys.map(({ public_key, revoked_at }) => [revoked_at === null, verifies("manifest.json", public_key)])).toEqual([[false, false], [true, true]]);
  writeFileSync(join(release, "manifest.json"), "{}");
  expect(keys.some(({ public_key }) => verifies("manifest.json", public_key))).toBe(false);
});

test("the executable with the vendor's root keys says the same, without any network", async () => {
  const built = await executableWithKeys(desk.keys);
  const executable = canIsolate() ? isolated(built, folder) : built;
  const taken = await run(["release", "verify", good, "--json"], { executable });
  expect([taken.exitCode, JSON.parse(taken.stdout)]).toMatchObject([0, { version: "2.0.0", key_list_serial: 3 }]);
  for (const { refusal, bytes } of cases.filter((_each, index) => index % 8 === 0)) {
    const path = join(folder, "case.tar.gz");
    writeFileSync(path, bytes());
    const { exitCode, stderr } = await run(["release", "verify", path, "--json"], { executable });
    expect([exitCode, JSON.parse(stderr).error.details]).toEqual([refusal === "not_a_release" ? 2 : 6, { refusal }]);
  }
  expect((await run(["release", "verify", join(folder, "none.tar.gz")], { executable })).exitCode).toBe(5);
});
