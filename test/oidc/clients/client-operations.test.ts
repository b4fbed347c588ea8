/** Managing clients: who may, what the license says, strict defaults, secrets that are shown once and overlap. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { operator } from "../../../src/gate/caller.ts";
import type { OperationName } from "../../../src/gate/operations.ts";
import { findActiveClient, getClient, requireClientLicensed } from "../../../src/oidc/clients/client.ts";
import { fitsAlgorithm, readPublicJwk } from "../../../src/oidc/clients/client-keys.ts";
import { CLIENTS_MAX, createClient, deleteClient, listClients, readClient, rotateClientSecret, updateClient } from "../../../src/oidc/clients/client-operations.ts";
import { isSecretOf, listSecretDigests } from "../../../src/oidc/clients/client-secrets.ts";
import { OAuthError } from "../../../src/oidc/oauth-error.ts";
import { auditRows, storeText, testEntitlements, type TestGate, testGate } from "../../support/gate.ts";
import { addClient, addFirstParty, addService, type TestClient } from "../../support/oidc-client.ts";
import { userCaller } from "../../support/people.ts";
import { codeOf, refusalOf, shutStates, strangersTo } from "../../support/refusal.ts";

let world: TestGate;
beforeEach(async () => {
  world = await testGate();
});
afterEach(() => world.close());

const ID = "00000000-0000-7000-8000-00000000000f";
const administrator = userCaller(ID, undefined, true);
const person = userCaller(ID, undefined);

const isGood = async ({ id, secret }: TestClient) => {
  const digests = await world.store.read((reader) => listSecretDigests(reader, id, world.services.clock.now()));
  return isSecretOf(world.gate.sealer, { clientId: id, secret }, digests);
};

const calls = {
  "oidc_client.create": (caller) => createClient(world.gate, caller, { metadata: { redirect_uris: ["https://app.example/cb"] } }),
  "oidc_client.list": (caller) => listClients(world.gate, caller, {}),
  "oidc_client.read": (caller) => readClient(world.gate, caller, { client_id: ID }),
  "oidc_client.update": (caller) => updateClient(world.gate, caller, { client_id: ID }),
  "oidc_client.delete": (caller) => deleteClient(world.gate, caller, { client_id: ID }),
  "oidc_client.rotate_secret": (caller) => rotateClientSecret(world.gate, caller, { client_id: ID }),
} as const satisfies Partial<Record<OperationName, (caller: typeof administrator) => Promise<unknown>>>;

describe("who manages clients (GHSA-xr8f-h2gw-9xh6)", () => {
  test.each(Object.entries(calls))("%s is refused to people who are not administrators", async (_name, call) => {
    expect(await codeOf(call(person))).toBe("forbidden");
  });

  test("strangers, devices, integrations, agents and jobs are refused", async () => {
    for (const { caller, code } of strangersTo("oidc_client.create")) {
      expect([caller.kind, await codeOf(createClient(world.gate, caller, { metadata: {} }))]).toEqual([caller.kind, code]);
    }
  });

  test("an administrator and the operator may", async () => {
    for (const caller of [administrator, operator]) {
      const { client } = await createClient(world.gate, caller, { metadata: { redirect_uris: ["https://app.example/cb"] } });
      expect((await readClient(world.gate, caller, client)).client_id).toBe(client.client_id);
    }
    expect((await listClients(world.gate, administrator, {})).clients.length).toBe(2);
  });
});

describe("the license", () => {
  test("without oidc_provider no client is registered, and the refusal names it", async () => {
    world.license({ features: { global: { oidc_provider: false } } });
    const fault = await refusalOf(calls["oidc_client.create"](administrator));
    expect([fault.code, fault.status, fault.details?.["feature"]]).toEqual(["feature_disabled", 403, "oidc_provider"]);
  });

  test.each(shutStates)("in the state %s none is registered, and all that closes goes on", async (state) => {
    const client = await addClient(world.gate);
    world.license({ state });
    expect(await codeOf(calls["oidc_client.create"](administrator))).toBe(state);
    await listClients(world.gate, administrator, {});
    await updateClient(world.gate, administrator, { client_id: client.id, is_disabled: true });
    await rotateClientSecret(world.gate, administrator, { client_id: client.id, overlap_seconds: 0 });
    await deleteClient(world.gate, administrator, { client_id: client.id });
  });

  test("the platform's own clients need none; others need the feature", () => {
    const off = testEntitlements({ features: { global: { oidc_provider: false } } });
    expect(() => requireClientLicensed(off, { is_first_party: true })).not.toThrow();
    expect(() => requireClientLicensed(testEntitlements({ state: "expired" }), { is_first_party: true })).not.toThrow();
    expect(() => requireClientLicensed(off, { is_first_party: false })).toThrow(/oidc_provider/);
    expect(() => requireClientLicensed(testEntitlements({ state: "expired" }), { is_first_party: false })).toThrow(/expired/);
  });
});

describe("a client", () => {
  test("has strict defaults", async () => {
    const { client } = await createClient(world.gate, operator, { metadata: { redirect_uris: ["https://app.example/cb"] } });
    expect(client).toMatchObject({
      client_name: client.client_id,
      grant_types: ["authorization_code"],
      response_types: ["code"],
      token_endpoint_auth_method: "client_secret_basic",
      id_token_signed_response_alg: "ES256",
      subject_type: "public",
      require_pkce: true,
      rotate_refresh_tokens: true,
      is_first_party: false,
      is_dynamic: false,
      is_disabled: false,
      resources: [],
      served_resources: [],
    });
  });

  test("is changed member by member, and null takes one back to its default", async () => {
    const { id } = await addClient(world.gate, { require_pkce: false, logo_uri: "https://app.example/logo" });
    const changed = await updateClient(world.gate, operator, { client_id: id, metadata: { client_name: "New" } });
    expect(changed.client).toMatchObject({ client_name: "New", require_pkce: false, logo_uri: "https://app.example/logo" });
    const back = await updateClient(world.gate, operator, { client_id: id, metadata: { require_pkce: null, logo_uri: null } });
    expect([back.client.require_pkce, back.client.logo_uri, back.client_secret]).toEqual([true, undefined, undefined]);
  });

  test("cannot be turned into a public one that is less than strict", async () => {
    const { id } = await addClient(world.gate, { require_pkce: false });
    const fault = await refusalOf(updateClient(world.gate, operator, { client_id: id, metadata: { token_endpoint_auth_method: "none" } }));
    expect(fault instanceof OAuthError && fault.oauthCode).toBe("invalid_client_metadata");
    expect((await readClient(world.gate, operator, { client_id: id })).token_endpoint_auth_method).toBe("client_secret_basic");
  });

  test("that is disabled takes no part until it is enabled", async () => {
    const { id } = await addClient(world.gate);
    const active = () => world.store.read((reader) => findActiveClient(reader, id));
    await updateClient(world.gate, operator, { client_id: id, is_disabled: true });
    expect(await active()).toBeUndefined();
    expect((await readClient(world.gate, operator, { client_id: id })).is_disabled).toBe(true);
    await updateClient(world.gate, operator, { client_id: id, is_disabled: false });
    expect((await active())?.client_id).toBe(id);
  });

  test("that is deleted is gone with its secrets", async () => {
    const client = await addClient(world.gate);
    await deleteClient(world.gate, operator, { client_id: client.id });
    expect(await isGood(client)).toBe(false);
    for (const call of [readClient, deleteClient, updateClient, rotateClientSecret]) expect(await codeOf(call(world.gate, operator, { client_id: client.id }))).toBe("not_found");
    expect(await codeOf(world.store.read((reader) => getClient(reader, client.id)))).toBe("not_found");
  });

  test.each(["", "x".repeat(101), "a/b", "a b", "a'--", "é", "a\u0000"])("of the id %j is looked for nowhere", async (client_id) => {
    expect(await codeOf(readClient(world.gate, operator, { client_id }))).toBe("not_found");
  });

  test("of the platform's own is prepared once, follows the executable and is nobody's to change", async () => {
    await addFirstParty(world.gate, "cyberun", { scope: "openid api" });
    await addFirstParty(world.gate, "cyberun", { scope: "openid api", client_name: "Renamed" });
    expect(await readClient(world.gate, operator, { client_id: "cyberun" })).toMatchObject({ client_name: "Renamed", is_first_party: true, scope: "openid api" });
    for (const call of [updateClient, deleteClient, rotateClientSecret]) expect(await codeOf(call(world.gate, operator, { client_id: "cyberun" }))).toBe("forbidden");
    const fault = await refusalOf(createClient(world.gate, operator, { metadata: { is_first_party: true, redirect_uris: ["https://app.example/cb"] } }));
    expect(fault.message).toContain("is_first_party");
  });

  test("list is cut into pages", async () => {
    for (let made = 0; made < 101; made += 1) await addService(world.gate);
    const first = await listClients(world.gate, operator, {});
    const rest = await listClients(world.gate, operator, { after: first.next });
    expect([first.clients.length, rest.clients.length, rest.next]).toEqual([100, 1, undefined]);
    expect(await codeOf(listClients(world.gate, operator, { after: "' or 1=1" }))).toBe("invalid_request");
    expect(CLIENTS_MAX).toBeGreaterThan(101);
  });
});

describe("a secret", () => {
  test("is good, is kept as a digest only, and stands in no audit row", async () => {
    const client = await addClient(world.gate);
    expect(client.secret).toMatch(/^cs-[0-9A-Za-z]{43}$/);
    expect(await isGood(client)).toBe(true);
    const text = (await storeText(world.store)) + JSON.stringify(await auditRows(world.store));
    expect(text).not.toContain(client.secret);
    expect(text).not.toContain(client.secret.slice(3));
  });

  test("of another client, shortened, longer or changed is not good (CVE-2026-27840)", async () => {
    const client = await addClient(world.gate);
    const other = await addClient(world.gate);
    const { secret } = client;
    const wrong = ["", "cs-", other.secret, `${secret}x`, secret.toLowerCase(), secret.slice(3), ` ${secret}`, secret + "x".repeat(10_000), ...Array.from({ length: secret.length }, (_, length) => secret.slice(0, length))];
    for (const each of wrong) expect([each, await isGood({ ...client, secret: each })]).toEqual([each, false]);
    expect(await isGood({ id: other.id, secret })).toBe(false);
    expect(await isGood({ id: ID, secret })).toBe(false);
  });

  test("overlaps with the one before it, and the one before that ends", async () => {
    const first = await addClient(world.gate);
    const rotate = async (overlap_seconds?: number) => ({ id: first.id, secret: (await rotateClientSecret(world.gate, operator, { client_id: first.id, overlap_seconds })).client_secret });
    const second = await rotate(60);
    expect([await isGood(first), await isGood(second)]).toEqual([true, true]);
    const third = await rotate(60);
    expect([await isGood(first), await isGood(second), await isGood(third)]).toEqual([false, true, true]);
    world.services.clock.advance(59_999);
    expect(await isGood(second)).toBe(true);
    world.services.clock.advance(1);
    expect([await isGood(second), await isGood(third)]).toEqual([false, true]);
    const fourth = await rotate(0);
    expect([await isGood(third), await isGood(fourth)]).toEqual([false, true]);
  });

  test.each([-1, 0.5, NaN, Infinity, 2_592_001])("cannot overlap for %d seconds", async (overlap_seconds) => {
    const client = await addClient(world.gate);
    expect(await codeOf(rotateClientSecret(world.gate, operator, { client_id: client.id, overlap_seconds }))).toBe("invalid_request");
    expect(await isGood(client)).toBe(true);
  });

  test("is lost with the method that uses it, and made anew with its return", async () => {
    const client = await addClient(world.gate);
    const changed = await updateClient(world.gate, operator, { client_id: client.id, metadata: { token_endpoint_auth_method: "none" } });
    expect([changed.client_secret, await isGood(client)]).toEqual([undefined, false]);
    expect(await codeOf(rotateClientSecret(world.gate, operator, { client_id: client.id }))).toBe("conflict");
    const back = await updateClient(world.gate, operator, { client_id: client.id, metadata: { token_endpoint_auth_method: "client_secret_post" } });
    expect(await isGood({ id: client.id, secret: back.client_secret ?? "" })).toBe(true);
    expect(await isGood(client)).toBe(false);
  });

  test("of 20 rotations at once two are good", async () => {
    const { id } = await addClient(world.gate);
    const made = await Promise.all(Array.from({ length: 20 }, () => rotateClientSecret(world.gate, operator, { client_id: id })));
    const good = await Promise.all(made.map(({ client_secret }) => isGood({ id, secret: client_secret })));
    expect(good.filter(Boolean).length).toBe(2);
  });
});

test("a key fits the algorithms of its kind only", () => {
  const read = readPublicJwk({ kty: "EC", crv: "P-256", x: "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", y: "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0" });
  if ("problem" in read) throw new Error(read.problem);
  expect([fitsAlgorithm(read.jwk, "ES256"), fitsAlgorithm(read.jwk, "RS256"), fitsAlgorithm(read.jwk, "EdDSA")]).toEqual([true, false, false]);
});
