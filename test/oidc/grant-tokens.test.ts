/** Access tokens of clients: what is read back is what was signed, by us, as an access token, and not over. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { findAccessTokenClaims } from "../../src/oidc/access-tokens.ts";
import { audiencesOf, findGrantTokenClaims, type GrantTokenContent, signGrantToken } from "../../src/oidc/grant-tokens.ts";
import { signJwt } from "../../src/oidc/jwt.ts";
import { createKeyring, type Keyring } from "../../src/oidc/keyring.ts";
import { type TestGate, testGate } from "../support/gate.ts";
import { setUp } from "../support/people.ts";

let world: TestGate;
let keyring: Keyring;
beforeAll(async () => {
  world = await testGate();
  await setUp(world.gate);
  keyring = createKeyring(world.gate);
});
afterAll(() => world.close());

const content: GrantTokenContent = { client_id: "c", sub: "s", scope: "read", audience: ["https://a.example"], jkt: undefined };
const sign = async (changes: Partial<GrantTokenContent> = {}) => (await signGrantToken(world.gate, keyring, { ...content, ...changes })).access_token;
const find = async (token: string) => await findGrantTokenClaims(world.gate, keyring, token);

test("a token says what was granted", async () => {
  expect(await find(await sign({ jkt: "k", grant_id: "g", sid: "x" }))).toMatchObject({ client_id: "c", sub: "s", scope: "read", aud: "https://a.example", cnf: { jkt: "k" }, grant_id: "g", sid: "x" });
});

test("one audience is plain, several are a list", async () => {
  const audiences = ["https://a.example", "https://b.example"];
  const claims = await find(await sign({ audience: audiences }));
  expect(claims === undefined ? [] : audiencesOf(claims)).toEqual(audiences);
  expect(audiencesOf({ aud: "a" })).toEqual(["a"]);
});

test("every prefix and every changed character of a token is refused (CVE-2026-27840)", async () => {
  const token = await sign();
  for (let length = 0; length < token.length; length += 7) expect(await find(token.slice(0, length))).toBeUndefined();
  for (let at = 0; at < token.length; at += 5) {
    const other = token[at] === "A" ? "B" : "A";
    expect([at, await find(token.slice(0, at) + other + token.slice(at + 1))]).toEqual([at, undefined]);
  }
});

test("a token of another purpose, another issuer, or over is refused", async () => {
  const key = await keyring.getSigningKey();
  const now = Math.floor(world.services.clock.now() / 1_000);
  const claims = { iss: world.gate.settings.issuerUrl, sub: "s", aud: "a", client_id: "c", scope: "", jti: "j", iat: now, exp: now + 60 };
  expect(await find(await signJwt(key, "at+jwt", claims))).toBeDefined();
  expect(await find(await signJwt(key, "JWT", claims))).toBeUndefined();
  expect(await find(await signJwt(key, "logout+jwt", claims))).toBeUndefined();
  for (const change of [{ iss: "x" }, { exp: now }, { iat: now + 61 }, { aud: [] }, { aud: undefined }, { client_id: undefined }, { cnf: {} }, { cnf: { jkt: 1 } }, { scope: undefined }, { jti: undefined }]) {
    expect([change, await find(await signJwt(key, "at+jwt", { ...claims, ...change }))]).toEqual([change, undefined]);
  }
});

test("a client's token is none for the platform's own API, and a bearer is nobody to a bound one", async () => {
  const key = await keyring.getSigningKey();
  const { issuerUrl, publicUrl } = world.gate.settings;
  const now = Math.floor(world.services.clock.now() / 1_000);
  const own = { iss: issuerUrl, sub: "s", aud: publicUrl, client_id: "c", sid: "x", scope: "api", jti: "j", iat: now, exp: now + 60 };
  const findOwn = async (change: object) => await findAccessTokenClaims(world.gate, keyring, await signJwt(key, "at+jwt", { ...own, ...change }));
  expect(await findOwn({})).toMatchObject({ sub: "s" });
  for (const change of [{ scope: "openid" }, { scope: "apis" }, { scope: "" }, { cnf: { jkt: "k" } }, { aud: issuerUrl }, { aud: [publicUrl] }, { sid: undefined }]) {
    expect([change, await findOwn(change)]).toEqual([change, undefined]);
  }
});
