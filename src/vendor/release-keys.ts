/**
 * `release-keys create-root|create|revoke`: the keys that sign releases. A root key signs the list of release keys and nothing else;
 * builds embed the root keys, releases carry the list.
 *
 *     KEYS-DIR/release-roots.json          root keys, and the list as builds embed it
 *     KEYS-DIR/release-keys.json(.minisig) the list as releases carry it
 *     PRIVATE-DIR/root-ID.pem, release-ID.pem
 *
 * Rule: as for the keys of licenses, private halves never share the folder that builds embed.
 */
import { existsSync, mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { publicX, type SigningKey, signingKeyFromSeed } from "../crypto/jws.ts";
import { Fault } from "../fault.ts";
import { findJson } from "../json.ts";
import { KEY_LIST, type KeyList, openKeyList, rootKeys, SIGNATURE_SUFFIX } from "../release/documents.ts";
import { findMinisignKey, minisignPublicKey, signatureText, type Signer } from "../release/minisign.ts";
import type { Arguments, Options } from "./arguments.ts";
import { type Answer, type Command, type Desk, nowSeconds } from "./command.ts";
import { onFile, readFile, replaceFile, writeNewFile } from "./files.ts";
import { keysDirOption, passphraseOption, privateDirOption, readPassphrase, readPrivateKeyFile, refuseSharedFolder } from "./key-files.ts";
import { privateKeyText } from "./private-key.ts";

const ROOTS_MAX = 2;
const EMBEDDED = "release-roots.json";
type Kind = "root" | "release";

const folderOptions = { "keys-dir": keysDirOption, "private-dir": privateDirOption, "passphrase-file": passphraseOption } as const satisfies Options;

interface Places {
  readonly keysDirectory: string;
  readonly privateDirectory: string;
  readonly passphrase: string | undefined;
}

export function placesOf(desk: Desk, given: Arguments): Places {
  given.mistakes.refuse();
  const at = (name: string) => resolve(desk.directory, given.value(name) ?? "");
  return { keysDirectory: at("keys-dir"), privateDirectory: at("private-dir"), passphrase: readPassphrase(desk, given.value("passphrase-file")) };
}

/** The root keys that are embedded, as minisign writes them. */
export function listRoots({ keysDirectory }: Pick<Places, "keysDirectory">): readonly string[] {
  const path = join(keysDirectory, EMBEDDED);
  if (!existsSync(path)) return [];
  const value = findJson(readFile(path).toString("utf8"));
  const roots: unknown = typeof value === "object" && value !== null && "roots" in value ? value.roots : undefined;
  if (Array.isArray(roots) && roots.every((root) => typeof root === "string")) return roots;
  throw new Fault("invalid_request", `${path} holds no list of root keys.`, { hint: "Restore it from your records." });
}

export interface SignedList {
  readonly list: KeyList;
  readonly content: Buffer;
  readonly signature: string;
}

/** The list of release keys, verified with the root keys; undefined when none was made yet. */
export function findList(places: Pick<Places, "keysDirectory">): SignedList | undefined {
  const path = join(places.keysDirectory, KEY_LIST);
  if (!existsSync(path)) return undefined;
  const signed = { content: readFile(path), signature: readFile(`${path}${SIGNATURE_SUFFIX}`).toString("utf8") };
  return { list: openKeyList(signed, rootKeys(listRoots(places))), ...signed };
}

function idOf(publicKey: string): string {
  return findMinisignKey(publicKey)?.id ?? "";
}

function privateFile({ privateDirectory }: Places, kind: Kind, id: string): string {
  return join(privateDirectory, `${kind}-${id}.pem`);
}

function signerOf(key: SigningKey): Signer {
  return { privateKey: key.privateKey, x: publicX(key.publicKey) };
}

/** The signer of one of these public keys whose private half is at hand. */
export function signerFor(places: Places, kind: Kind, publicKeys: readonly string[]): Signer {
  const path = publicKeys.map((key) => privateFile(places, kind, idOf(key))).findLast((candidate) => existsSync(candidate));
  if (path !== undefined) return signerOf(readPrivateKeyFile(path, places.passphrase));
  throw new Fault("not_found", `No private ${kind} key is in ${places.privateDirectory} that belongs to a public one in ${places.keysDirectory}.`, {
    hint: `Name its folder by --private-dir, or make one with cyberun-vendor release-keys ${kind === "root" ? "create-root" : "create"}.`,
  });
}

/** Writes the private half; gives the public one. */
function makeKey(desk: Desk, places: Places, kind: Kind): { readonly publicKey: string; readonly path: string } {
  const key = signingKeyFromSeed(desk.services.random.bytes(32));
  const publicKey = minisignPublicKey(publicX(key.publicKey));
  onFile(places.keysDirectory, () => mkdirSync(places.keysDirectory, { recursive: true }));
  onFile(places.privateDirectory, () => mkdirSync(places.privateDirectory, { recursive: true, mode: 0o700 }));
  refuseSharedFolder(places.keysDirectory, places.privateDirectory);
  const path = privateFile(places, kind, idOf(publicKey));
  writeNewFile(path, privateKeyText(key, places.passphrase, desk.services.random), 0o600);
  return { publicKey, path };
}

function writeEmbedded(places: Places, roots: readonly string[], known: KeyList | undefined): void {
  replaceFile(join(places.keysDirectory, EMBEDDED), () => `${JSON.stringify({ roots, ...(known === undefined ? {} : { known }) }, null, 2)}\n`);
}

/** One key on a line, so that a shell can read it. */
function listText({ format, serial, keys }: KeyList): string {
  return `{\n  "format": ${JSON.stringify(format)},\n  "serial": ${serial},\n  "keys": [\n${keys.map((key) => `    ${JSON.stringify(key)}`).join(",\n")}\n  ]\n}\n`;
}

function signList(places: Places, keys: KeyList["keys"]): KeyList {
  const roots = listRoots(places);
  const signer = signerFor(places, "root", roots);
  const list: KeyList = { format: "cyberun-release-keys/1", serial: (findList(places)?.list.serial ?? 0) + 1, keys };
  const text = listText(list);
  const path = join(places.keysDirectory, KEY_LIST);
  replaceFile(`${path}${SIGNATURE_SUFFIX}`, () => signatureText(signer, Buffer.from(text), `${KEY_LIST} serial ${list.serial}`));
  replaceFile(path, () => text);
  writeEmbedded(places, roots, list);
  return list;
}

export const createRoot: Command = {
  name: "release-keys create-root",
  summary: `Make one of the ${ROOTS_MAX} root keys, which builds embed and which sign the list of release keys.`,
  operands: [],
  options: folderOptions,
  notes: ["Keep the private halves of the two apart and away from every network. An executable takes releases from whoever holds one of them."],
  run(desk, given): Answer {
    const places = placesOf(desk, given);
    const roots = listRoots(places);
    if (roots.length >= ROOTS_MAX) throw new Fault("conflict", `There are ${ROOTS_MAX} root keys already.`, { hint: "To replace one, remove it from release-roots.json; executables that embed it go on trusting it." });
    const { publicKey, path } = makeKey(desk, places, "root");
    writeEmbedded(places, [...roots, publicKey], findList(places)?.list);
    return { json: { key: idOf(publicKey), public_key: publicKey, private_key_file: path }, text: `root key     ${idOf(publicKey)}\npublic half  ${publicKey} (print it where customers find it: install.sh --root-key takes it)\nprivate half ${path}` };
  },
};

export const createReleaseKey: Command = {
  name: "release-keys create",
  summary: "Make a key that signs releases; a root key signs the list that it is added to.",
  operands: [],
  options: folderOptions,
  run(desk, given): Answer {
    const places = placesOf(desk, given);
    signerFor(places, "root", listRoots(places));
    const before = findList(places)?.list.keys ?? [];
    const { publicKey, path } = makeKey(desk, places, "release");
    const { serial } = signList(places, [...before, { public_key: publicKey, created_at: nowSeconds(desk), revoked_at: null }]);
    return { json: { key: idOf(publicKey), public_key: publicKey, private_key_file: path, serial }, text: `release key  ${idOf(publicKey)}\npublic half  ${publicKey}, in the list of serial ${serial}\nprivate half ${path}` };
  },
};

export const revokeReleaseKey: Command = {
  name: "release-keys revoke",
  summary: "Revoke a release key: what it signed is refused by every build and release with the new list.",
  operands: ["KEY"],
  options: folderOptions,
  notes: ["Nobody can reach a host that is offline: it learns of it from the next release that it is given."],
  run(desk, given): Answer {
    const places = placesOf(desk, given);
    const [id = ""] = given.operands;
    const keys = findList(places)?.list.keys ?? [];
    if (!keys.some(({ public_key, revoked_at }) => idOf(public_key) === id && revoked_at === null)) throw new Fault("not_found", `There is no release key ${id} that is not revoked.`, { hint: `${KEY_LIST} in --keys-dir lists them.` });
    const { serial } = signList(places, keys.map((key) => (idOf(key.public_key) === id ? { ...key, revoked_at: nowSeconds(desk) } : key)));
    return { json: { key: id, serial }, text: `revoked      ${id}, in the list of serial ${serial}` };
  },
};
