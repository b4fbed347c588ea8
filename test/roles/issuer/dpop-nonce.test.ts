/** Nonces in DPoP proofs (RFC 9449 section 8), for clients that have to name one. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { endpoints } from "../../../src/oidc/endpoints.ts";
import { createClientKey, signProof } from "../../support/client-assertion.ts";
import { CHALLENGE, REDIRECT, startFlow } from "../../support/code-flow.ts";
import { basic, outcome, post } from "../../support/oauth.ts";
import { addService, type TestClient } from "../../support/oidc-client.ts";
import { startRoles, type TestRoles } from "../../support/roles.ts";

let site: TestRoles;
let strict: TestClient;
let plain: TestClient;
const key = createClientKey();
beforeAll(async () => {
  site = await startRoles();
  strict = await addService(site.gate, { require_dpop_nonce: true, dpop_bound_access_tokens: true });
  plain = await addService(site.gate);
});
afterAll(() => site.close());

const now = () => Math.floor(site.gate.services.clock.now() / 1_000);
const advance = (seconds: number) => site.world.services.clock.advance(seconds * 1_000);
async function ask(client: TestClient, claims: Readonly<Record<string, unknown>> = {}) {
  const dpop = signProof(key, { url: `${site.urls.issuer}${endpoints.token}`, now: now(), claims });
  return await post(site, "token", { form: { grant_type: "client_credentials" }, headers: { ...basic(client), dpop } });
}
const nonceOf = async () => (await ask(strict)).headers.get("dpop-nonce") ?? "";
const wanted = [400, "use_dpop_nonce"];

test("the first proof is refused with a nonce, and one that names it is taken", async () => {
  const first = await ask(strict);
  expect([...outcome(first), first.headers.get("cache-control")]).toEqual([...wanted, "no-store"]);
  const nonce = first.headers.get("dpop-nonce") ?? "";
  expect(nonce).toMatch(/^[A-Za-z0-9_-]{43}$/);
  const second = await ask(strict, { nonce });
  expect([second.status, second.body["token_type"]]).toEqual([200, "DPoP"]);
});

test("a nonce serves many proofs for some minutes, and not longer", async () => {
  advance(120 - (now() % 120));
  const nonce = await nonceOf();
  for (const seconds of [0, 119, 120]) {
    advance(seconds);
    expect([seconds, (await ask(strict, { nonce })).status]).toEqual([seconds, 200]);
  }
  advance(1);
  expect(outcome(await ask(strict, { nonce }))).toEqual(wanted);
  expect(await nonceOf()).not.toBe(nonce);
});

describe("refused is a nonce", () => {
  test.each<[string, unknown]>([["that is empty", ""], ["of others", "a".repeat(43)], ["that is no text", 7], ["that is a list", ["x"]], ["without end", "x".repeat(3_000)]])("%s", async (_name, nonce) => {
    const answer = await ask(strict, { nonce });
    expect([answer.status, ["use_dpop_nonce", "invalid_dpop_proof"].includes(String(answer.body["error"]))]).toEqual([400, true]);
  });

  test("cut short, with more, or with a letter changed", async () => {
    const nonce = await nonceOf();
    for (const other of [nonce.slice(0, -1), `${nonce}A`, `${nonce.startsWith("A") ? "B" : "A"}${nonce.slice(1)}`]) expect(outcome(await ask(strict, { nonce: other }))).toEqual(wanted);
  });
});

test("a proof is good once, with a nonce too", async () => {
  const nonce = await nonceOf();
  expect([(await ask(strict, { nonce, jti: "once" })).status, ...outcome(await ask(strict, { nonce, jti: "once" }))]).toEqual([200, 400, "invalid_dpop_proof"]);
});

test("a client that need not name one may name anything, and is told of none", async () => {
  for (const claims of [{}, { nonce: "whatever" }]) {
    const answer = await ask(plain, claims);
    expect([answer.status, answer.headers.get("dpop-nonce")]).toEqual([200, null]);
  }
});

test("pushed requests ask for it too, and a stranger is told of none", async () => {
  const { client } = await startFlow(site, { metadata: { require_dpop_nonce: true } });
  const form = { redirect_uri: REDIRECT, response_type: "code", scope: "openid", code_challenge: CHALLENGE, code_challenge_method: "S256" };
  const push = async (claims: object, as = client) => {
    const dpop = signProof(key, { url: `${site.urls.issuer}${endpoints.pushed_authorization_request}`, now: now(), claims: { ...claims } });
    return await post(site, "pushed_authorization_request", { form, headers: { ...basic(as), dpop } });
  };
  const first = await push({});
  expect(outcome(first)).toEqual(wanted);
  expect((await push({ nonce: first.headers.get("dpop-nonce") ?? "" })).status).toBe(201);
  const stranger = await push({}, { id: client.id, secret: "wrong" });
  expect([stranger.status, stranger.headers.get("dpop-nonce")]).toEqual([401, null]);
});
