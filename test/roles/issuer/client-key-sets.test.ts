/** Clients that publish their keys (`jwks_uri`): rotation, caching, and a host that cannot be made to fetch at will. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { operator } from "../../../src/gate/caller.ts";
import { presets } from "../../../src/lifetimes.ts";
import { updateClient } from "../../../src/oidc/clients/client-operations.ts";
import { createClientKeySets, KEY_SET_KEPT_MS, KEY_SET_RETRY_MS, KEY_SETS_MAX } from "../../../src/oidc/clients/client-key-sets.ts";
import { type ClientKey, createClientKey, signAssertion } from "../../support/client-assertion.ts";
import { outcome, post } from "../../support/oauth.ts";
import { addService, type TestClient } from "../../support/oidc-client.ts";
import { publish, type Published } from "../../support/published.ts";
import { type Answer, startRoles, type TestRoles } from "../../support/roles.ts";
import { testServices } from "../../support/services.ts";

let site: TestRoles;
let published: Published;
beforeAll(async () => {
  site = await startRoles();
});
afterAll(() => site.close());
beforeEach(() => {
  published = publish(site.world.services);
});

const ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const KEY_SET_FRESH_MS = presets.onprem.clientKeysSeconds * 1_000;
const refused = [401, "invalid_client"];
const keyOf = (kid: string) => createClientKey("ES256", { kid });
let made = 0;
/** A client of its own for each test, and the address of its keys. */
async function keyed(...keys: readonly ClientKey[]) {
  made += 1;
  const uri = `https://c${made}.example/jwks`;
  if (keys.length > 0) published.documents.set(uri, { keys: keys.map(({ publicJwk }) => publicJwk) });
  return { uri, client: await addService(site.gate, { token_endpoint_auth_method: "private_key_jwt", jwks_uri: uri }) };
}
async function ask(client: TestClient, key: ClientKey, wish: Partial<Parameters<typeof signAssertion>[1]> = {}): Promise<Answer> {
  const now = Math.floor(site.gate.services.clock.now() / 1_000);
  const header = { kid: key.publicJwk["kid"] };
  const client_assertion = signAssertion(key, { clientId: client.id, audience: site.urls.issuer, now, header, ...wish });
  return await post(site, "token", { form: { grant_type: "client_credentials", client_assertion_type: ASSERTION_TYPE, client_assertion } });
}
const advance = (ms: number) => site.world.services.clock.advance(ms);

test("a key that is published authenticates the client, and is fetched once for many requests", async () => {
  const key = keyOf("a");
  const { uri, client } = await keyed(keyOf("other"), key);
  for (let each = 0; each < 5; each += 1) expect((await ask(client, key)).status).toBe(200);
  expect((await ask(client, key, { header: {} })).status).toBe(200);
  expect(published.asked).toEqual([uri]);
});

test("ten requests at once share one fetch", async () => {
  const key = keyOf("a");
  const { uri, client } = await keyed(key);
  const answers = await Promise.all(Array.from({ length: 10 }, async () => (await ask(client, key)).status));
  expect([answers, published.asked]).toEqual([Array(10).fill(200), [uri]]);
});

test("a new key is found with its first assertion, and one that was taken away is refused", async () => {
  const [old, next] = [keyOf("old"), keyOf("next")];
  const { uri, client } = await keyed(old);
  expect((await ask(client, old)).status).toBe(200);
  published.documents.set(uri, { keys: [next.publicJwk] });
  advance(KEY_SET_RETRY_MS);
  expect((await ask(client, next)).status).toBe(200);
  expect(outcome(await ask(client, old))).toEqual(refused);
  expect(published.asked.length).toBe(2);
});

test("a key that was taken away is refused as soon as the set is old, without anybody naming a new one", async () => {
  const key = keyOf("a");
  const { uri, client } = await keyed(key);
  expect((await ask(client, key)).status).toBe(200);
  published.documents.set(uri, { keys: [keyOf("b").publicJwk] });
  advance(KEY_SET_FRESH_MS - 1);
  expect((await ask(client, key)).status).toBe(200);
  advance(1);
  expect(outcome(await ask(client, key))).toEqual(refused);
});

test("assertions with unknown keys make no more than one fetch a minute", async () => {
  const key = keyOf("a");
  const { client } = await keyed(key);
  expect((await ask(client, key)).status).toBe(200);
  for (let each = 0; each < 20; each += 1) expect(outcome(await ask(client, keyOf(`x${each}`)))).toEqual(refused);
  expect(published.asked.length).toBe(1);
  advance(KEY_SET_RETRY_MS);
  for (let each = 0; each < 20; each += 1) expect(outcome(await ask(client, keyOf(`y${each}`)))).toEqual(refused);
  expect(published.asked.length).toBe(2);
  expect((await ask(client, key)).status).toBe(200);
});

