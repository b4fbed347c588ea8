/**
 * What signing a license and signing a revocation have in common: the key, and the proof that the file is good.
 *
 * Rule: what is handed out has been read back from the disk and verified with the very keys that builds embed. A file that
 * its reader would refuse is never left behind.
 */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import type { SigningKey } from "../crypto/jws.ts";
import { Fault } from "../fault.ts";
import { type KeyPurpose, LicenseError, type TrustedKey } from "../license/document.ts";
import type { Arguments, Options } from "./arguments.ts";
import type { Desk } from "./command.ts";
import { readFile, removeFile, writeNewFile } from "./files.ts";
import { keysDirOption, passphraseOption, privateDirOption, privatePath, readPassphrase, readPrivateKeyFile } from "./key-files.ts";

/** Reads a file's bytes as one kind of document. Throws LicenseError. */
export type Read<T> = (file: Uint8Array) => T;

/** The options that choose the key. */
export const keyOptions = {
  key: { kind: "value", placeholder: "FILE", says: "private key (default: the newest of the fitting purpose in --private-dir)" },
  "keys-dir": keysDirOption,
  "private-dir": privateDirOption,
  "passphrase-file": passphraseOption,
} as const satisfies Options;

/** Reads bytes. Throws a Fault with the refusal's stable word, exit 7, for a file that is not good. */
export function checked<T>(file: Uint8Array, read: Read<T>): T {
  try {
    return read(file);
  } catch (error) {
    if (!(error instanceof LicenseError)) throw error;
    throw new Fault("invalid_license", `This is not a good license or revocation: ${error.message}.`, { details: { refusal: error.refusal }, cause: error });
  }
}

/** Opens a file. Throws a Fault with the refusal's word. */
export function openFile<T>(path: string, read: Read<T>): T {
  return checked(readFile(path), read);
}

/** Writes the file, reads it back from the disk and verifies it; takes it away again when it would be refused. */
export function writeVerified<T>(path: string, text: string, read: Read<T>): T {
  writeNewFile(path, text, 0o644);
  try {
    if (readFile(path).toString("latin1") !== text) throw new Fault("unavailable", `${path} does not read back as it was written.`);
    return openFile(path, read);
  } catch (error) {
    removeFile(path);
    throw error;
  }
}

interface Signer {
  readonly purpose: KeyPurpose;
  readonly trusted: readonly TrustedKey[];
}

/** The private key that is named on the line, or the newest of the purpose that is at hand. */
export function keyFor(desk: Desk, given: Arguments, { purpose, trusted }: Signer): SigningKey {
  const passphrase = readPassphrase(desk, given.value("passphrase-file"));
  const named = given.value("key");
  if (named !== undefined) return readPrivateKeyFile(resolve(desk.directory, named), passphrase);
  const directory = resolve(desk.directory, given.value("private-dir") ?? "");
  const path = trusted
    .filter((key) => key.purpose === purpose)
    .map((key) => privatePath(directory, purpose, key.kid))
    .findLast((candidate) => existsSync(candidate));
  if (path !== undefined) return readPrivateKeyFile(path, passphrase);
  throw new Fault("not_found", `No private key of purpose ${purpose} is in ${directory}.`, {
    hint: "Name one by --key FILE, or make one with cyberun-vendor keys create.",
  });
}
