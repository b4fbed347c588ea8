/** Advisories 1 to 3 and 5: a code or refresh token is good for its client, once, in its time, and for no more than was granted. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Flow, startFlow } from "../../support/code-flow.ts";
import { basic, outcome, post } from "../../support/oauth.ts";
import { addClient, type TestClient } from "../../support/oidc-client.ts";
import { callUrl, startRoles, type TestRoles } from "../../support/roles.ts";

let site: TestRoles;
let flow: Flow;
let other: TestClient;

beforeAll(async () => {
  site = await startRoles();
  flow = await startFlow(site);
  other = await addClient(site.gate, { grant_types: ["authorization_code", "refresh_token"] });
});
afterAll(() => site.close());

const CODE_LIFE_MS = 60_001;
const AT_ONCE = 50;
const userinfoStatus = async (token: unknown) => (await callUrl(`${site.urls.issuer}/oauth/userinfo`, { headers: { authorization: `Bearer ${String(token)}` } })).status;
const times = <T>(make: () => Promise<T>) => Promise.all(Array.from({ length: AT_ONCE }, make));

describe("advisory 1: a code whose client or time is wrong", () => {
  const rows: readonly (readonly [string, boolean, boolean])[] = [
    ["another client, in time", true, false],
    ["its own client, over", false, true],
    ["another client, over", true, true],
  ];
  test.each(rows)("is refused at %s", async (_name, isElsewhere, isOver) => {
    const code = await flow.code();
    if (isOver) site.world.services.clock.advance(CODE_LIFE_MS);
    const answer = await flow.redeem(code, {}, isElsewhere ? basic(other) : {});
    expect(outcome(answer)).toEqual([400, "invalid_grant"]);
    expect(Object.keys(answer.body).toSorted()).toEqual(["error", "error_description"]);
  });

  test("is still good at its own client after another tried it", async () => {
    const code = await flow.code();
    expect((await flow.redeem(code, {}, basic(other))).status).toBe(400);
    expect((await flow.redeem(code)).status).toBe(200);
  });

  const changes: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
    ["another redirect_uri", { redirect_uri: "https://app.example/other" }],
    ["no redirect_uri", { redirect_uri: "" }],
    ["another verifier", { code_verifier: "x".repeat(43) }],
    ["no verifier", { code_verifier: "" }],
    ["its own challenge as the verifier", { code_verifier: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM" }],
  ];
  test.each(changes)("is refused with %s, though all else is right", async (_name, change) => {
    expect(outcome(await flow.redeem(await flow.code(), change))).toEqual([400, "invalid_grant"]);
  });
});

describe("advisory 2: a code that is redeemed fifty times side by side", () => {
  test("gives tokens once", async () => {
    const code = await flow.code();
    const statuses = (await times(() => flow.redeem(code))).map(({ status }) => status);
    expect(statuses.toSorted()).toEqual([200, ...Array.from({ length: AT_ONCE - 1 }, () => 400)]);
  });

  test("ends what it gave, the access token and the refresh token", async () => {
    const code = await flow.code();
    const { body } = await flow.redeem(code);
    expect(await userinfoStatus(body["access_token"])).toBe(200);
    expect(outcome(await flow.redeem(code))).toEqual([400, "invalid_grant"]);
    expect(await userinfoStatus(body["access_token"])).toBe(401);
    expect(outcome(await flow.refresh(String(body["refresh_token"])))).toEqual([400, "invalid_grant"]);
  });

  test("leaves other grants of the same person and client alone", async () => {
    const [code, tokens] = [await flow.code(), await flow.tokens()];
    await times(() => flow.redeem(code));
    expect((await flow.refresh(String(tokens["refresh_token"]))).status).toBe(200);
  });
});

describe("advisory 3: a refresh token that is used fifty times side by side", () => {
  test("has one successor, and one token is live", async () => {
    const first = String((await flow.tokens())["refresh_token"]);
    const answers = await times(() => flow.refresh(first));
    expect(new Set(answers.map(({ status, body }) => `${status} ${String(body["refresh_token"])}`)).size).toBe(1);
    const next = String(answers[0]?.body["refresh_token"]);
    expect([next === first, (await flow.refresh(next)).status]).toEqual([false, 200]);
  });

  test("beside its successor still ends in one lineage", async () => {
    const first = String((await flow.tokens())["refresh_token"]);
    const second = String((await flow.refresh(first)).body["refresh_token"]);
    const answers = await Promise.all(Array.from({ length: AT_ONCE }, (_each, index) => flow.refresh(index % 2 === 0 ? first : second)));
    const given = new Set(answers.filter(({ status }) => status === 200).map(({ body }) => body["refresh_token"]));
    expect([...given].filter((token) => token !== second).length).toBe(1);
  });
});

describe("advisory 5: a refresh token is refused", () => {
  const refresh = async () => String((await flow.tokens({ scope: "openid email" }))["refresh_token"]);
  const form = (refresh_token: string) => ({ grant_type: "refresh_token", refresh_token });

  test("at another client", async () => {
    expect(outcome(await post(site, "token", { form: form(await refresh()), headers: basic(other) }))).toEqual([400, "invalid_grant"]);
  });

  test("without any client", async () => {
    expect(outcome(await post(site, "token", { form: form(await refresh()) }))).toEqual([401, "invalid_client"]);
  });

  test("with the client's id alone", async () => {
    expect(outcome(await post(site, "token", { form: { ...form(await refresh()), client_id: flow.client.id } }))).toEqual([401, "invalid_client"]);
  });

  test("with a wrong secret", async () => {
    expect(outcome(await post(site, "token", { form: form(await refresh()), headers: basic({ ...flow.client, secret: other.secret }) }))).toEqual([401, "invalid_client"]);
  });

  test.each(["openid email profile", "openid email offline_access", "admin", "openid  email"])("for the wider scope %j, and is still whole", async (scope) => {
    const token = await refresh();
    expect(outcome(await flow.refresh(token, { scope }))).toEqual([400, "invalid_scope"]);
    expect((await flow.refresh(token)).status).toBe(200);
  });

  test("once its family was revoked by any member", async () => {
    const first = await refresh();
    const { body } = await flow.refresh(first);
    await post(site, "revocation", { form: { token: String(body["refresh_token"]) }, headers: basic(flow.client) });
    for (const token of [first, String(body["refresh_token"])]) expect(outcome(await flow.refresh(token))).toEqual([400, "invalid_grant"]);
    expect(await userinfoStatus(body["access_token"])).toBe(401);
  });

  test("as a code, and a code as a refresh token", async () => {
    expect(outcome(await flow.redeem(await refresh()))).toEqual([400, "invalid_grant"]);
    expect(outcome(await flow.refresh(await flow.code()))).toEqual([400, "invalid_grant"]);
  });

  test("as an access token", async () => {
    expect(await userinfoStatus(await refresh())).toBe(401);
  });
});
