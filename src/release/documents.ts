/**
 * The two signed documents of a release: the list of release keys, signed by a root key, and the manifest, signed by one of them.
 *
 * Rule: pure. A signature is checked over the bytes before they are parsed.
 */
import { type Static, Type } from "typebox";
import { findJson } from "../json.ts";
import { shapeOf } from "../shape.ts";
import { findMinisignKey, findSignature, isSignedBy, type MinisignKey } from "./minisign.ts";
import { releaseFault } from "./refusals.ts";

export const MANIFEST = "manifest.json";
export const KEY_LIST = "release-keys.json";
export const SIGNATURE_SUFFIX = ".minisig";
export const DOCUMENT_BYTES_MAX = 1_048_576;
export const FILE_BYTES_MAX = 1_073_741_824;
const FILES_MAX = 1_000;

const closed = { additionalProperties: false };
const Instant = Type.Integer({ minimum: 0 });
const VERSION = "^(0|[1-9]\\d{0,5})\\.(0|[1-9]\\d{0,5})\\.(0|[1-9]\\d{0,5})$";
const Version = Type.String({ pattern: VERSION });
const versionForm = new RegExp(VERSION);

const KeySchema = Type.Object({ public_key: Type.String({ maxLength: 100 }), created_at: Instant, revoked_at: Type.Union([Type.Null(), Instant]) }, closed);
const KeyListSchema = Type.Object(
  {
    format: Type.Literal("cyberun-release-keys/1"),
    /** Grows with each change, so that an older list cannot bring a revoked key back. */
    serial: Type.Integer({ minimum: 1 }),
    keys: Type.Array(KeySchema, { maxItems: 64 }),
  },
  closed,
);
export type KeyList = Static<typeof KeyListSchema>;
const keyListShape = shapeOf(KeyListSchema);

const FileSchema = Type.Object({ path: Type.String({ pattern: "^[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*){0,8}$", maxLength: 100 }), size: Type.Integer({ minimum: 0, maximum: FILE_BYTES_MAX }), sha256: Type.String({ pattern: "^[0-9a-f]{64}$" }) }, closed);
const ManifestSchema = Type.Object(
  {
    format: Type.Literal("cyberun-release/1"),
    version: Version,
    /** Platform, such as `linux-x64`. */
    target: Type.String({ maxLength: 40 }),
    built_at: Instant,
    /** The oldest version that may be upgraded to this one. */
    upgrades_from: Version,
    /** Schemas of a store that it opens, and the one that it makes of them. */
    schema: Type.Object({ from: Type.Integer({ minimum: 0 }), to: Type.Integer({ minimum: 0 }) }, closed),
    files: Type.Array(FileSchema, { minItems: 1, maxItems: FILES_MAX }),
  },
  closed,
);
export type ReleaseManifest = Static<typeof ManifestSchema>;
export type ReleaseFile = ReleaseManifest["files"][number];
const manifestShape = shapeOf(ManifestSchema);

export function isKeyList(value: unknown): value is KeyList {
  return keyListShape.Check(value);
}

export interface Signed {
  readonly content: Buffer;
  /** The text of its `.minisig`. */
  readonly signature: string;
}

/** The keys in lines `RW…`. Throws when one is none: such a list is not embedded. */
export function rootKeys(lines: readonly string[]): readonly MinisignKey[] {
  return lines.map((line) => {
    const key = findMinisignKey(line);
    if (key === undefined) throw releaseFault("no_roots", "One of the root keys that it carries is not usable.");
    return key;
  });
}

/** The list, once one of the roots has signed it. */
export function openKeyList({ content, signature: text }: Signed, roots: readonly MinisignKey[]): KeyList {
  if (roots.length === 0) throw releaseFault("no_roots");
  const signature = findSignature(text);
  const root = roots.find(({ id }) => id === signature?.keyId);
  if (signature === undefined || root === undefined || !isSignedBy(root, content, signature)) throw releaseFault("bad_key_list");
  const value = findJson(content.toString("utf8"));
  if (!keyListShape.Check(value)) throw releaseFault("bad_key_list", "It is signed, and not as this build reads it.");
  return value;
}

/** The key of the id in the list; the newer of two lists is obeyed. */
function signerIn(lists: readonly KeyList[], keyId: string): MinisignKey {
  const found = lists.flatMap(({ keys }) => keys).flatMap(({ public_key, revoked_at }) => ({ key: findMinisignKey(public_key), revoked_at })).filter(({ key }) => key?.id === keyId);
  if (found.some(({ revoked_at }) => revoked_at !== null)) throw releaseFault("revoked_key", `It is the key ${keyId}.`);
  const key = found[0]?.key;
  const newest = lists.toSorted((one, other) => other.serial - one.serial)[0];
  if (key === undefined || newest?.keys.every(({ public_key }) => findMinisignKey(public_key)?.id !== keyId) !== false) throw releaseFault("unknown_key", `It is the key ${keyId}.`);
  return key;
}

export interface OpenedManifest {
  readonly manifest: ReleaseManifest;
  readonly keyId: string;
}

/** The manifest, once a key of the lists has signed it that none of them has revoked. */
export function openManifest({ content, signature: text }: Signed, lists: readonly KeyList[]): OpenedManifest {
  const signature = findSignature(text);
  if (signature === undefined) throw releaseFault("bad_signature");
  const key = signerIn(lists, signature.keyId);
  if (!isSignedBy(key, content, signature)) throw releaseFault("bad_signature");
  const manifest = findJson(content.toString("utf8"));
  if (!manifestShape.Check(manifest)) throw releaseFault("bad_manifest");
  const names = new Set(manifest.files.map(({ path }) => path));
  if (names.size !== manifest.files.length || names.has(MANIFEST) || !names.has(executableName(manifest))) throw releaseFault("bad_manifest");
  return { manifest, keyId: key.id };
}

export function executableName({ target }: Pick<ReleaseManifest, "target">): string {
  return target.startsWith("windows") ? "cyberun.exe" : "cyberun";
}

export function isVersion(text: string): boolean {
  return versionForm.test(text);
}

/** Negative when `one` is older. */
export function compareVersions(one: string, other: string): number {
  const [left, right] = [one, other].map((text) => text.split(".").map(Number));
  return left?.map((part, index) => part - (right?.[index] ?? 0)).find((difference) => difference !== 0) ?? 0;
}
