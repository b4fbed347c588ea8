/**
 * `bundle`: makes the one file that is carried to a site, from the folder of a build: the manifest, signed, and everything that it lists.
 *
 * Rule: what is handed out has been read back from the disk and verified as the executables will. The same folder, keys and
 * license give the same bytes.
 */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { Fault } from "../fault.ts";
import { findJson } from "../json.ts";
import { openLicense } from "../license/document.ts";
import { executableName, FILE_BYTES_MAX, KEY_LIST, MANIFEST, type ReleaseFile, type ReleaseManifest, rootKeys, SIGNATURE_SUFFIX } from "../release/documents.ts";
import { signatureText } from "../release/minisign.ts";
import { packed } from "../release/packing.ts";
import { tarEnd, tarHeader, tarPadding } from "../release/tar.ts";
import { SUMS, sumsText, verifyRelease } from "../release/verify.ts";
import { type Answer, type Command, type Desk } from "./command.ts";
import { onFile, readFile } from "./files.ts";
import { keysDirOption, loadTrustedKeys, passphraseOption, privateDirOption } from "./key-files.ts";
import { findList, listRoots, placesOf, type SignedList, signerFor } from "./release-keys.ts";
import { openFile } from "./signing.ts";

const FACTS = "build.json";
const alwaysThere = ["install.sh", "sbom.cdx.json", "provenance.json", "licences.txt"] as const;

interface Part {
  readonly path: string;
  readonly content: Buffer;
}

type Facts = Pick<ReleaseManifest, "version" | "target" | "built_at" | "upgrades_from" | "schema">;

function isFacts(value: unknown): value is Facts {
  return typeof value === "object" && value !== null && ["version", "target", "built_at", "upgrades_from", "schema"].every((name) => Object.hasOwn(value, name));
}

function factsOf(folder: string): Facts {
  const facts = findJson(readFile(join(folder, FACTS)).toString("utf8"));
  if (isFacts(facts)) return facts;
  throw new Fault("invalid_request", `${join(folder, FACTS)} is not as a build writes it.`, { hint: "Name the folder that bun run build has filled." });
}

function read(folder: string, path: string): Part {
  const whole = join(folder, path);
  return onFile(whole, () => {
    if (statSync(whole).size > FILE_BYTES_MAX) throw new Fault("too_large", `${whole} is larger than a release may carry.`);
    return { path, content: readFileSync(whole) };
  });
}

function partsOf(folder: string, facts: Facts): readonly Part[] {
  const docs = onFile(join(folder, "docs"), () => readdirSync(join(folder, "docs")).toSorted().map((name) => `docs/${name}`));
  return [executableName(facts), ...alwaysThere, ...docs].map((path) => read(folder, path));
}

function licensePart(desk: Desk, file: string | undefined, keysDirectory: string): readonly Part[] {
  if (file === undefined) return [];
  const path = resolve(desk.directory, file);
  openFile(path, (bytes) => openLicense(bytes, loadTrustedKeys(keysDirectory)));
  return [{ path: "license.lic", content: readFile(path) }];
}

function sha256(content: Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}

function fileOf({ path, content }: Part): ReleaseFile {
  return { path, size: content.length, sha256: sha256(content) };
}

function tarOf(top: string, time: number, parts: readonly Part[]): Buffer {
  const blocks = parts.flatMap(({ path, content }) => [tarHeader({ path: `${top}/${path}`, size: content.length }, { isExecutable: /^cyberun(?:\.exe)?$|\.sh$/.test(path), time }), content, tarPadding(content.length)]);
  return Buffer.concat([...blocks, tarEnd]);
}

/** The files before those of the manifest, in the order in which they are verified. */
function signedParts(list: SignedList, manifest: Buffer, signature: string): readonly Part[] {
  return [
    { path: KEY_LIST, content: list.content },
    { path: `${KEY_LIST}${SIGNATURE_SUFFIX}`, content: Buffer.from(list.signature) },
    { path: MANIFEST, content: manifest },
    { path: `${MANIFEST}${SIGNATURE_SUFFIX}`, content: Buffer.from(signature) },
  ];
}

function requireList(found: SignedList | undefined): SignedList {
  if (found !== undefined) return found;
  throw new Fault("not_found", `There is no ${KEY_LIST} in --keys-dir.`, { hint: "cyberun-vendor release-keys create makes it." });
}

/** Writes the file, and takes it away again when an executable would refuse it. */
function writeChecked(path: string, bytes: Buffer, { keysDirectory }: { readonly keysDirectory: string }): void {
  onFile(path, () => writeFileSync(path, bytes, { flag: "wx", flush: true }));
  try {
    verifyRelease(path, { roots: rootKeys(listRoots({ keysDirectory })), known: undefined });
  } catch (error) {
    rmSync(path);
    throw error;
  }
}

export const bundle: Command = {
  name: "bundle",
  summary: "Sign a release and put it into one file for removable media, from the folder of a build.",
  operands: ["DIR"],
  options: {
    license: { kind: "value", placeholder: "FILE", says: "license of the site, carried along" },
    out: { kind: "value", placeholder: "FILE", says: "file to write (default: cyberun-VERSION-TARGET.tar.gz)" },
    "keys-dir": keysDirOption,
    "private-dir": privateDirOption,
    "passphrase-file": passphraseOption,
  },
  notes: ["The private release key has to be in --private-dir; root keys are not needed. At the site: tar -xzf FILE, then sh install.sh, or cyberun upgrade --from FILE."],
  run(desk, given): Answer {
    const places = placesOf(desk, given);
    const folder = resolve(desk.directory, given.operands[0] ?? "");
    const list = requireList(findList(places));
    const signer = signerFor(places, "release", list.list.keys.filter(({ revoked_at }) => revoked_at === null).map(({ public_key }) => public_key));
    const { version, target, built_at, upgrades_from, schema } = factsOf(folder);
    const parts = [...partsOf(folder, { version, target, built_at, upgrades_from, schema }), ...licensePart(desk, given.value("license"), places.keysDirectory)];
    const manifest: ReleaseManifest = { format: "cyberun-release/1", version, target, built_at, upgrades_from, schema, files: parts.map(fileOf) };
    const text = Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`);
    const sums = sumsText(manifest, { [MANIFEST]: sha256(text), [KEY_LIST]: sha256(list.content) });
    const top = `cyberun-${version}-${target}`;
    const path = resolve(desk.directory, given.value("out") ?? `${top}.tar.gz`);
    if (existsSync(path)) throw new Fault("conflict", `${path} exists already and is left as it is.`, { hint: "Choose another name by --out." });
    const signature = signatureText(signer, text, `${MANIFEST} of cyberun ${version} for ${target}`);
    const bytes = packed(tarOf(top, built_at, [...signedParts(list, text, signature), { path: SUMS, content: Buffer.from(sums) }, ...parts]));
    writeChecked(path, bytes, places);
    return { json: { file: path, version, target, bytes: bytes.length, files: parts.length, sha256: sha256(bytes) }, text: `wrote       ${path} (${(bytes.length / 1e6).toFixed(1)} MB, ${parts.length} files); read back and verified\nSHA-256     ${sha256(bytes)}` };
  },
};
