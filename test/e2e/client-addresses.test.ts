/** The compiled issuer and the addresses of a client on a private site: keys by TLS with the site's own authority, and the news that a sign-in ended. */
import { expect } from "bun:test";
import { readFileSync } from "node:fs";
import { createRemoteJWKSet, jwtVerify } from "jose";
import { testAuthority } from "../support/certificates.ts";
import { createClientKey, signAssertion } from "../support/client-assertion.ts";
import { CHALLENGE, REDIRECT, VERIFIER } from "../support/code-flow.ts";
import { eventually } from "../support/eventually.ts";
import { temporaryFolder } from "../support/folder.ts";
import { openIssuerSite, signInAt } from "../support/issuer-site.ts";
import { testNeeding } from "../support/skip.ts";

testNeeding("openssl", "are reached where the operator allows them, and nowhere else", async () => {
  using folder = temporaryFolder();
  const authority = testAuthority(folder.path);
  const { certFile, keyFile } = authority.sign("localhost");
  const key = createClientKey();
  const asked: string[] = [];
  const logouts: string[] = [];
  await using clientSite = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    development: false,
    tls: { cert: readFileSync(certFile, "utf8"), key: readFileSync(keyFile, "utf8") },
    async fetch(request) {
      const { pathname } = new URL(request.url);
      asked.push(pathname);
      if (request.method === "POST") logouts.push(new URLSearchParams(await request.text()).get("logout_token") ?? "");
      return pathname === "/jwks" ? Response.json({ keys: [key.publicJwk] }) : new Response();
    },
  });
  const base = (host: string) => `https://${host}:${clientSite.port}`;
  await using party = await openIssuerSite({ flags: ["--dial-allow", "localhost", "--extra-ca-file", authority.file] });
  const { issuer } = party;
  const register = async (host: string) =>
    await party.register({ client_name: "Shop", redirect_uris: [REDIRECT], token_endpoint_auth_method: "private_key_jwt", jwks_uri: `${base(host)}/jwks`, backchannel_logout_uri: `${base(host)}/logout`, scope: "openid" });
  const [client, other] = [await register("localhost"), await register("127.0.0.1")];
  const browser = party.browser();
  const codeFor = async (id: string) => {
    const query = new URLSearchParams({ client_id: id, redirect_uri: REDIRECT, response_type: "code", scope: "openid", code_challenge: CHALLENGE, code_challenge_method: "S256" });
    return (await signInAt(browser, `${issuer}/oauth/authorize?${query.toString()}`)).searchParams.get("code") ?? "";
  };
  const redeem = async (id: string) => {
    const client_assertion = signAssertion(key, { clientId: id, audience: issuer, now: Math.floor(Date.now() / 1_000), claims: { jti: crypto.randomUUID() } });
    const form = { grant_type: "authorization_code", code: await codeFor(id), redirect_uri: REDIRECT, code_verifier: VERIFIER, client_assertion, client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" };
    return await fetch(`${issuer}/oauth/token`, { method: "POST", body: new URLSearchParams(form) });
  };
  const tokens = await redeem(client.id);
  const body: unknown = await tokens.json();
  expect([tokens.status, asked]).toEqual([200, ["/jwks"]]);
  // The same server by its address, which is not on the list.
  expect([(await redeem(other.id)).status, asked]).toEqual([401, ["/jwks"]]);

  await browser.open(`${issuer}/oauth/logout`);
  await browser.submit("sign-out", { answer: "yes" });
  await eventually(() => logouts.length > 0, "the client is told that the sign-in ended");
  const { payload, protectedHeader } = await jwtVerify(logouts[0] ?? "", createRemoteJWKSet(new URL(`${issuer}/.well-known/jwks.json`)), { issuer, audience: client.id });
  const id = typeof body === "object" && body !== null && "id_token" in body ? String(body.id_token) : "";
  const { payload: idClaims } = await jwtVerify(id, createRemoteJWKSet(new URL(`${issuer}/.well-known/jwks.json`)), { issuer, audience: client.id });
  expect([protectedHeader.typ, payload.sub, payload["sid"]]).toEqual(["logout+jwt", idClaims.sub, idClaims["sid"]]);
  expect(asked).toEqual(["/jwks", "/logout"]);
});
