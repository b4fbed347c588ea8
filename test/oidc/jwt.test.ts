/** JWTs of every algorithm: read by jose, written by jose, and every way to confuse one algorithm or purpose with another. */
import { describe, expect, test } from "bun:test";
import { constants, createHmac, createPublicKey, generateKeyPairSync, sign } from "node:crypto";
import { createLocalJWKSet, importJWK, jwtVerify, SignJWT } from "jose";
import { operator, system } from "../../src/gate/caller.ts";
import { addSigningKey, prepareSigningKey } from "../../src/oidc/key-rotation.ts";
import { type PrivateJwk, type SigningAlgorithm, signingAlgorithms } from "../../src/oidc/jwk.ts";
import { signJwt, type TokenTyp, verifyJwt } from "../../src/oidc/jwt.ts";
import { createKeyring, type Keyring } from "../../src/oidc/keyring.ts";
import { listPublicKeys } from "../../src/oidc/public-keys.ts";
import { type TestGate, testGate } from "../support/gate.ts";
import { anonymous } from "../support/people.ts";

const claims = { iss: "https://id.example.com", sub: "ada", aud: "app", iat: 1_767_225_600, exp: 1_767_229_200 };

interface World {
  readonly world: TestGate;
  readonly keyring: Keyring;
}

/** A keyring with a key of each algorithm. */
async function withKeys(world: TestGate): Promise<World> {
  await prepareSigningKey(world.gate, system, undefined);
  for (const alg of ["EdDSA", "RS256"] as const) await addSigningKey(world.gate, operator, { alg });
  return { world, keyring: createKeyring(world.gate) };
}

async function sealedJwk({ gate, store }: TestGate, kid: string): Promise<PrivateJwk> {
  const rows = await store.read(async (reader) => await reader.select().from(reader.tables.signingKeys));
  return JSON.parse(gate.sealer.open("signing-key", kid, rows.find((row) => row.kid === kid)?.private_jwk ?? "").toString());
}

function encode(value: unknown): string {
  return Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");
}

function inputOf(header: unknown, payload: unknown = claims): string {
  return `${encode(header)}.${encode(payload)}`;
}

describe("jose", () => {
  test.each([...signingAlgorithms])("verifies what we sign with %s from the published keys", async (alg) => {
    await using fresh = await testGate();
    const { world, keyring } = await withKeys(fresh);
    const token = await signJwt(await keyring.getSigningKey(alg), "JWT", claims);
    const { keys } = await listPublicKeys(world.gate, anonymous, { keyring: createKeyring(world.gate) });
    const { payload, protectedHeader } = await jwtVerify(token, createLocalJWKSet({ keys: [...keys] }), { typ: "JWT", algorithms: [alg], currentDate: new Date(claims.iat * 1_000) });
    expect(payload).toEqual(claims);
    expect(Object.keys(protectedHeader).toSorted()).toEqual(["alg", "kid", "typ"]);
    expect(protectedHeader.alg).toBe(alg);
  });

  test.each([...signingAlgorithms])("signs with our key of %s what we verify", async (alg) => {
    await using fresh = await testGate();
    const { world, keyring } = await withKeys(fresh);
    const { kid } = await keyring.getSigningKey(alg);
    const key = await importJWK({ ...(await sealedJwk(world, kid)) }, alg);
    const token = await new SignJWT(claims).setProtectedHeader({ alg, typ: "at+jwt", kid }).sign(key);
    expect(await verifyJwt(keyring, "at+jwt", token)).toEqual(claims);
  });
});

test("no change of one character and no prefix is accepted, whatever the algorithm", async () => {
  await using fresh = await testGate();
  const { keyring } = await withKeys(fresh);
  for (const alg of signingAlgorithms) {
    const token = await signJwt(await keyring.getSigningKey(alg), "JWT", claims);
    expect(await verifyJwt(keyring, "JWT", token)).toEqual(claims);
    for (let index = 0; index < token.length; index += 1) {
      const other = token.charAt(index) === "A" ? "B" : "A";
      expect([index, await verifyJwt(keyring, "JWT", token.slice(0, index) + other + token.slice(index + 1))]).toEqual([index, undefined]);
      expect(await verifyJwt(keyring, "JWT", token.slice(0, index))).toBeUndefined();
    }
  }
});

