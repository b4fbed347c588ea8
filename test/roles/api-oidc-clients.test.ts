/** OIDC clients through the API: administrators only, members of RFC 7591, secrets shown once. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { issueAccessToken } from "../../src/oidc/access-tokens.ts";
import { addPerson, signIn } from "../support/people.ts";
import { type Answer, bearer, type CallOptions, type Shown, startRoles, type TestRoles } from "../support/roles.ts";

let site: TestRoles;
let administrator: Shown;
let person: Shown;
beforeAll(async () => {
  site = await startRoles();
  administrator = (await site.credentials()).user;
  await addPerson(site.gate, { address: "grace@example.com" });
  person = bearer(await issueAccessToken(site.gate, site.keyring, await signIn(site.gate, "grace@example.com")));
});
afterAll(() => site.close());
beforeEach(() => site.license({}));

const call = async (path: string, options: CallOptions = {}): Promise<Answer> => await site.call(`/api/v1/oidc${path}`, { as: administrator, ...options });
const code = ({ status, body }: Answer) => [status, body["error_code"]];
const create = async (json: Readonly<Record<string, unknown>> = {}): Promise<{ readonly id: string; readonly answer: Answer }> => {
  const answer = await call("/clients", { json: { redirect_uris: ["https://app.example/cb"], ...json } });
  const { client } = JSON.parse(answer.text);
  return { id: client?.client_id ?? "", answer };
};

test("a client is created, read, changed, disabled, given a new secret and deleted", async () => {
  const { id, answer } = await create({ client_name: "Shop" });
  expect([answer.status, answer.headers.get("cache-control")]).toEqual([201, "no-store"]);
  expect(answer.body).toMatchObject({ client: { client_name: "Shop", require_pkce: true }, client_secret: expect.stringMatching(/^cs-/) });
  const read = await call(`/clients/${id}`);
  expect([read.status, read.body["client_name"], read.text.includes("cs-")]).toEqual([200, "Shop", false]);
  expect((await call(`/clients/${id}`, { method: "PATCH", json: { client_name: "Store", is_disabled: true } })).body).toMatchObject({ client: { client_name: "Store", is_disabled: true, redirect_uris: ["https://app.example/cb"] } });
  expect((await call(`/clients/${id}/secret`, { json: { overlap_seconds: 60 } })).body).toMatchObject({ client_secret: expect.stringMatching(/^cs-/), overlap_seconds: 60 });
  expect((await call("/clients")).body).toMatchObject({ clients: [{ client_id: id, client_name: "Store" }] });
  expect((await call(`/clients/${id}`, { method: "DELETE" })).status).toBe(204);
  expect(code(await call(`/clients/${id}`))).toEqual([404, "not_found"]);
});

test("an initial access token is created", async () => {
  const { status, body } = await call("/initial-access-tokens", { json: { life_seconds: 60 } });
  expect([status, Object.keys(body).toSorted()]).toEqual([201, ["expires_at", "initial_access_token"]]);
});

const doors: readonly [string, string, unknown][] = [
  ["GET", "/clients", undefined],
  ["POST", "/clients", { redirect_uris: ["https://app.example/cb"] }],
  ["GET", "/clients/x", undefined],
  ["PATCH", "/clients/x", {}],
  ["DELETE", "/clients/x", undefined],
  ["POST", "/clients/x/secret", {}],
  ["POST", "/initial-access-tokens", {}],
];
test.each(doors)("%s %s is for administrators (CVE-2026-41427)", async (method, path, json) => {
  const body = json === undefined ? {} : { json };
  expect(code(await call(path, { as: person, method, ...body }))).toEqual([403, "forbidden"]);
  expect(code(await call(path, { as: {}, method, ...body }))).toEqual([401, "unauthenticated"]);
});

describe("is refused by member:", () => {
  const wrong: readonly [string, unknown][] = [
    ["redirect_uris", { redirect_uris: ["javascript:alert(1)"] }],
    ["redirect_uris", {}],
    ["is_first_party", { redirect_uris: ["https://a.example/"], is_first_party: true }],
    ["client_id", { redirect_uris: ["https://a.example/"], client_id: "mine" }],
    ["client_secret", { redirect_uris: ["https://a.example/"], client_secret: "mine" }],
    ["scope", { redirect_uris: ["https://a.example/"], scope: "api" }],
    ["require_pkce", { redirect_uris: ["https://a.example/"], token_endpoint_auth_method: "none", require_pkce: false }],
    ["rotate_refresh_tokens", { redirect_uris: ["https://a.example/"], token_endpoint_auth_method: "none", rotate_refresh_tokens: false }],
    ["served_resources", { redirect_uris: ["https://a.example/"], token_endpoint_auth_method: "none", served_resources: ["https://a.example"] }],
    ["resources", { redirect_uris: ["https://a.example/"], resources: ["api"] }],
    ["resources", { redirect_uris: ["https://a.example/"], resources: ["https://a.example/#x"] }],
  ];
  test.each(wrong)("%s", async (member, json) => {
    const answer = await call("/clients", { json });
    expect(code(answer)).toEqual([400, "invalid_request"]);
    expect(answer.body["details"]).toMatchObject({ fields: [{ field: member }] });
  });
});

test("the feature is named when it is off, and what closes goes on", async () => {
  const { id } = await create();
  site.license({ features: { global: { oidc_provider: false } } });
  expect(code((await create()).answer)).toEqual([403, "feature_disabled"]);
  expect(code(await call("/initial-access-tokens", { json: {} }))).toEqual([403, "feature_disabled"]);
  expect((await call(`/clients/${id}`, { method: "PATCH", json: { is_disabled: true } })).status).toBe(200);
  expect((await call(`/clients/${id}`, { method: "DELETE" })).status).toBe(204);
});
