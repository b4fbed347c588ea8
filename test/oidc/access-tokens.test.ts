import { expect, test } from "bun:test";
import { createHmac, generateKeyPairSync, sign } from "node:crypto";
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from "jose";
import { eq } from "drizzle-orm";
import { findUserBySession } from "../../src/identity/authentication.ts";
import { endSession } from "../../src/identity/sessions.ts";
import { findAccessTokenClaims, findUserByAccessToken, issueAccessToken } from "../../src/oidc/access-tokens.ts";
import { isTokenForm } from "../../src/oidc/jwt.ts";
import { createKeyring, type Keyring } from "../../src/oidc/keyring.ts";
import { listPublicKeys } from "../../src/oidc/public-keys.ts";
import { createSetupLink } from "../../src/identity/setup-links.ts";
import { operator } from "../../src/gate/caller.ts";
import { type TestGate, testGate } from "../support/gate.ts";
import { anonymous, setUp, signIn } from "../support/people.ts";
import { codeOf } from "../support/refusal.ts";

const subject = { userId: "0190a0b0-0000-7000-8000-000000000001", sessionId: "0190a0b0-0000-7000-8000-000000000002" };
const nowhere = { teamId: undefined, address: undefined };

interface World {
  readonly world: TestGate;
  readonly keyring: Keyring;
  readonly token: string;
}

async function withToken(world: TestGate): Promise<World> {
  await setUp(world.gate);
  const keyring = createKeyring(world.gate);
  return { world, keyring, token: await issueAccessToken(world.gate, keyring, subject) };
}

function encode(value: unknown): string {
  return Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");
}

/** The parts of a token as values. */
function parts(token: string): { readonly header: Record<string, unknown>; readonly claims: Record<string, unknown>; readonly signature: string } {
  const [header = "", claims = "", signature = ""] = token.split(".");
  return { header: JSON.parse(Buffer.from(header, "base64url").toString()), claims: JSON.parse(Buffer.from(claims, "base64url").toString()), signature };
}

/** A token with our own, right signature over whatever the test wants said. */
async function signed(keyring: Keyring, header: unknown, claims: unknown): Promise<string> {
  const { privateKey } = await keyring.getSigningKey();
  const input = `${encode(header)}.${encode(claims)}`;
  return `${input}.${sign("sha256", Buffer.from(input), { key: privateKey, dsaEncoding: "ieee-p1363" }).toString("base64url")}`;
}

test("jose verifies the token from the published keys, with every claim of RFC 9068", async () => {
  await using world = await testGate({ settings: { issuerUrl: "https://id.example.com", publicUrl: "https://api.example.com" } });
  const { token } = await withToken(world);
  const { keys } = await listPublicKeys(world.gate, anonymous, { keyring: createKeyring(world.gate) });
  const { payload, protectedHeader } = await jwtVerify(token, createLocalJWKSet({ keys: [...keys] }), {
    issuer: "https://id.example.com",
    audience: "https://api.example.com",
    typ: "at+jwt",
    algorithms: ["ES256"],
    currentDate: new Date(world.services.clock.now()),
    requiredClaims: ["iss", "sub", "aud", "exp", "iat", "jti", "client_id", "sid", "scope"],
  });
  expect(protectedHeader).toEqual({ alg: "ES256", typ: "at+jwt", kid: keys[0]?.kid ?? "" });
  expect(payload).toMatchObject({ sub: subject.userId, sid: subject.sessionId, client_id: "cyberun" });
  expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(3_600);
});

test("two tokens of one moment differ", async () => {
  await using world = await testGate();
  const { keyring, token } = await withToken(world);
  const again = await issueAccessToken(world.gate, keyring, subject);
  expect(parts(again).claims["jti"]).not.toBe(parts(token).claims["jti"]);
});

test("a token is good from its issue to the second before its end", async () => {
  await using world = await testGate();
  const { keyring, token } = await withToken(world);
  expect(await findAccessTokenClaims(world.gate, keyring, token)).toMatchObject({ sub: subject.userId, sid: subject.sessionId });
  world.services.clock.advance(3_600_000 - 1);
  expect(await findAccessTokenClaims(world.gate, keyring, token)).toBeDefined();
  world.services.clock.advance(1);
  expect(await findAccessTokenClaims(world.gate, keyring, token)).toBeUndefined();
});

test("no prefix of a token and no change of one character is accepted", async () => {
  await using world = await testGate();
  const { keyring, token } = await withToken(world);
  for (let index = 0; index < token.length; index += 1) {
    const other = token.charAt(index) === "A" ? "B" : "A";
    expect(await findAccessTokenClaims(world.gate, keyring, token.slice(0, index) + other + token.slice(index + 1))).toBeUndefined();
    expect(await findAccessTokenClaims(world.gate, keyring, token.slice(0, index))).toBeUndefined();
  }
});

