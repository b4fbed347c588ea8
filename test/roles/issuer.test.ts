/** The issuer as any OIDC library meets it: discovery, keys, and a token of ours verified by somebody else's code. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createRemoteJWKSet, decodeProtectedHeader, importJWK, type JWTVerifyGetKey, jwtVerify, SignJWT, UnsecuredJWT } from "jose";
import { JWKS_CACHE_SECONDS } from "../../src/oidc/signing-keys.ts";
import { ownerAddress, PASSWORD } from "../support/people.ts";
import { shutStates } from "../support/refusal.ts";
import { bearer, startRoles, type TestRoles } from "../support/roles.ts";

let site: TestRoles;
let token: string;
let keys: JWTVerifyGetKey;

beforeAll(async () => {
  site = await startRoles();
  const { body } = await site.call("/api/v1/auth/login", { json: { email_address: ownerAddress, user_password: PASSWORD } });
  token = String(body["access_token"]);
  const discovery = await site.call("/.well-known/openid-configuration", { role: "issuer" });
  keys = createRemoteJWKSet(new URL(String(discovery.body["jwks_uri"])));
});
afterAll(() => site.close());

const ask = async (path: string, headers: Readonly<Record<string, string>> = {}) => await site.call(path, { role: "issuer", headers });

/** As a relying party would, at the site's time. */
async function verified(text: string) {
  return await jwtVerify(text, keys, { issuer: site.urls.issuer, audience: site.urls.api, typ: "at+jwt", currentDate: new Date(site.world.services.clock.now()) });
}

describe("discovery", () => {
  test("names the issuer as tokens do, and only what is served", async () => {
    const { status, body } = await ask("/.well-known/openid-configuration");
    expect([status, body["issuer"], body["jwks_uri"]]).toEqual([200, site.urls.issuer, `${site.urls.issuer}/.well-known/jwks.json`]);
    for (const member of ["response_types_supported", "subject_types_supported", "id_token_signing_alg_values_supported"]) expect([member, Array.isArray(body[member])]).toEqual([member, true]);
    for (const value of Object.values(body)) {
      const isOurs = typeof value === "string" && value.startsWith(`${site.urls.issuer}/`);
      if (isOurs) expect([value, (await ask(new URL(value).pathname)).status]).not.toEqual([value, 404]);
    }
  });
});

test("OAuth clients find the same document at their own address (RFC 8414)", async () => {
  expect((await ask("/.well-known/oauth-authorization-server")).text).toBe((await ask("/.well-known/openid-configuration")).text);
});

describe.each(["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server", "/.well-known/jwks.json"])("%s", (path) => {
  test("is not sent again to who has it, and the tag changes with it", async () => {
    const { headers, text } = await ask(path);
    const etag = headers.get("etag") ?? "";
    expect(etag).toMatch(/^"[A-Za-z0-9_-]{43}"$/);
    for (const known of [etag, `W/${etag}`, `"x", ${etag}`, "*"]) {
      const again = await ask(path, { "if-none-match": known });
      expect([again.status, again.text, again.headers.get("etag"), again.headers.get("cache-control")]).toEqual([304, "", etag, headers.get("cache-control")]);
    }
    for (const other of ['"x"', etag.slice(1, -1), ""]) expect((await ask(path, { "if-none-match": other })).text).toBe(text);
  });

  test("may be kept for a while and read by any origin", async () => {
    const { headers } = await ask(path, { origin: "https://app.example" });
    expect([headers.get("cache-control"), headers.get("access-control-allow-origin"), headers.get("content-type")]).toEqual([`public, max-age=${JWKS_CACHE_SECONDS}`, "*", "application/json;charset=utf-8"]);
    expect([headers.get("access-control-allow-credentials"), headers.get("set-cookie"), headers.get("x-content-type-options")]).toEqual([null, null, "nosniff"]);
  });

  test("is there in every license state, for whoever asks", async () => {
    for (const state of shutStates) {
      site.license({ state });
      expect([state, (await ask(path, bearer("nonsense"))).status]).toEqual([state, 200]);
    }
    site.license({});
  });

  test("does not answer to other methods", async () => {
    expect((await site.call(path, { role: "issuer", method: "POST" })).headers.get("allow")).toBe("GET");
  });
});