test("a token of one purpose is none of another", async () => {
  await using fresh = await testGate();
  const { keyring } = await withKeys(fresh);
  const typs: readonly TokenTyp[] = ["at+jwt", "JWT", "logout+jwt"];
  for (const made of typs) {
    const token = await signJwt(await keyring.getSigningKey(), made, claims);
    for (const asked of typs) expect([made, asked, (await verifyJwt(keyring, asked, token)) !== undefined]).toEqual([made, asked, made === asked]);
  }
});

test("the name of an algorithm in the header never decides: each key with each other name is refused", async () => {
  await using fresh = await testGate();
  const { keyring } = await withKeys(fresh);
  const names = ["ES256", "EdDSA", "RS256", "none", "None", "", "HS256", "HS384", "HS512", "PS256", "RS384", "RS512", "ES384", "ES512", "ES256K", "Ed25519", "Ed448", "RS1", "rs256", "ES256 "];
  for (const alg of signingAlgorithms) {
    const { kid, privateKey } = await keyring.getSigningKey(alg);
    for (const name of names) {
      const input = inputOf({ alg: name, typ: "JWT", kid });
      const hash = alg === "EdDSA" ? null : "sha256";
      const token = `${input}.${sign(hash, Buffer.from(input), { key: privateKey, dsaEncoding: "ieee-p1363" }).toString("base64url")}`;
      expect([alg, name, (await verifyJwt(keyring, "JWT", token)) !== undefined]).toEqual([alg, name, name === alg]);
    }
  }
});

test("a key of one algorithm does not answer for the name of another's key", async () => {
  await using fresh = await testGate();
  const { keyring } = await withKeys(fresh);
  for (const alg of signingAlgorithms) {
    for (const other of signingAlgorithms.filter((name) => name !== alg)) {
      const signing = await keyring.getSigningKey(alg);
      const { kid } = await keyring.getSigningKey(other);
      expect(await verifyJwt(keyring, "JWT", await signJwt({ ...signing, kid }, "JWT", claims))).toBeUndefined();
      const input = inputOf({ alg: other, typ: "JWT", kid });
      const signature = sign(alg === "EdDSA" ? null : "sha256", Buffer.from(input), { key: signing.privateKey, dsaEncoding: "ieee-p1363" });
      expect(await verifyJwt(keyring, "JWT", `${input}.${signature.toString("base64url")}`)).toBeUndefined();
    }
  }
});

test("public keys are no shared secrets, and other paddings, hashes and forms of a signature are refused", async () => {
  await using fresh = await testGate();
  const { world, keyring } = await withKeys(fresh);
  const { keys } = await listPublicKeys(world.gate, anonymous, { keyring: createKeyring(world.gate) });
  const keyOf = async (alg: SigningAlgorithm) => (await keyring.getSigningKey(alg)).privateKey;
  const rsaKid = (await keyring.getSigningKey("RS256")).kid;
  const ecKid = (await keyring.getSigningKey("ES256")).kid;
  const rsa = inputOf({ alg: "RS256", typ: "JWT", kid: rsaKid });
  const ec = inputOf({ alg: "ES256", typ: "JWT", kid: ecKid });
  const joined = (input: string, signature: Uint8Array) => `${input}.${Buffer.from(signature).toString("base64url")}`;
  const bytes = (input: string) => Buffer.from(input);
  const pss = sign("sha256", bytes(rsa), { key: await keyOf("RS256"), padding: constants.RSA_PKCS1_PSS_PADDING });
  const table: Record<string, string> = {
    "RSA with PSS padding": joined(rsa, pss),
    "RSA with SHA-512": joined(rsa, sign("sha512", bytes(rsa), await keyOf("RS256"))),
    "RSA with SHA-1": joined(rsa, sign("sha1", bytes(rsa), await keyOf("RS256"))),
    "an RSA signature of zeros": joined(rsa, new Uint8Array(256)),
    "an RSA signature of one": joined(rsa, new Uint8Array(256).fill(1, 255)),
    "an RSA signature with a zero in front": joined(rsa, Buffer.concat([Buffer.alloc(1), sign("sha256", bytes(rsa), await keyOf("RS256"))])),
    "ECDSA in DER": joined(ec, sign("sha256", bytes(ec), await keyOf("ES256"))),
    "an ECDSA signature of zeros": joined(ec, new Uint8Array(64)),
    "no signature": `${ec}.`,
  };
  for (const { kid, ...jwk } of keys) {
    const pem = createPublicKey({ key: { ...jwk }, format: "jwk" }).export({ format: "pem", type: "spki" }).toString();
    for (const [name, secret] of Object.entries({ pem, jwk: JSON.stringify(jwk), document: JSON.stringify({ kid, ...jwk }) })) {
      for (const alg of ["HS256", jwk.alg]) {
        const input = inputOf({ alg, typ: "JWT", kid });
        table[`${alg} over the ${name} of ${jwk.alg}`] = joined(input, createHmac("sha256", secret).update(input).digest());
      }
    }
  }
  for (const [trick, token] of Object.entries(table)) expect([trick, await verifyJwt(keyring, "JWT", token)]).toEqual([trick, undefined]);
});