test("tricks with the algorithm are refused", async () => {
  await using world = await testGate();
  const { keyring, token } = await withToken(world);
  const { header, claims, signature } = parts(token);
  const { keys } = await listPublicKeys(world.gate, anonymous, { keyring: createKeyring(world.gate) });
  const hmac = (alg: string, secret: string, hash: string) => {
    const input = `${encode({ ...header, alg })}.${encode(claims)}`;
    return `${input}.${createHmac(hash, secret).update(input).digest("base64url")}`;
  };
  const foreign = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const foreignJwk = foreign.publicKey.export({ format: "jwk" });
  const byForeign = (extra: object) => {
    const input = `${encode({ ...header, ...extra })}.${encode(claims)}`;
    return `${input}.${sign("sha256", Buffer.from(input), { key: foreign.privateKey, dsaEncoding: "ieee-p1363" }).toString("base64url")}`;
  };
  const der = (await keyring.getSigningKey()).privateKey;
  const input = token.slice(0, token.lastIndexOf("."));
  const table: Record<string, string> = {
    "alg none with the signature left": `${encode({ ...header, alg: "none" })}.${encode(claims)}.${signature}`,
    "alg none without a signature": `${encode({ ...header, alg: "none" })}.${encode(claims)}.`,
    "alg NoNe": `${encode({ ...header, alg: "NoNe" })}.${encode(claims)}.AA`,
    "HS256 with the public key as secret": hmac("HS256", JSON.stringify(keys[0]), "sha256"),
    "HS256 with the PEM as secret": hmac("HS256", foreign.publicKey.export({ format: "pem", type: "spki" }).toString(), "sha256"),
    "HS512 with the public key as secret": hmac("HS512", JSON.stringify(keys[0]), "sha512"),
    "our signature under the name EdDSA": await signed(keyring, { ...header, alg: "EdDSA" }, claims),
    "our signature under the name ES384": await signed(keyring, { ...header, alg: "ES384" }, claims),
    "a foreign key under our kid": byForeign({}),
    "a foreign key brought along": byForeign({ jwk: foreignJwk }),
    "a foreign key behind an address": byForeign({ jku: "https://evil.example/jwks.json" }),
    "a foreign certificate": byForeign({ x5u: "https://evil.example/cert" }),
    "our signature with a member that must be understood": await signed(keyring, { ...header, crit: ["exp"] }, claims),
    "our signature with an unencoded payload": await signed(keyring, { ...header, b64: false, crit: ["b64"] }, claims),
    "our signature in DER": `${input}.${sign("sha256", Buffer.from(input), der).toString("base64url")}`,
    "a signature of zeros": `${input}.${Buffer.alloc(64).toString("base64url")}`,
    "no signature": `${input}.`,
    "no kid": await signed(keyring, { alg: "ES256", typ: "at+jwt" }, claims),
    "an unknown kid": await signed(keyring, { ...header, kid: "A".repeat(43) }, claims),
    "a kid that is a path": await signed(keyring, { ...header, kid: "../../etc/passwd" }, claims),
    "a kid that is a list": await signed(keyring, { ...header, kid: [header["kid"]] }, claims),
  };
  for (const [trick, text] of Object.entries(table)) {
    expect([trick, await findAccessTokenClaims(world.gate, keyring, text)]).toEqual([trick, undefined]);
  }
});

test("signed by our key, but of another type: refused", async () => {
  await using world = await testGate();
  const { keyring, token } = await withToken(world);
  const { header, claims } = parts(token);
  for (const typ of ["JWT", "logout+jwt", "cyberun-license+jws", "AT+JWT", "application/at+jwt", "", undefined, null, ["at+jwt"]]) {
    expect([typ, await findAccessTokenClaims(world.gate, keyring, await signed(keyring, { ...header, typ }, claims))]).toEqual([typ, undefined]);
  }
});

const wrongClaims = [
  ["another issuer", { iss: "http://evil.example" }],
  ["an issuer with a slash more", { iss: "http://localhost:9403/" }],
  ["another audience", { aud: "http://localhost:9403" }],
  ["a list of audiences", { aud: ["http://localhost:9401"] }],
  ["expired", { exp: 1 }],
  ["no end", { exp: undefined }],
  ["an end that is text", { exp: "9999999999" }],
  ["an end that is a fraction", { exp: 9999999999.5 }],
  ["an end that is null", { exp: null }],
  ["no time of issue", { iat: undefined }],
  ["issued in the future", { iat: Date.UTC(2026, 0, 1) / 1_000 + 61 }],
  ["no issuer", { iss: undefined }],
  ["no audience", { aud: undefined }],
  ["no subject", { sub: undefined }],
  ["an empty subject", { sub: "" }],
  ["no session", { sid: undefined }],
  ["no client", { client_id: undefined }],
  ["no id", { jti: undefined }],
  ["a subject that is an object", { sub: { $ne: "" } }],
] as const;

