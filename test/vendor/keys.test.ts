import { describe, expect, test } from "bun:test";
import { createPrivateKey, generateKeyPairSync } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { publicX, signingKeyFromSeed } from "../../src/crypto/jws.ts";
import { readTrustedKeys } from "../../src/license/trusted-keys.ts";
import { passphraseIn, privateKeyText, readPrivateKey } from "../../src/vendor/private-key.ts";
import { testDesk } from "../support/desk.ts";
import { testServices } from "../support/services.ts";
import { testNeeding } from "../support/skip.ts";

const { random } = testServices({ seed: "keys" });
const key = signingKeyFromSeed(new Uint8Array(32).fill(9));
const passphrase = "correct horse battery";

describe("keys create", () => {
  test("writes the private half for its owner only and adds the public half", () => {
    using desk = testDesk();
    const { kid, private_key_file } = desk.json("keys", "create");
    expect(private_key_file).toBe(join(desk.directory, `vendor-keys/license-${String(kid)}.pem`));
    expect(statSync(String(private_key_file)).mode & 0o777).toBe(0o600);
    expect(statSync(join(desk.directory, "vendor-keys")).mode & 0o777).toBe(0o700);
    const [trusted] = readTrustedKeys(JSON.parse(desk.read("embedded-keys/license-keys.json")));
    expect(trusted).toMatchObject({ kid, purpose: "license" });
    expect(readPrivateKey(readFileSync(String(private_key_file), "utf8"), undefined).kid).toBe(String(kid));
  });

  test("appends, so that both purposes and older keys stay trusted", () => {
    using desk = testDesk();
    const kids = ["license", "trial", "license"].map((purpose) => String(desk.json("keys", "create", "--purpose", purpose)["kid"]));
    const listed = readTrustedKeys(JSON.parse(desk.read("embedded-keys/license-keys.json")));
    expect(listed.map(({ kid }) => kid)).toEqual(kids);
    expect(listed.map(({ purpose }) => purpose)).toEqual(["license", "trial", "license"]);
    expect(readdirSync(join(desk.directory, "embedded-keys"))).toEqual(["license-keys.json"]);
  });

  test("leaves nothing private in the folder that builds embed, nor in what it prints", () => {
    using desk = testDesk();
    const { out, error } = desk.run("keys", "create");
    const [file = ""] = readdirSync(join(desk.directory, "vendor-keys"));
    const body = desk.read(`vendor-keys/${file}`).split("\n")[1] ?? "";
    const seed = createPrivateKey(desk.read(`vendor-keys/${file}`)).export({ format: "jwk" }).d ?? "";
    for (const secret of [body, seed]) {
      expect(secret.length).toBeGreaterThan(40);
      expect(out + error + desk.read("embedded-keys/license-keys.json")).not.toContain(secret);
    }
  });

  test("encrypts the private half under a passphrase that is read from a file", () => {
    using desk = testDesk();
    desk.write("passphrase", `${passphrase}\n`);
    const { private_key_file, encrypted } = desk.json("keys", "create", "--passphrase-file", "passphrase");
    const text = readFileSync(String(private_key_file), "utf8");
    expect(encrypted).toBe(true);
    expect(text).toStartWith("-----BEGIN ENCRYPTED PRIVATE KEY-----\n");
    expect(() => readPrivateKey(text, "another passphrase")).toThrow(/passphrase is another/);
    expect(() => readPrivateKey(text, undefined)).toThrow(/encrypted/);
  });

  test("takes back the private half when the public one cannot be added, and leaves the list as it was", () => {
    using desk = testDesk();
    mkdirSync(join(desk.directory, "embedded-keys"));
    desk.write("embedded-keys/license-keys.json", '{"keys":[{"kid":"broken"}]}');
    expect(desk.run("keys", "create")).toMatchObject({ exitCode: 2, out: "" });
    expect(readdirSync(join(desk.directory, "vendor-keys"))).toEqual([]);
    expect(desk.read("embedded-keys/license-keys.json")).toBe('{"keys":[{"kid":"broken"}]}');
    expect(readdirSync(join(desk.directory, "embedded-keys"))).toEqual(["license-keys.json"]);
  });

  test("does not lose a key when two run at once: the second one waits for nobody and is refused", () => {
    using desk = testDesk();
    desk.json("keys", "create");
    desk.write("embedded-keys/license-keys.json.new", "");
    expect(desk.run("keys", "create").exitCode).toBe(6);
    expect(readdirSync(join(desk.directory, "vendor-keys")).length).toBe(1);
    expect(existsSync(join(desk.directory, "embedded-keys/license-keys.json.new"))).toBe(true);
  });

  test("overwrites no private key, even one of the same name", () => {
    using desk = testDesk();
    const { kid } = desk.json("keys", "create");
    const before = desk.read(`vendor-keys/license-${String(kid)}.pem`);
    using twin = testDesk();
    mkdirSync(join(twin.directory, "vendor-keys"));
    twin.write(`vendor-keys/license-${String(kid)}.pem`, before);
    // The same repeatable randomness makes the same key again.
    expect(twin.run("keys", "create")).toMatchObject({ exitCode: 6, out: "" });
    expect(twin.read(`vendor-keys/license-${String(kid)}.pem`)).toBe(before);
    expect(existsSync(join(twin.directory, "embedded-keys/license-keys.json"))).toBe(false);
  });

  test.each([
    ["the folder of public keys itself", "embedded-keys"],
    ["a folder inside it", "embedded-keys/private"],
    ["a link to it", "link"],
  ])("does not put the private half into %s", (_, folder) => {
    using desk = testDesk();
    mkdirSync(join(desk.directory, "embedded-keys"));
    symlinkSync("embedded-keys", join(desk.directory, "link"));
    const { exitCode, error } = desk.run("keys", "create", "--private-dir", folder);
    expect(exitCode).toBe(2);
    expect(error).toMatch(/may not be inside/);
    expect(readdirSync(join(desk.directory, "embedded-keys"), { recursive: true }).filter((name) => String(name).endsWith(".pem"))).toEqual([]);
  });

  test.each([
    ["an unknown purpose", ["--purpose", "root"], 2, /license or trial/],
    ["a passphrase file that is not there", ["--passphrase-file", "nowhere"], 5, /There is no/],
    ["a short passphrase", ["--passphrase-file", "short"], 2, /12 to 1000 characters/],
    ["an operand", ["now"], 2, /one word too many/],
  ] as const)("refuses %s and writes nothing", (_, words, exit, reason) => {
    using desk = testDesk();
    desk.write("short", "eleven char\nand more\n");
    const { exitCode, error, out } = desk.run("keys", "create", ...words);
    expect({ exitCode, out }).toEqual({ exitCode: exit, out: "" });
    expect(error).toMatch(reason);
    expect(readdirSync(desk.directory)).toEqual(["short"]);
  });
});