test("an address that fails is not asked again for a minute; what was held serves for another hour and no longer", async () => {
  const key = keyOf("a");
  const { uri, client } = await keyed();
  for (let each = 0; each < 3; each += 1) expect(outcome(await ask(client, key))).toEqual(refused);
  expect(published.asked.length).toBe(1);
  published.documents.set(uri, { keys: [key.publicJwk] });
  expect(outcome(await ask(client, key))).toEqual(refused);
  advance(KEY_SET_RETRY_MS);
  expect((await ask(client, key)).status).toBe(200);
  published.documents.set(uri, 503);
  advance(KEY_SET_FRESH_MS + KEY_SET_KEPT_MS - 1);
  expect((await ask(client, key)).status).toBe(200);
  advance(1);
  expect(outcome(await ask(client, key))).toEqual(refused);
  expect(site.logged.filter((line) => line.includes("client_keys.failed")).join("")).toContain(uri);
});

describe("nothing is fetched for", () => {
  test.each([
    ["another server", { audience: "https://other.example" }],
    ["another client", { claims: { sub: "somebody" } }],
    ["a time that is over", { claims: { exp: 1 } }],
    ["a message with a key in it", { header: { jwk: createClientKey().publicJwk } }],
    ["a message with an address of keys in it", { header: { jku: "https://evil.example/jwks" } }],
  ])("an assertion for %s", async (_name, wish) => {
    const key = keyOf("a");
    const { client } = await keyed(key);
    expect(outcome(await ask(client, key, wish))).toEqual(refused);
    expect(published.asked).toEqual([]);
  });

  test("a client that is disabled, or has another method", async () => {
    const key = keyOf("a");
    const { uri, client } = await keyed(key);
    await updateClient(site.gate, operator, { client_id: client.id, is_disabled: true });
    expect(outcome(await ask(client, key))).toEqual(refused);
    const other = await addService(site.gate, { jwks_uri: uri });
    expect(outcome(await ask(other, key))).toEqual(refused);
    expect(published.asked).toEqual([]);
  });
});

describe("no key is found in", () => {
  const key = keyOf("a");
  const { publicJwk } = key;
  const cases: readonly [string, unknown][] = [
    ["an answer that is no JSON", "hello"],
    ["a key alone", publicJwk],
    ["a list", [publicJwk]],
    ["an empty set", { keys: [] }],
    ["keys that is an object (sparse)", { keys: { 0: publicJwk, length: 1 } }],
    ["a member twice", `{"keys":[],"keys":[${JSON.stringify(publicJwk)}]}`],
    ["101 keys", { keys: Array(101).fill(publicJwk) }],
    ["a key for encryption", { keys: [{ ...publicJwk, use: "enc" }] }],
    ["a private key", { keys: [{ ...publicJwk, d: "AAAA" }] }],
    ["a symmetric key", { keys: [{ kty: "oct", kid: "a", k: "AAAA" }] }],
    ["a key of another name", { keys: [{ ...publicJwk, kid: "b" }] }],
    ["a key of another algorithm", { keys: [{ ...publicJwk, alg: "ES384" }] }],
    ["a point that is on no curve", { keys: [{ ...publicJwk, y: publicJwk["x"] }] }],
    ["a redirect", 302],
    ["not found", 404],
    ["no content", 204],
  ];
  test.each(cases)("%s", async (_name, document) => {
    const { uri, client } = await keyed();
    published.documents.set(uri, document);
    expect(outcome(await ask(client, key))).toEqual(refused);
    expect(published.asked).toEqual([uri]);
  });
});

test("keys of kinds that are not known here are passed over", async () => {
  const key = keyOf("a");
  const { uri, client } = await keyed();
  const others = [{ kty: "EC", crv: "P-521", x: "AA", y: "AA", kid: "z" }, { ...keyOf("enc").publicJwk, use: "enc" }, null, 7];
  published.documents.set(uri, { keys: [...others, { ...key.publicJwk, use: "sig", x5c: ["AA=="], key_ops: ["verify"] }] });
  expect((await ask(client, key)).status).toBe(200);
});

test("an address in this network is refused when it is used, in the words of every other refusal", async () => {
  const key = keyOf("a");
  const { client } = await keyed(key);
  const exchanged: string[] = [];
  site.world.services.replaceNetwork({ resolve: async () => ["10.0.0.7"], exchange: async ({ url }) => { exchanged.push(url.href); throw new Error("no"); } });
  const answer = await ask(client, key);
  expect([...outcome(answer), exchanged]).toEqual([...refused, []]);
  expect(answer.text).not.toContain("10.0.0.7");
});

test("what is held is bounded: of many addresses the ones tried the longest ago are forgotten", async () => {
  const services = testServices();
  const { documents, asked } = publish(services);
  const sets = createClientKeySets({ services, settings: { dialAllow: [], clientKeysSeconds: 600 } }, { write: () => {} });
  const document = { keys: [createClientKey().publicJwk] };
  const at = (index: number) => `https://c${index}.example/jwks`;
  for (let index = 0; index <= KEY_SETS_MAX; index += 1) {
    documents.set(at(index), document);
    expect(await sets.find(at(index), () => true)).toBeDefined();
  }
  asked.length = 0;
  for (const index of [KEY_SETS_MAX, 1, 0]) await sets.find(at(index), () => true);
  expect(asked).toEqual([at(0)]);
});
