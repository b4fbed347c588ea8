/** Tokens of a real issuer, verified by the package in a product's own process. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { SignJWT, generateKeyPair } from "jose";
import { createTokenVerifier, TokenRefused } from "../../client/src/tokens.ts";
import { installedClient } from "../support/client-package.ts";
import { issueAccessToken } from "../../src/oidc/access-tokens.ts";
import { signJwt, type TokenTyp } from "../../src/oidc/jwt.ts";
import { signIn } from "../support/people.ts";
import { startRoles, type TestRoles } from "../support/roles.ts";

let site: TestRoles;
let token: string;
beforeAll(async () => {
  site = await startRoles();
  token = await issueAccessToken(site.gate, site.keyring, await signIn(site.gate));
});
afterAll(() => site.close());

/** The test's clock stands elsewhere than the host's, and this is a verifier of the host. */
const tolerant = { clockToleranceSeconds: 10 * 365 * 86_400 };
const verifier = (options: object = {}) => createTokenVerifier({ issuer: site.gate.settings.issuerUrl, audience: site.gate.settings.publicUrl, ...tolerant, ...options });
const why = async (asked: Promise<unknown>): Promise<unknown> => await asked.then(() => undefined, (error: unknown) => (error instanceof TokenRefused ? [error.status, error.code] : error));

/** A token of the issuer's own key with these claims changed. */
async function forged(changes: object, typ: TokenTyp = "at+jwt"): Promise<string> {
  const [, payload = ""] = token.split(".");
  const claims: object = JSON.parse(Buffer.from(payload, "base64url").toString());
  return `Bearer ${await signJwt(await site.keyring.getSigningKey(), typ, { ...claims, ...changes })}`;
}

test("a token of the issuer for this resource is taken, with whom it speaks for", async () => {
  const { subject, clientId, scopes, claims } = await verifier().verify(`Bearer ${token}`);
  expect([subject, clientId, typeof claims["sid"], scopes.size > 0]).toEqual([site.people.owner.userId, "cyberun", "string", true]);
  expect(await why(verifier().verify(`bearer  ${token}`))).toBeUndefined();
});

describe("refused is", () => {
  test("what is no bearer token", async () => {
    for (const header of [null, undefined, "", token, "Basic YTpi", "Bearer ", "Bearer a.b", `Bearer ${token}x y`]) expect(await why(verifier().verify(header))).toEqual([401, "invalid_token"]);
  });

  test("a token for another resource, of another issuer, of another kind, without a claim, bound to a key, or altered", async () => {
    expect(await why(verifier({ audience: "https://other.example" }).verify(`Bearer ${token}`))).toEqual([401, "invalid_token"]);
    for (const changes of [{ iss: "https://other.example" }, { aud: ["https://other.example"] }, { cnf: { jkt: "x" } }, { client_id: 1 }, { scope: undefined }, { sub: undefined }, { jti: undefined }]) expect(await why(verifier().verify(await forged(changes)))).toEqual([401, "invalid_token"]);
    for (const typ of ["JWT", "logout+jwt"] satisfies TokenTyp[]) expect(await why(verifier().verify(await forged({}, typ)))).toEqual([401, "invalid_token"]);
    expect(await why(verifier({ clockToleranceSeconds: 0 }).verify(await forged({ exp: 1 })))).toEqual([401, "invalid_token"]);
    const [head, payload, signature = ""] = token.split(".");
    expect(await why(verifier().verify(`Bearer ${head}.${payload}.${signature.slice(0, -4)}AAAA`))).toEqual([401, "invalid_token"]);
    const none = `${Buffer.from('{"alg":"none","typ":"at+jwt"}').toString("base64url")}.${payload}.AA`;
    expect(await why(verifier().verify(`Bearer ${none}`))).toEqual([401, "invalid_token"]);
    const { privateKey } = await generateKeyPair("ES256");
    const strange = await new SignJWT({ client_id: "cyberun", scope: "openid", jti: "1" }).setProtectedHeader({ alg: "ES256", typ: "at+jwt", kid: "stranger" }).setIssuer(site.gate.settings.issuerUrl).setAudience(site.gate.settings.publicUrl).setSubject("x").setIssuedAt().setExpirationTime("1h").sign(privateKey);
    expect(await why(verifier().verify(`Bearer ${strange}`))).toEqual([401, "invalid_token"]);
  });

  test("a token that lacks a scope, with the scopes that it needs", async () => {
    const refused: unknown = await verifier().verify(`Bearer ${token}`, ["reports"]).catch((error: unknown) => error);
    expect(refused).toMatchObject({ status: 403, code: "insufficient_scope", challenge: expect.stringContaining('scope="reports"') });
  });
});

test("an issuer that cannot be reached, or is another one, is no verdict about the token", async () => {
  expect(await why(verifier({ issuer: "http://127.0.0.1:1" }).verify(`Bearer ${token}`))).toBeInstanceOf(Error);
  expect(await why(verifier({ issuer: `${site.gate.settings.issuerUrl}/` }).verify(`Bearer ${token}`))).toBeInstanceOf(Error);
});

test("the example is an API that takes tokens, in Node", async () => {
  using installed = await installedClient();
  await using example = installed.run("node", "verify-token", { env: { ISSUER: site.gate.settings.issuerUrl, AUDIENCE: site.gate.settings.publicUrl } });
  const { address }: { readonly address?: unknown } = await example.next();
  const { port } = Object(address);
  const refused = await fetch(`http://127.0.0.1:${port}/`);
  expect([refused.status, refused.headers.get("www-authenticate")]).toEqual([401, expect.stringContaining('error="invalid_token"')]);
});
