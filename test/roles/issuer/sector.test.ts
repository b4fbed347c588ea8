/** Pairwise clients of a sector (OpenID Connect Core 1.0 section 8.1): one `sub` for all of it, and only for whoever it names. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { operator } from "../../../src/gate/caller.ts";
import { createClient, updateClient } from "../../../src/oidc/clients/client-operations.ts";
import { createInitialAccessToken } from "../../../src/oidc/clients/initial-access-tokens.ts";
import { endpoints } from "../../../src/oidc/endpoints.ts";
import { REDIRECT, startFlow } from "../../support/code-flow.ts";
import { publish, type Published } from "../../support/published.ts";
import { refusalOf } from "../../support/refusal.ts";
import { bearer, callUrl, startRoles, type TestRoles } from "../../support/roles.ts";

let site: TestRoles;
let published: Published;
beforeAll(async () => {
  site = await startRoles();
});
afterAll(() => site.close());
beforeEach(() => {
  published = publish(site.world.services);
});

const SECTOR = "https://sector.example/uris.json";
const own = ["https://a.example/cb", "https://b.example/cb"];
const metadata = (changes: object = {}) => ({ client_name: "A", redirect_uris: own, subject_type: "pairwise", sector_identifier_uri: SECTOR, ...changes });
const create = async (changes: object = {}) => await createClient(site.gate, operator, { metadata: metadata(changes) });
const clientCount = async () => (await site.gate.store.read(async (reader) => await reader.select().from(reader.tables.oidcClients))).length;

test("a document that names every redirect URI makes clients of many hosts one sector", async () => {
  published.documents.set(SECTOR, [...own, "https://c.example/cb", REDIRECT]);
  const sub = async (changes: object) => {
    const flow = await startFlow(site, { metadata: { redirect_uris: [REDIRECT], subject_type: "pairwise", ...changes } });
    const { id_token } = await flow.tokens();
    const [, claims = ""] = String(id_token).split(".");
    return JSON.parse(Buffer.from(claims, "base64url").toString()).sub;
  };
  const [one, other] = [await sub({ sector_identifier_uri: SECTOR }), await sub({ sector_identifier_uri: SECTOR, redirect_uris: [REDIRECT, ...own] })];
  const alone = await sub({});
  expect([one === other, one === alone, one === site.people.owner.userId]).toEqual([true, false, false]);
  expect((await create()).client.sector_identifier_uri).toBe(SECTOR);
});

describe("no client is registered with", () => {
  const cases: readonly [string, unknown][] = [
    ["a document that lacks an address", own.slice(0, 1)],
    ["an empty document", []],
    ["a document that is an object", { redirect_uris: own }],
    ["a sparse document", { 0: own[0], 1: own[1], length: 2 }],
    ["an entry that is no text", [...own, 7]],
    ["an entry without end", [...own, `https://a.example/${"x".repeat(2_048)}`]],
    ["too many entries", Array(1_001).fill(own[0])],
    ["a pattern", ["https://*.example/cb"]],
    ["an address in another spelling", ["https://A.example/cb", own[1]]],
    ["text", "hello"],
    ["a redirect", 302],
    ["an error", 500],
    ["an address that does not answer", undefined],
  ];
  test.each(cases)("%s", async (_name, document) => {
    if (document !== undefined) published.documents.set(SECTOR, document);
    const before = await clientCount();
    const fault = await refusalOf(create());
    expect(fault).toMatchObject({ oauthCode: "invalid_client_metadata", details: { fields: [{ field: "sector_identifier_uri" }] } });
    expect(await clientCount()).toBe(before);
  });

  test.each(["http://sector.example/", "http://127.0.0.1/x", "javascript:alert(1)", "https://u@sector.example/", "sector.example"])("the address %s, which is not even asked", async (sector_identifier_uri) => {
    expect(await refusalOf(create({ sector_identifier_uri }))).toMatchObject({ oauthCode: "invalid_client_metadata" });
    expect(published.asked).toEqual([]);
  });

  test("an address in this network", async () => {
    site.world.services.replaceNetwork({ resolve: async () => ["192.168.0.9"] });
    const fault = await refusalOf(create());
    expect(fault.message).toContain("CYBERUN_DIAL_ALLOW");
    expect(fault.message).not.toContain("192.168");
  });
});

test("a document that was good is asked again only when its addresses change", async () => {
  published.documents.set(SECTOR, own);
  const { client } = await create();
  published.documents.clear();
  await updateClient(site.gate, operator, { client_id: client.client_id, is_disabled: true });
  await updateClient(site.gate, operator, { client_id: client.client_id, metadata: { client_name: "B" } });
  await updateClient(site.gate, operator, { client_id: client.client_id, metadata: { redirect_uris: own.slice(0, 1) } });
  expect(published.asked.length).toBe(1);
  const wider = { client_id: client.client_id, metadata: { redirect_uris: [...own, "https://evil.example/cb"] } };
  expect(await refusalOf(updateClient(site.gate, operator, wider))).toMatchObject({ oauthCode: "invalid_client_metadata" });
  expect(published.asked.length).toBe(2);
});

test("who registers itself is asked for its token before anything is fetched, and keeps it when the document is bad", async () => {
  const register = async (token: string) => (await callUrl(`${site.urls.issuer}${endpoints.registration}`, { json: metadata(), headers: bearer(token) })).status;
  expect(await register("iat-nothing")).toBe(401);
  expect(published.asked).toEqual([]);
  const { initial_access_token } = await createInitialAccessToken(site.gate, operator, {});
  expect(await register(initial_access_token)).toBe(400);
  published.documents.set(SECTOR, own);
  expect([await register(initial_access_token), await register(initial_access_token)]).toEqual([201, 401]);
  expect(published.asked.length).toBe(2);
});
