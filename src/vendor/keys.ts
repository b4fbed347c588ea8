/** `keys create` and `keys list`: the vendor's signing keys. */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { signingKeyFromSeed } from "../crypto/jws.ts";
import type { KeyPurpose } from "../license/document.ts";
import { type Answer, type Command, nowSeconds, shownInstant } from "./command.ts";
import { keysDirOption, listKeys, passphraseOption, privateDirOption, privatePath, readPassphrase, storeKey } from "./key-files.ts";

function purposeOf(text: string | undefined): KeyPurpose | undefined {
  return text === "license" || text === "trial" ? text : undefined;
}

export const createKey: Command = {
  name: "keys create",
  summary: "Make a signing key pair; the public half is added to the keys that builds embed.",
  operands: [],
  options: {
    purpose: { kind: "value", placeholder: "license|trial", default: "license", says: "what the key may sign" },
    "keys-dir": keysDirOption,
    "private-dir": privateDirOption,
    "passphrase-file": passphraseOption,
  },
  notes: ["The private half is written as PKCS#8 PEM, readable by its owner only. Nothing is ever overwritten."],
  run(desk, given): Answer {
    const purpose = purposeOf(given.value("purpose"));
    if (purpose === undefined) given.mistakes.add("--purpose is license or trial.");
    given.mistakes.refuse();
    const passphrase = readPassphrase(desk, given.value("passphrase-file"));
    const key = signingKeyFromSeed(desk.services.random.bytes(32));
    const path = storeKey(desk, {
      key,
      purpose: purpose ?? "license",
      createdAtSeconds: nowSeconds(desk),
      passphrase,
      keysDirectory: resolve(desk.directory, given.value("keys-dir") ?? ""),
      privateDirectory: resolve(desk.directory, given.value("private-dir") ?? ""),
    });
    return {
      json: { kid: key.kid, purpose, private_key_file: path, encrypted: passphrase !== undefined },
      text: [
        `key          ${key.kid}`,
        `may sign     ${purpose === "trial" ? "trial licenses only" : "every license but trials"}`,
        `private half ${path}${passphrase === undefined ? " (not encrypted: keep the medium safe)" : " (encrypted)"}`,
        `public half  added to ${given.value("keys-dir")}/license-keys.json; it counts in executables built from now on`,
      ].join("\n"),
    };
  },
};

export const listKeysCommand: Command = {
  name: "keys list",
  summary: "List the public keys, and whether their private halves are at hand.",
  operands: [],
  options: { "keys-dir": keysDirOption, "private-dir": privateDirOption },
  run(desk, given): Answer {
    given.mistakes.refuse();
    const privateDirectory = resolve(desk.directory, given.value("private-dir") ?? "");
    const keys = listKeys(resolve(desk.directory, given.value("keys-dir") ?? "")).map(({ kid, purpose, created_at }) => ({
      kid,
      purpose,
      created_at,
      private_half_at_hand: existsSync(privatePath(privateDirectory, purpose, kid)),
    }));
    const line = (key: (typeof keys)[number]) =>
      `${key.kid}  ${key.purpose.padEnd(7)}  ${shownInstant(key.created_at)}  private half ${key.private_half_at_hand ? "at hand" : "elsewhere"}`;
    return { json: { keys }, text: keys.map(line).join("\n") };
  },
};
