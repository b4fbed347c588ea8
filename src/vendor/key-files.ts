/**
 * Where the vendor's keys are: the public halves in `KEYS-DIR/license-keys.json`, which builds embed, and each private
 * half in a file of its own, wherever the vendor keeps it.
 *
 * Rule: the two never share a folder. A folder that is embedded in executables must not hold a private key even for a moment.
 */
import { existsSync, mkdirSync, realpathSync } from "node:fs";
import { join, resolve, sep } from "node:path";
import { publicX, type SigningKey } from "../crypto/jws.ts";
import { Fault } from "../fault.ts";
import type { KeyPurpose, TrustedKey } from "../license/document.ts";
import { type EmbeddedKey, parseEmbeddedKeys, readTrustedKeys } from "../license/trusted-keys.ts";
import { onFile, readFile, removeFile, replaceFile, writeNewFile } from "./files.ts";
import { passphraseIn, privateKeyText, readPrivateKey } from "./private-key.ts";
import type { Desk } from "./command.ts";

export const keysDirOption = {
  kind: "value",
  placeholder: "DIR",
  default: "embedded-keys",
  says: "folder with license-keys.json, the public keys that builds embed",
} as const;

export const privateDirOption = {
  kind: "value",
  placeholder: "DIR",
  default: "vendor-keys",
  says: "folder with the private keys",
} as const;

export const passphraseOption = {
  kind: "value",
  placeholder: "FILE",
  says: "file whose first line protects the private key (at least 12 characters)",
} as const;

function listPath(directory: string): string {
  return join(directory, "license-keys.json");
}

function parsedList(directory: string): unknown {
  const path = listPath(directory);
  try {
    return JSON.parse(readFile(path).toString("utf8"));
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw new Fault("invalid_request", `${path} is not JSON.`, { cause });
  }
}

/** The public keys in the folder, as they are written. Throws a Fault: not_found, invalid_request. */
export function listKeys(directory: string): readonly EmbeddedKey[] {
  const json = parsedList(directory);
  readTrustedKeys(json);
  return parseEmbeddedKeys(json).keys;
}

/** The public keys in the folder, ready to verify with. */
export function loadTrustedKeys(directory: string): readonly TrustedKey[] {
  return readTrustedKeys(parsedList(directory));
}

/** The file of a private half; the name says what it is for and which key it is. */
export function privatePath(directory: string, purpose: KeyPurpose, kid: string): string {
  return join(directory, `${purpose}-${kid}.pem`);
}

export function readPassphrase(desk: Desk, path: string | undefined): string | undefined {
  return path === undefined ? undefined : passphraseIn(readFile(resolve(desk.directory, path)).toString("utf8"));
}

export function readPrivateKeyFile(path: string, passphrase: string | undefined): SigningKey {
  return readPrivateKey(readFile(path).toString("utf8"), passphrase);
}

/** Throws Fault `invalid_request` when the private folder lies in the public one. */
export function refuseSharedFolder(keysDirectory: string, privateDirectory: string): void {
  const inside = `${realpathSync(privateDirectory)}${sep}`;
  if (!inside.startsWith(`${realpathSync(keysDirectory)}${sep}`)) return;
  throw new Fault("invalid_request", "The private keys may not be inside the folder of public keys, which builds embed.", {
    hint: "Choose another --private-dir.",
  });
}

export interface NewKey {
  readonly key: SigningKey;
  readonly purpose: KeyPurpose;
  readonly createdAtSeconds: number;
  readonly passphrase: string | undefined;
  readonly keysDirectory: string;
  readonly privateDirectory: string;
}

/** Writes both halves; when the public one cannot be added, the private one is taken back. Returns the private half's path. */
export function storeKey(desk: Desk, { key, purpose, createdAtSeconds, passphrase, keysDirectory, privateDirectory }: NewKey): string {
  const entry: EmbeddedKey = {
    kid: key.kid,
    kty: "OKP",
    crv: "Ed25519",
    x: publicX(key.publicKey),
    use: "sig",
    purpose,
    created_at: createdAtSeconds,
  };
  onFile(keysDirectory, () => mkdirSync(keysDirectory, { recursive: true }));
  onFile(privateDirectory, () => mkdirSync(privateDirectory, { recursive: true, mode: 0o700 }));
  refuseSharedFolder(keysDirectory, privateDirectory);
  const path = privatePath(privateDirectory, purpose, key.kid);
  writeNewFile(path, privateKeyText(key, passphrase, desk.services.random), 0o600);
  try {
    replaceFile(listPath(keysDirectory), () => {
      const keys = existsSync(listPath(keysDirectory)) ? listKeys(keysDirectory) : [];
      const list = { keys: [...keys, entry] };
      readTrustedKeys(list);
      return `${JSON.stringify(list, null, 2)}\n`;
    });
  } catch (error) {
    removeFile(path);
    throw error;
  }
  return path;
}
