import { describe, expect, test } from "bun:test";
import { createSealer, isSameSecret } from "../../src/crypto/sealing.ts";
import { testServices } from "../support/services.ts";

const { random } = testServices();
const masterKey = new Uint8Array(32).fill(1);
const sealer = createSealer(masterKey, random);

describe("a sealed value", () => {
  test("opens again under the same purpose and context, whatever its length", () => {
    for (const plain of ["", "s", "secret", "x".repeat(10_000)]) {
      expect(sealer.open("signing-key", "id", sealer.seal("signing-key", "id", plain)).toString()).toBe(plain);
    }
  });

  test("is another text each time, and shows nothing of what it holds", () => {
    const sealed = [1, 2].map(() => sealer.seal("signing-key", "id", "a planted secret"));
    expect(sealed[0]).not.toBe(sealed[1]);
    expect(Buffer.from(sealed[0] ?? "", "base64url").toString("latin1")).not.toContain("planted");
  });

  test("is refused when a single bit of it was turned", () => {
    const bytes = Buffer.from(sealer.seal("signing-key", "id", "secret"), "base64url");
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const copy = Buffer.from(bytes);
      copy.writeUInt8(copy.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      expect(() => sealer.open("signing-key", "id", copy.toString("base64url"))).toThrow();
    }
  });

  const sealed = sealer.seal("signing-key", "id", "secret");
  test.each([
    ["in another row", () => sealer.open("signing-key", "id2", sealed)],
    ["under another purpose", () => sealer.open("join-token", "id", sealed)],
    ["under another master key", () => createSealer(new Uint8Array(32).fill(2), random).open("signing-key", "id", sealed)],
    ["when it was cut short", () => sealer.open("signing-key", "id", sealed.slice(0, 20))],
    ["when it is empty", () => sealer.open("signing-key", "id", "")],
    ["when it has padding", () => sealer.open("signing-key", "id", `${sealed}=`)],
  ])("does not open %s", (_, open) => {
    expect(open).toThrow();
  });
});

test("a digest depends on the text, the purpose and the master key, and on nothing else", () => {
  const digest = sealer.digest("credential-pepper", "key");
  expect(createSealer(masterKey, random).digest("credential-pepper", "key")).toBe(digest);
  const others = [
    sealer.digest("credential-pepper", "kez"),
    sealer.digest("session-pepper", "key"),
    createSealer(new Uint8Array(32).fill(2), random).digest("credential-pepper", "key"),
  ];
  expect(others).not.toContain(digest);
  expect(digest).toHaveLength(43);
});

test("two secrets are the same only when every byte is", () => {
  expect(isSameSecret("secret", "secret")).toBe(true);
  expect(isSameSecret("", "")).toBe(true);
  for (const other of ["secreT", "secre", "secretx", ""]) expect(isSameSecret("secret", other)).toBe(false);
  // Different lengths in UTF-16, the same number of bytes, and the other way round.
  expect(isSameSecret("é", "ab")).toBe(false);
});

test("a master key of another length is refused", () => {
  for (const length of [0, 16, 31, 33]) expect(() => createSealer(new Uint8Array(length), random)).toThrow(/32 bytes/);
});