describe("keys list", () => {
  test("shows each key, what it may sign and whether its private half is at hand", () => {
    using desk = testDesk();
    const { kid } = desk.json("keys", "create", "--purpose", "trial");
    expect(desk.json("keys", "list")).toEqual({
      keys: [{ kid, purpose: "trial", created_at: 1_767_225_600, private_half_at_hand: true }],
    });
    expect(desk.run("keys", "list", "--private-dir", "elsewhere").out).toMatch(/trial {4}2026-01-01T00:00:00Z {2}private half elsewhere/);
  });

  test.each([
    ["no list", undefined, 5],
    ["a list that is no JSON", "{", 2],
    ["a list with a private member", JSON.stringify({ keys: [{ d: "AAAA" }] }), 2],
  ] as const)("refuses %s", (_, text, exit) => {
    using desk = testDesk();
    mkdirSync(join(desk.directory, "embedded-keys"));
    if (text !== undefined) desk.write("embedded-keys/license-keys.json", text);
    expect(desk.run("keys", "list")).toMatchObject({ exitCode: exit, out: "" });
  });
});

describe("a private key's file", () => {
  test("reads back, in clear and encrypted", () => {
    expect(readPrivateKey(privateKeyText(key, undefined, random), undefined).kid).toBe(key.kid);
    expect(readPrivateKey(privateKeyText(key, passphrase, random), passphrase).kid).toBe(key.kid);
  });

  test("is another one each time it is encrypted", () => {
    expect(privateKeyText(key, passphrase, random)).not.toBe(privateKeyText(key, passphrase, random));
  });

  testNeeding("openssl", "is read by openssl, and stretches the passphrase 600,000 times", async () => {
    using desk = testDesk();
    desk.write("passphrase", `${passphrase}\n`);
    desk.write("key.pem", privateKeyText(key, passphrase, random));
    const openssl = async (...words: readonly string[]) => {
      const child = Bun.spawn(["openssl", ...words], { cwd: desk.directory, stdout: "pipe", stderr: "ignore" });
      return Buffer.from(await child.stdout.bytes());
    };
    const spki = await openssl("pkey", "-in", "key.pem", "-passin", "file:passphrase", "-pubout", "-outform", "DER");
    expect(spki.subarray(-32).toString("base64url")).toBe(publicX(key.publicKey));
    expect((await openssl("asn1parse", "-in", "key.pem")).toString()).toMatch(/INTEGER +:0927C0/);
  });

  test.each([
    ["nothing", ""],
    ["a public key", key.publicKey.export({ type: "spki", format: "pem" }).toString()],
    ["a certificate's label", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"],
    ["a key that was cut short", privateKeyText(key, undefined, random).slice(0, 60)],
  ])("is refused when it holds %s, and nothing of it is repeated", (_, text) => {
    expect(() => readPrivateKey(text, undefined)).toThrow(/^The private key cannot be read: it is not a PKCS#8 PEM\.$/);
  });

  test("of another algorithm is refused", () => {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const text = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
    expect(() => readPrivateKey(text, undefined)).toThrow(/not an Ed25519 key/);
  });
});

test("a passphrase is the first line of its file", () => {
  expect(passphraseIn("twelve chars\nsecond line")).toBe("twelve chars");
  expect(passphraseIn("twelve chars\r\n")).toBe("twelve chars");
  expect(() => passphraseIn("\ntwelve chars")).toThrow(/12 to 1000/);
});

test("a file in the place of a folder is left as it is", () => {
  using desk = testDesk();
  desk.write("embedded-keys", "a file, not a folder");
  expect(desk.run("keys", "create")).toMatchObject({ exitCode: 6, out: "" });
  expect(desk.read("embedded-keys")).toBe("a file, not a folder");
});

test("a folder in the place of a file cannot be read, with an exit code of its own", () => {
  using desk = testDesk();
  expect(desk.run("keys", "create", "--passphrase-file", ".")).toMatchObject({ exitCode: 3, out: "" });
});
