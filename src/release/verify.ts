/**
 * Verifies a release, the one tar or the folder that it was unpacked to, and takes its files out on the way if that is wanted.
 *
 *     list of release keys (root's signature) → manifest (release key's signature) → every file against its size and SHA-256
 *
 * Rule: what is not in the manifest is refused, and what the manifest names has to be there. Needs no network, no store, no setting.
 */
import { createHash } from "node:crypto";
import { closeSync, lstatSync, openSync, readdirSync, readFileSync, readSync, statSync } from "node:fs";
import { join } from "node:path";
import { Fault } from "../fault.ts";
import { DOCUMENT_BYTES_MAX, KEY_LIST, type KeyList, MANIFEST, type OpenedManifest, openKeyList, openManifest, type ReleaseFile, type ReleaseManifest, SIGNATURE_SUFFIX } from "./documents.ts";
import { type MinisignKey, SIGNATURE_TEXT_BYTES_MAX } from "./minisign.ts";
import { unpacked } from "./packing.ts";
import { releaseFault } from "./refusals.ts";
import { readTar, type TarEntry, type TarSink } from "./tar.ts";

export const SUMS = "SHA256SUMS";
const PART_BYTES = 1_048_576;
const BUNDLE_BYTES_MAX = 201_326_592;
/** They stand first, in this order, so that nothing else is read before it is known what it has to be. */
export const documents = [KEY_LIST, `${KEY_LIST}${SIGNATURE_SUFFIX}`, MANIFEST, `${MANIFEST}${SIGNATURE_SUFFIX}`] as const;

export interface Trust {
  readonly roots: readonly MinisignKey[];
  /** The list that this build carries: whom it knows to be revoked stays so. */
  readonly known: KeyList | undefined;
}

export interface VerifiedRelease extends OpenedManifest {
  /** Serial of the release's list of keys. */
  readonly serial: number;
  readonly bytes: number;
}

/** Gets each file while it is read; what it has taken counts only once the whole release is verified. */
export type Unpack = (file: ReleaseFile | { readonly path: string; readonly size: number }) => TarSink;

/** As `sha256sum` writes it, over everything in a release but itself and the signatures. */
export function sumsText(manifest: ReleaseManifest, own: Readonly<Record<string, string>>): string {
  const rows = [...manifest.files.map(({ path, sha256 }) => [path, sha256] as const), ...Object.entries(own)];
  return rows.map(([path, sha256]) => `${sha256}  ${path}\n`).join("");
}

