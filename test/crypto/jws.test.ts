import { expect, test } from "bun:test";
import { createPublicKey, sign, verify } from "node:crypto";
import { compactVerify } from "jose";
import { decodeBase64url, encodeBase64url } from "../../src/crypto/base64url.ts";
import { JWS_BYTES_MAX, JwsError, type JwsRefusal, publicKeyFromX, publicX, signingKeyFromSeed, signJws, thumbprint, verifyJws } from "../../src/crypto/jws.ts";

const key = signingKeyFromSeed(new Uint8Array(32).fill(1));
const other = signingKeyFromSeed(new Uint8Array(32).fill(2));
const find = (kid: string) => [key, other].find((known) => known.kid === kid);

function refusalOf(act: () => unknown): JwsRefusal | "accepted" {
  try {
    act();
    return "accepted";
  } catch (error) {
    if (error instanceof JwsError) return error.refusal;
    throw error;
  }
}

/** A message with any header and any payload, and a signature that fits. */
function sealed(header: string, payload: string | Uint8Array): string {
  const input = `${encodeBase64url(header)}.${encodeBase64url(payload)}`;
  return `${input}.${encodeBase64url(sign(null, Buffer.from(input), key.privateKey))}`;
}

test("the key of RFC 8037 appendix A has the thumbprint and the signature printed there", () => {
  const seed = decodeBase64url("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A") ?? Buffer.alloc(0);
  const printed = signingKeyFromSeed(seed);
  expect(publicX(printed.publicKey)).toBe("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
  expect(printed.kid).toBe("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
  expect(thumbprint("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")).toBe(printed.kid);
  const input = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
  expect(encodeBase64url(sign(null, Buffer.from(input), printed.privateKey))).toBe(
    "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
  );
});

test("what is signed is read back, and another JOSE library verifies it too", async () => {
  const message = signJws("test+jws", key, { hello: "wörld", count: 3 });
  expect(verifyJws("test+jws", message, find)).toEqual({ kid: key.kid, payload: { hello: "wörld", count: 3 } });
  const { protectedHeader } = await compactVerify(message, key.publicKey);
  expect(protectedHeader).toEqual({ alg: "EdDSA", kid: key.kid, typ: "test+jws" });
});

test("a message of one type is refused where another is expected", () => {
  expect(refusalOf(() => verifyJws("other+jws", signJws("test+jws", key, {}), find))).toBe("wrong_type");
});

test("the key is chosen by kid and nothing else", () => {
  const message = signJws("test+jws", { ...key, kid: other.kid }, {});
  expect(refusalOf(() => verifyJws("test+jws", message, find))).toBe("bad_signature");
  expect(refusalOf(() => verifyJws("test+jws", message, () => undefined))).toBe("unknown_key");
});

test("the size is looked at before anything is decoded", () => {
  expect(refusalOf(() => verifyJws("test+jws", "a".repeat(JWS_BYTES_MAX + 1), find))).toBe("too_large");
  expect(refusalOf(() => verifyJws("test+jws", "é".repeat(JWS_BYTES_MAX), find))).toBe("malformed");
});

test("a message as large as allowed is verified and read", () => {
  const text = "x".repeat(48_900);
  expect(verifyJws("test+jws", signJws("test+jws", key, { text }), find).payload).toEqual({ text });
});

test("a payload that is not strict JSON is refused, but only after its signature was checked", () => {
  const header = JSON.stringify({ alg: "EdDSA", kid: key.kid, typ: "test+jws" });
  expect(refusalOf(() => verifyJws("test+jws", sealed(header, '{"a":1,"a":2}'), find))).toBe("malformed");
  expect(refusalOf(() => verifyJws("test+jws", `${sealed(header, '{"a":1,"a":2}').slice(0, -4)}AAAA`, find))).toBe("bad_signature");
});

test("every single bit of a message counts", () => {
  const message = Buffer.from(signJws("test+jws", key, { a: 1 }));
  for (let bit = 0; bit < message.length * 8; bit++) {
    const copy = Buffer.from(message);
    copy.writeUInt8(copy.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
    expect(refusalOf(() => verifyJws("test+jws", copy.toString("latin1"), find))).not.toBe("accepted");
  }
});

/** y coordinates of the points of small order, little endian, and spellings above the prime. */
const weakPoints = [
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
];

test.each(weakPoints)("the weak point %s is no public key, with either sign", (hex) => {
  const point = Buffer.from(hex, "hex");
  expect(refusalOf(() => publicKeyFromX(encodeBase64url(point)))).toBe("malformed");
  point.writeUInt8(point.readUInt8(31) | 0x80, 31);
  expect(refusalOf(() => publicKeyFromX(encodeBase64url(point)))).toBe("malformed");
});

test("the runtime itself takes a weak point and a forged signature, which is why we look first", () => {
  const neutral = Buffer.from(weakPoints[1] ?? "", "hex");
  const weak = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x: encodeBase64url(neutral) }, format: "jwk" });
  expect(verify(null, Buffer.from("whatever one likes"), weak, Buffer.concat([neutral, Buffer.alloc(32)]))).toBe(true);
});

test.each([
  ["too short", encodeBase64url(Buffer.alloc(31, 9))],
  ["too long", encodeBase64url(Buffer.alloc(33, 9))],
  ["empty", ""],
  ["padded", `${Buffer.alloc(32, 9).toString("base64")}`],
  ["with a quote in it", '","kty":"oct'],
])("a public key that is %s is refused", (_, x) => {
  expect(refusalOf(() => publicKeyFromX(x))).toBe("malformed");
});

test("a seed of another length makes no key", () => {
  expect(refusalOf(() => signingKeyFromSeed(new Uint8Array(31)))).toBe("malformed");
});