test("the keys are public halves with a name, a use and an algorithm", async () => {
  const { body } = await ask("/.well-known/jwks.json");
  const { keys: published } = body;
  expect(Array.isArray(published) && published.length > 0).toBe(true);
  for (const key of Array.isArray(published) ? published : []) {
    expect(Object.keys(key).toSorted()).toEqual(["alg", "crv", "kid", "kty", "use", "x", "y"]);
    expect(key).toMatchObject({ alg: "ES256", crv: "P-256", kty: "EC", use: "sig" });
  }
});

describe("an access token", () => {
  test("verifies over HTTP with the documented claims (RFC 9068 section 2.2)", async () => {
    const { payload, protectedHeader } = await verified(token);
    expect(protectedHeader).toMatchObject({ alg: "ES256", typ: "at+jwt", kid: expect.any(String) });
    expect(payload).toMatchObject({ sub: site.people.owner.userId, client_id: "cyberun", scope: "api", sid: expect.any(String), jti: expect.any(String) });
    expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(3_600);
  });

  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");

  /** `token` with its claims or header changed, and the signature left as it was. */
  function tampered(change: { readonly header?: object; readonly claims?: object }): string {
    const [header = "", claims = "", signature = ""] = token.split(".");
    const read = (part: string): object => JSON.parse(Buffer.from(part, "base64url").toString());
    return [change.header === undefined ? header : encode({ ...read(header), ...change.header }), change.claims === undefined ? claims : encode({ ...read(claims), ...change.claims }), signature].join(".");
  }

  const forgeries: readonly [string, () => string | Promise<string>][] = [
    ["another person", () => tampered({ claims: { sub: "00000000-0000-7000-8000-00000000000f" } })],
    ["a longer life", () => tampered({ claims: { exp: 4_000_000_000 } })],
    ["another key's name", () => tampered({ header: { kid: "A".repeat(43) } })],
    ["another algorithm", () => tampered({ header: { alg: "HS256" } })],
    ["no algorithm", () => tampered({ header: { alg: "none" } })],
    ["no signature", () => `${token.split(".").slice(0, 2).join(".")}.`],
    ["a signature cut short", () => token.slice(0, -4)],
    ["a signature of zeros", () => `${token.split(".").slice(0, 2).join(".")}.${"A".repeat(86)}`],
    ["an unsecured token", () => new UnsecuredJWT({ sub: "x" }).setIssuer(site.urls.issuer).setAudience(site.urls.api).encode()],
    [
      "a key brought along in the header",
      async () => {
        const pair = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"]);
        const { kty, crv, x, y } = await crypto.subtle.exportKey("jwk", pair.publicKey);
        const { kid } = decodeProtectedHeader(token);
        const claims = { sub: site.people.owner.userId, client_id: "cyberun", scope: "api", sid: "x", jti: "x" };
        const forged = new SignJWT(claims).setIssuer(site.urls.issuer).setAudience(site.urls.api).setIssuedAt(site.world.services.clock.now() / 1_000).setExpirationTime(4_000_000_000);
        return await forged.setProtectedHeader({ alg: "ES256", typ: "at+jwt", ...(kid === undefined ? {} : { kid }), jwk: { kty: kty ?? "", crv: crv ?? "", x: x ?? "", y: y ?? "" } }).sign(pair.privateKey);
      },
    ],
    [
      "the public key as a shared secret",
      async () => {
        const { body } = await ask("/.well-known/jwks.json");
        const secret = await importJWK({ kty: "oct", k: Buffer.from(JSON.stringify(body)).toString("base64url") }, "HS256");
        return await new SignJWT({ sub: site.people.owner.userId }).setProtectedHeader({ alg: "HS256", typ: "at+jwt" }).sign(secret);
      },
    ],
  ];
  test.each(forgeries)("with %s is refused by a library and by our own door", async (_name, forge) => {
    const forged = await forge();
    await expect(verified(forged)).rejects.toThrow();
    const answer = await site.call("/api/v1/users/me", { as: bearer(forged) });
    expect([answer.status, answer.body["error_code"]]).toEqual([401, "unauthenticated"]);
  });

  test("as it was is taken by our own door", async () => {
    expect((await site.call("/api/v1/users/me", { as: bearer(token) })).status).toBe(200);
  });
});