function sha256(content: Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

/** Judges the files in the order in which they come. */
class Judge {
  readonly #trust: Trust;
  readonly #unpack: Unpack | undefined;
  readonly #small = new Map<string, Buffer>();
  readonly #seen = new Set<string>();
  #opened: (OpenedManifest & { readonly serial: number; readonly files: ReadonlyMap<string, ReleaseFile> }) | undefined;
  #bytes = 0;

  constructor(trust: Trust, unpack: Unpack | undefined) {
    this.#trust = trust;
    this.#unpack = unpack;
  }

  take({ path, size }: TarEntry): TarSink {
    if (this.#seen.has(path)) throw releaseFault("tampered", `${JSON.stringify(path)} is in it twice.`);
    const wanted = documents[this.#seen.size];
    if (wanted !== undefined && wanted !== path) throw releaseFault("not_a_release", `${wanted} is not where it has to be.`);
    this.#seen.add(path);
    this.#bytes += size;
    if (wanted !== undefined || path === SUMS) return this.#keep(path, size);
    const file = this.#opened?.files.get(path);
    if (file === undefined) throw releaseFault("tampered", `${JSON.stringify(path)} is in it, and not in its manifest.`);
    if (file.size !== size) throw releaseFault("tampered", `${path} has ${size} bytes, not ${file.size}.`);
    return this.#check(file);
  }

  end(): VerifiedRelease {
    if (this.#opened === undefined) throw releaseFault("truncated");
    const { manifest, keyId, serial, files } = this.#opened;
    const missing = [...files.keys(), SUMS].find((path) => !this.#seen.has(path));
    if (missing !== undefined) throw releaseFault("truncated", `${missing} is missing.`);
    const own = Object.fromEntries([MANIFEST, KEY_LIST].map((path) => [path, sha256(this.#text(path))]));
    if (this.#text(SUMS).toString("utf8") !== sumsText(manifest, own)) throw releaseFault("tampered", `${SUMS} lists other sums than the manifest.`);
    return { manifest, keyId, serial, bytes: this.#bytes };
  }

  #text(path: string): Buffer {
    return this.#small.get(path) ?? Buffer.alloc(0);
  }

  #keep(path: string, size: number): TarSink {
    if (size > (path.endsWith(SIGNATURE_SUFFIX) ? SIGNATURE_TEXT_BYTES_MAX : DOCUMENT_BYTES_MAX)) throw releaseFault("not_a_release", `${path} is too large.`);
    const parts: Buffer[] = [];
    const out = this.#unpack?.({ path, size });
    return {
      write: (part) => {
        parts.push(Buffer.from(part));
        out?.write(part);
      },
      end: () => {
        out?.end();
        this.#small.set(path, Buffer.concat(parts));
        if (this.#small.size === documents.length) this.#open();
      },
    };
  }

  #open(): void {
    const signed = (path: string) => ({ content: this.#text(path), signature: this.#text(`${path}${SIGNATURE_SUFFIX}`).toString("utf8") });
    const list = openKeyList(signed(KEY_LIST), this.#trust.roots);
    const { known } = this.#trust;
    const opened = openManifest(signed(MANIFEST), known === undefined ? [list] : [list, known]);
    this.#opened = { ...opened, serial: list.serial, files: new Map(opened.manifest.files.map((file) => [file.path, file])) };
  }

  #check(file: ReleaseFile): TarSink {
    const hash = createHash("sha256");
    const out = this.#unpack?.(file);
    return {
      write(part) {
        hash.update(part);
        out?.write(part);
      },
      end() {
        out?.end();
        if (hash.digest("hex") !== file.sha256) throw releaseFault("tampered", `${file.path} has another SHA-256 than the manifest says.`);
      },
    };
  }
}

function pass(path: string, sink: TarSink): void {
  const file = openSync(path, "r");
  try {
    const part = Buffer.alloc(PART_BYTES);
    for (let count = readSync(file, part); count > 0; count = readSync(file, part)) sink.write(part.subarray(0, count));
    sink.end();
  } finally {
    closeSync(file);
  }
}

function filesIn(folder: string, below = ""): readonly string[] {
  return readdirSync(join(folder, below), { withFileTypes: true }).flatMap((entry) => {
    const path = below === "" ? entry.name : `${below}/${entry.name}`;
    return entry.isDirectory() ? filesIn(folder, path) : [path];
  });
}

function readFolder(folder: string, judge: Judge): void {
  const there = filesIn(folder);
  const absent = documents.find((name) => !there.includes(name));
  if (absent !== undefined) throw releaseFault("not_a_release", `${absent} is missing.`);
  for (const path of [...documents, ...there.filter((name) => !documents.some((each) => each === name))]) {
    const found = lstatSync(join(folder, path));
    if (!found.isFile()) throw releaseFault("tampered", `${JSON.stringify(path)} is no plain file.`);
    pass(join(folder, path), judge.take({ path, size: found.size }));
  }
}

function readArchive(path: string, judge: Judge): void {
  let top: string | undefined;
  readTar(unpacked(readFileSync(path)), ({ path: whole, size }) => {
    const slash = whole.indexOf("/");
    top ??= whole.slice(0, slash + 1);
    if (slash < 1 || !whole.startsWith(top)) throw releaseFault("not_a_release", "Its files are not in one folder.");
    return judge.take({ path: whole.slice(top.length), size });
  });
}

/** Throws the Fault of `refusals.ts` that fits, `not_found` when there is no such file, and `unavailable` when it cannot be read. */
export function verifyRelease(path: string, trust: Trust, unpack?: Unpack): VerifiedRelease {
  if (trust.roots.length === 0) throw releaseFault("no_roots");
  const judge = new Judge(trust, unpack);
  try {
    const found = statSync(path);
    if (found.isFile() && found.size > BUNDLE_BYTES_MAX) throw releaseFault("not_a_release", "It is larger than a release is.");
    if (found.isDirectory()) readFolder(path, judge);
    else readArchive(path, judge);
  } catch (cause) {
    if (!(cause instanceof Error) || !("code" in cause) || cause instanceof Fault) throw cause;
    if (cause.code === "ENOENT") throw new Fault("not_found", `There is no ${path}.`, { hint: "Name the .tar file or the unpacked folder of a release.", cause });
    throw new Fault("unavailable", `The release ${path} cannot be read, or its files cannot be written.`, { hint: "Check permissions, free space and the medium.", cause });
  }
  return judge.end();
}