test("signed by our key, but with a claim that is wrong or missing: refused", async () => {
  await using world = await testGate();
  const { keyring, token } = await withToken(world);
  const { header, claims } = parts(token);
  expect(await findAccessTokenClaims(world.gate, keyring, await signed(keyring, header, claims))).toBeDefined();
  for (const [what, changes] of wrongClaims) {
    const found = await findAccessTokenClaims(world.gate, keyring, await signed(keyring, header, { ...claims, ...changes }));
    expect([what, found]).toEqual([what, undefined]);
  }
});

test("signed by our key, but not one strict JSON object: refused", async () => {
  await using world = await testGate();
  const { keyring, token } = await withToken(world);
  const { header, claims } = parts(token);
  const text = JSON.stringify(claims);
  for (const payload of [`${text} `.repeat(2), text.replace("{", '{"sub":"eve",'), `[${text}]`, "null", "", text.slice(1), `\uFEFF${text}`]) {
    expect(await findAccessTokenClaims(world.gate, keyring, await signed(keyring, header, payload))).toBeUndefined();
  }
});

test("what has not the form of a token is refused before any key is looked for", async () => {
  await using world = await testGate();
  const { token } = await withToken(world);
  const ask = () => Promise.reject(new Error("asked"));
  const asked: Keyring = { getSigningKey: ask, findVerifyKey: ask, listPublicKeys: ask };
  const texts = ["", "eyJ", "a.b.c", "eyJ..", `${token}.`, `${token}.AA`, `${token}=`, ` ${token}`, token.replace(".", ".."), `eyJ${"A".repeat(5_000)}.e30.AA`];
  for (const text of texts) {
    expect(isTokenForm(text)).toBe(false);
    expect(await findAccessTokenClaims(world.gate, asked, text)).toBeUndefined();
  }
  expect(isTokenForm(token)).toBe(true);
});

test("a token of another deployment with the same names is refused", async () => {
  await using world = await testGate();
  await using other = await testGate();
  const { keyring } = await withToken(world);
  const { token } = await withToken(other);
  expect(await findAccessTokenClaims(world.gate, keyring, token)).toBeUndefined();
});

test("the person behind a token is read anew for each request: disabled and signed out bite at once", async () => {
  for (const end of ["disabled", "signed out"] as const) {
    await using world = await testGate();
    const { owner } = await setUp(world.gate);
    const keyring = createKeyring(world.gate);
    const session = await signIn(world.gate);
    const token = await issueAccessToken(world.gate, keyring, session);
    const facts = { teamId: owner.teamId, address: "192.0.2.1" };
    const caller = await findUserByAccessToken(world.gate, keyring, { token, ...facts });
    expect(caller).toEqual({ kind: "user", userId: owner.userId, sessionId: session.sessionId, isAdministrator: true, ...facts });
    if (caller === undefined) throw new Error("the session is live");
    if (end === "signed out") await endSession(world.gate, caller, undefined);
    else {
      await world.store.write(async (writer) => {
        const { users } = writer.tables;
        await writer.update(users).set({ disabled_at: 1 }).where(eq(users.id, owner.userId));
      });
    }
    expect(await findUserByAccessToken(world.gate, keyring, { token, ...facts })).toBeUndefined();
    expect(await findUserBySession(world.gate, session, nowhere)).toBeUndefined();
  }
});

test("a token whose session is another person's is nobody's", async () => {
  await using world = await testGate();
  await setUp(world.gate);
  const keyring = createKeyring(world.gate);
  const session = await signIn(world.gate);
  const token = await issueAccessToken(world.gate, keyring, { ...session, userId: subject.userId });
  expect(await findUserByAccessToken(world.gate, keyring, { token, ...nowhere })).toBeUndefined();
});

test("without a signing key no token is issued", async () => {
  await using world = await testGate();
  await createSetupLink(world.gate, operator, undefined);
  expect(await codeOf(issueAccessToken(world.gate, createKeyring(world.gate), subject))).toBe("unavailable");
});

test("the header is decoded by jose as we wrote it", async () => {
  await using world = await testGate();
  const { token } = await withToken(world);
  expect(Object.keys(decodeProtectedHeader(token)).toSorted()).toEqual(["alg", "kid", "typ"]);
});
