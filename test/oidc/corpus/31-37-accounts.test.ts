/** Advisories 31 to 37 as far as they are about accounts: one-time codes, switched-off doors, planted fields, chance, names and sizes. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { operator } from "../../../src/gate/caller.ts";
import { createKey, randomSecret, randomText } from "../../../src/crypto/tokens.ts";
import { readClient } from "../../../src/oidc/clients/client-operations.ts";
import { createInitialAccessToken } from "../../../src/oidc/clients/initial-access-tokens.ts";
import { findRecoveryCode } from "../../../src/identity/recovery-codes.ts";
import { realServices } from "../../../src/services.ts";
import { openBrowser } from "../../support/browser.ts";
import { CHALLENGE, REDIRECT } from "../../support/code-flow.ts";
import { type KeptMail, keptMail } from "../../support/mail.ts";
import { basic, post } from "../../support/oauth.ts";
import { addClient, addService, type TestClient } from "../../support/oidc-client.ts";
import { addPerson, ownerAddress, PASSWORD } from "../../support/people.ts";
import { type Answer, bearer, callUrl, startRoles, type TestRoles } from "../../support/roles.ts";
import { enrol } from "../../support/second-factor.ts";
import { type CountedWork, countWork } from "../../support/work-done.ts";

let site: TestRoles;
let mail: KeptMail;
let client: TestClient;
let service: TestClient;
let counted: CountedWork;

beforeAll(async () => {
  site = await startRoles({ settings: { hasMailServer: true } });
  mail = keptMail(site.gate);
  client = await addClient(site.gate);
  service = await addService(site.gate);
  counted = countWork(site.gate);
});
afterAll(async () => {
  counted[Symbol.dispose]();
  await site.close();
});
beforeEach(() => {
  site.license({});
  site.world.services.clock.advance(86_400_001);
});

const query = () => new URLSearchParams({ client_id: client.id, redirect_uri: REDIRECT, response_type: "code", scope: "openid", code_challenge: CHALLENGE, code_challenge_method: "S256" }).toString();
const stepOf = ({ body }: Answer) => {
  const { details } = body;
  return typeof details === "object" && details !== null && "step_token" in details ? String(details.step_token) : "";
};

describe("advisory 31: one TOTP code opens one session", () => {
  const guarded = async () => {
    const person = await addPerson(site.gate);
    const address = `${person.userId}@example.com`;
    const { app } = await enrol(site.gate, person);
    const step = async () => stepOf(await site.call("/api/v1/auth/login", { json: { email_address: address, user_password: PASSWORD } }));
    const complete = async (code: string) => (await site.call("/api/v1/auth/login/complete", { json: { step_token: await step(), code } })).status;
    return { app, address, complete };
  };

  test("at the API, and not a second one a moment later", async () => {
    const { app, complete } = await guarded();
    const code = app.code();
    expect([await complete(code), await complete(code)]).toEqual([200, 401]);
  });

  test("at the API, and then not at the issuer", async () => {
    const { app, address, complete } = await guarded();
    const code = app.code();
    expect(await complete(code)).toBe(200);
    const browser = openBrowser(site.urls.issuer);
    await browser.open(`${site.urls.issuer}/oauth/authorize?${query()}`);
    await browser.submit("sign-in", { email_address: address, user_password: PASSWORD });
    await browser.submit("second-factor", { code });
    expect(browser.cookies.has("cyberun-issuer")).toBe(false);
  });

  test("and a code of an earlier step than the last one used is over", async () => {
    const { app, complete } = await guarded();
    expect([await complete(app.code()), await complete(app.code(-1))]).toEqual([200, 401]);
  });
});

describe("advisory 32: what is switched off is shut at the door itself, not in the page:", () => {
  const off: readonly (readonly [string, string, () => Promise<number>])[] = [
    ["registration", "sign-up", async () => (await site.call("/api/v1/auth/register", { json: { first_name: "a", last_name: "b", email_address: "new@example.com", user_password: "nanoseconds of wire" } })).status],
    ["email", "a reset by mail", async () => (await site.call("/api/v1/auth/password-reset", { json: { email_address: ownerAddress } })).status],
    ["oidc_provider", "the authorization endpoint", async () => (await callUrl(`${site.urls.issuer}/oauth/authorize?${query()}`)).status],
    ["oidc_provider", "the authorization endpoint by POST", async () => (await callUrl(`${site.urls.issuer}/oauth/authorize`, { form: Object.fromEntries(new URLSearchParams(query())) })).status],
    ["oidc_provider", "the token endpoint", async () => (await post(site, "token", { form: { grant_type: "client_credentials" }, headers: basic(service) })).status],
    ["oidc_provider", "the pushed request", async () => (await post(site, "pushed_authorization_request", { form: Object.fromEntries(new URLSearchParams(query())), headers: basic(client) })).status],
    ["oidc_provider", "introspection", async () => (await post(site, "introspection", { form: { token: "x" }, headers: basic(service) })).status],
  ];
  test.each(off)("without %s: %s", async (feature, _name, ask) => {
    site.license({ features: { global: { [feature]: false } } });
    expect(await ask()).toBe(403);
  });

  test("without oidc_provider: dynamic registration", async () => {
    const { initial_access_token } = await createInitialAccessToken(site.gate, operator, {});
    site.license({ features: { global: { oidc_provider: false } } });
    expect((await callUrl(`${site.urls.issuer}/oauth/register`, { json: { redirect_uris: [REDIRECT] }, headers: bearer(initial_access_token) })).status).toBe(403);
  });

  test("a client without PKCE, a client of another grant, a client of another method", async () => {
    const bare = await callUrl(`${site.urls.issuer}/oauth/authorize?${query().replace(/&code_challenge.*/, "")}`);
    expect(bare.headers.get("location")).toContain("error=invalid_request");
    expect((await post(site, "token", { form: { grant_type: "client_credentials" }, headers: basic(client) })).status).toBe(400);
    expect((await post(site, "token", { form: { grant_type: "client_credentials", client_id: service.id, client_secret: service.secret } })).status).toBe(401);
  });
});

const planted = { is_administrator: true, email_verified: true, id: "00000000-0000-7000-8000-000000000001", user_id: "00000000-0000-7000-8000-000000000001", role: "owner", password_hash: "x", disabled_at: null, pending_until: null, team_id: "00000000-0000-7000-8000-000000000001" } as const;

describe("advisory 33: a field that is not one's own to set is refused, and nothing happens:", () => {
  test.each(Object.entries(planted))("%s at sign-up", async (name, value) => {
    const person = { first_name: "Grace", last_name: "Hopper", email_address: `${name.replaceAll("_", "-")}@example.com`, user_password: "nanoseconds of wire" };
    expect((await site.call("/api/v1/auth/register", { json: { ...person, [name]: value } })).status).toBe(400);
    const users = await site.gate.store.read(async (reader) => await reader.select().from(reader.tables.users));
    expect(users.some(({ email_key }) => email_key === person.email_address)).toBe(false);
  });

  test.each(["user_id", "is_administrator", "email_verified"] as const)("%s at the own password", async (name) => {
    const { user } = await site.credentials();
    const json = { current_password: PASSWORD, new_password: "another good sentence", [name]: planted[name] };
    expect((await site.call("/api/v1/users/me/password", { method: "PUT", as: user, json })).status).toBe(400);
  });

  test.each(["user_id", "team_id", "id", "raw_key", "role"] as const)("%s at a new key", async (name) => {
    const { user } = await site.credentials();
    expect((await site.call("/api/v1/credentials", { as: user, json: { kind: "integration", display_name: "x", [name]: "00000000-0000-7000-8000-000000000001" } })).status).toBe(400);
  });

  test("of a client that registers itself: first-party, without PKCE, with resources", async () => {
    const { initial_access_token } = await createInitialAccessToken(site.gate, operator, {});
    const json = { redirect_uris: [REDIRECT], is_first_party: true, require_pkce: false, rotate_refresh_tokens: false, resources: ["https://api.example"], served_resources: ["https://api.example"], client_id: "own-app", is_disabled: false };
    const { body } = await callUrl(`${site.urls.issuer}/oauth/register`, { json, headers: bearer(initial_access_token) });
    const made = await readClient(site.gate, operator, { client_id: String(body["client_id"]) });
    expect(made).toMatchObject({ is_first_party: false, require_pkce: true, rotate_refresh_tokens: true, resources: [], served_resources: [] });
    expect(body["client_id"]).not.toBe("own-app");
  });
});

/** Chi-squared of how often each of `signs` stands in `text`; for 61 degrees of freedom values above 130 are less likely than one in a million. */
function chiSquared(text: string, signs: string): number {
  const expected = text.length / signs.length;
  return [...signs].reduce((sum, sign) => sum + (text.split(sign).length - 1 - expected) ** 2 / expected, 0);
}

describe("advisory 34: short codes and secrets are evenly random:", () => {
  const { random } = realServices();
  const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

  test("no sign of a secret is likelier than another", () => {
    const text = Array.from({ length: 1_500 }, () => randomSecret(random)).join("");
    expect(chiSquared(text, base62)).toBeLessThan(130);
  });

  test("no sign is likelier at its place in short texts", () => {
    const texts = Array.from({ length: 4_000 }, () => randomText(random, 8));
    for (const place of [0, 3, 7]) expect(chiSquared(texts.map((text) => text.charAt(place)).join(""), base62)).toBeLessThan(130);
  });

  test("no two of ten thousand are alike", () => {
    expect(new Set(Array.from({ length: 10_000 }, () => createKey("sk", random))).size).toBe(10_000);
  });

  test("recovery codes use their whole alphabet evenly, and no two are alike", async () => {
    const codes: string[] = [];
    for (let round = 0; round < 30; round += 1) codes.push(...(await enrol(site.gate, await addPerson(site.gate))).recoveryCodes);
    const text = codes.map((code) => findRecoveryCode(code) ?? "").join("");
    expect([new Set(codes).size, text.length]).toEqual([300, 6_000]);
    expect(chiSquared(text, "0123456789abcdefghjkmnpqrstvwxyz")).toBeLessThan(85);
  });
});

describe("advisory 36: an address is judged after it was brought to one form:", () => {
  const refused = ["ada＠evil.example@example.com", "ada@example.com＠evil.example", "ada@@example.com", "ada@example。com@x.example", "ada@example.com\u0000", "ada\u200b@example.com", "ada@exa\u00admple.com", "ada@example.com,eve@evil.example", "ada@example.com;eve@evil.example", "ada@[127.0.0.1]", "ada@exam ple.com", "@example.com", "ada@", '"ada@evil.example"@example.com', "ada @example.com"];
  test.each(refused)("%j is no address at sign-up, sign-in and reset alike", async (email_address) => {
    await mail.deliver();
    const before = mail.letters.length;
    const answers = [
      await site.call("/api/v1/auth/register", { json: { first_name: "a", last_name: "b", email_address, user_password: "nanoseconds of wire" } }),
      await site.call("/api/v1/auth/password-reset", { json: { email_address } }),
      await site.call("/api/v1/auth/login", { json: { email_address, user_password: PASSWORD } }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([400, 400, 400]);
    await mail.deliver();
    expect(mail.letters).toHaveLength(before);
  });

  test.each(["ａｄａ@example.com", "ada＠example.com", "ADA@EXAMPLE.COM", "ada@example。com", "ada@ｅxample.com"])("%j is the owner's, and makes no second account", async (email_address) => {
    const accounts = async () => (await site.gate.store.read(async (reader) => await reader.select().from(reader.tables.users))).map(({ email_key }) => email_key);
    const before = await accounts();
    await site.call("/api/v1/auth/register", { json: { first_name: "a", last_name: "b", email_address, user_password: "nanoseconds of wire" } });
    expect((await accounts()).filter((key) => !before.includes(key))).toEqual([]);
  });
});

describe("advisory 37: a password beyond 128 signs or 512 bytes is refused unhashed", () => {
  const long: readonly (readonly [string, string])[] = [
    ["129 letters", "x".repeat(129)],
    ["a hundred thousand letters", "x".repeat(100_000)],
    ["129 signs of four bytes", "😀".repeat(129)],
    ["128 signs of more than 512 bytes", "e\u0301\u0301\u0301".repeat(128)],
  ];
  const doors: readonly (readonly [string, (password: string) => Promise<{ readonly status: number }>])[] = [
    ["sign-in", (user_password) => site.call("/api/v1/auth/login", { json: { email_address: ownerAddress, user_password } })],
    ["the dashboard's form", (user_password) => site.call("/sign-in", { form: { email_address: ownerAddress, user_password }, headers: { "sec-fetch-site": "same-origin" } })],
    ["sign-up", (user_password) => site.call("/api/v1/auth/register", { json: { first_name: "a", last_name: "b", email_address: "long@example.com", user_password } })],
    ["a reset", async (new_password) => {
      await site.call("/api/v1/auth/password-reset", { json: { email_address: ownerAddress } });
      await mail.deliver();
      return await site.call("/api/v1/auth/password-reset/complete", { json: { reset_token: mail.tokenTo(ownerAddress), new_password } });
    }],
  ];
  test.each(doors)("at %s", async (_name, ask) => {
    for (const [name, password] of long) {
      const { result, work } = await counted.of(() => ask(password));
      expect([name, result.status, work.hashes]).toEqual([name, 400, 0]);
    }
  });

  test("at the own password, old and new", async () => {
    const { user } = await site.credentials();
    for (const [, password] of long) {
      for (const json of [{ current_password: password, new_password: "another good sentence" }, { current_password: PASSWORD, new_password: password }]) {
        const { result, work } = await counted.of(() => site.call("/api/v1/users/me/password", { method: "PUT", as: user, json }));
        expect([result.status, work.hashes]).toEqual([400, 0]);
      }
    }
  });
});