test("a header with anything beside alg, typ and kid is refused, so that no token brings its key along", async () => {
  await using fresh = await testGate();
  const { keyring } = await withKeys(fresh);
  const { kid, privateKey } = await keyring.getSigningKey("EdDSA");
  const foreign = generateKeyPairSync("ed25519");
  const jwk = foreign.publicKey.export({ format: "jwk" });
  const ours = (header: unknown) => `${inputOf(header)}.${sign(null, Buffer.from(inputOf(header)), privateKey).toString("base64url")}`;
  const theirs = (header: unknown) => `${inputOf(header)}.${sign(null, Buffer.from(inputOf(header)), foreign.privateKey).toString("base64url")}`;
  const good = { alg: "EdDSA", typ: "JWT", kid };
  expect(await verifyJwt(keyring, "JWT", ours(good))).toEqual(claims);
  const extras = [{ jwk }, { jku: "https://evil.example/jwks.json" }, { x5u: "https://evil.example" }, { x5c: ["AA"] }, { crit: ["exp"] }, { b64: false }, { zip: "DEF" }, { cty: "JWT" }];
  for (const extra of extras) {
    for (const token of [ours({ ...good, ...extra }), theirs({ ...good, ...extra })]) expect([extra, await verifyJwt(keyring, "JWT", token)]).toEqual([extra, undefined]);
  }
  for (const header of [{ ...good, kid: undefined }, { ...good, kid: [kid] }, { ...good, alg: ["EdDSA"] }, { ...good, typ: null }, [good], "JWT", null, `{"alg":"none",${JSON.stringify(good).slice(1)}`]) {
    expect([header, await verifyJwt(keyring, "JWT", ours(header))]).toEqual([header, undefined]);
  }
});

test("a token that would outlive the publication of its key is a bug, not a token", async () => {
  await using fresh = await testGate();
  const { keyring } = await withKeys(fresh);
  const key = await keyring.getSigningKey();
  expect(await signJwt(key, "JWT", { ...claims, exp: claims.iat + key.tokenSeconds })).toStartWith("eyJ");
  await expect(signJwt(key, "JWT", { ...claims, exp: claims.iat + key.tokenSeconds + 1 })).rejects.toThrow("outlives");
});

test("a key of another deployment is unknown, whatever its algorithm", async () => {
  await using fresh = await testGate();
  await using elsewhere = await testGate();
  const { keyring } = await withKeys(fresh);
  const other = await withKeys(elsewhere);
  for (const alg of signingAlgorithms) expect(await verifyJwt(keyring, "JWT", await signJwt(await other.keyring.getSigningKey(alg), "JWT", claims))).toBeUndefined();
});
