/** Refresh: one lineage, a short grace for lost answers, the end for a replay; never more than was granted. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { decodeJwt } from "jose";
import { presets } from "../../../src/lifetimes.ts";
import { type Flow, startFlow } from "../../support/code-flow.ts";
import { testGate } from "../../support/gate.ts";
import { basic, outcome, post } from "../../support/oauth.ts";
import { addPerson } from "../../support/people.ts";
import type { Answer, TestRoles } from "../../support/roles.ts";
import { startRoles } from "../../support/roles.ts";

const GRACE_MS = presets.onprem.refreshGraceSeconds * 1_000;

let site: TestRoles;
let flow: Flow;
beforeAll(async () => {
  site = await startRoles();
  flow = await startFlow(site);
});
afterAll(() => site.close());

const invalid = [400, "invalid_grant"];
const tokenOf = ({ body }: Answer) => String(body["refresh_token"]);
const first = async (scope = "openid offline_access") => String((await flow.tokens({ scope }))["refresh_token"]);
const advance = (ms: number) => site.world.services.clock.advance(ms);

describe("a refresh token", () => {
  test("gives new tokens and its successor, with an ID token that keeps the sign-in and drops the nonce", async () => {
    const body = await flow.tokens({ scope: "openid offline_access", nonce: "n-1" });
    advance(60_000);
    const answer = await flow.refresh(String(body["refresh_token"]));
    expect([answer.status, answer.body["scope"], tokenOf(answer) === body["refresh_token"]]).toEqual([200, "openid offline_access", false]);
    const [before, after] = [decodeJwt(String(body["id_token"])), decodeJwt(String(answer.body["id_token"]))];
    expect([after.sub, after["auth_time"], after["nonce"], after.iat === before.iat]).toEqual([before.sub ?? "", before["auth_time"], undefined, false]);
  });

  test("goes on and on, and a session in use does not end", async () => {
    let token = await first();
    for (let round = 0; round < 5; round += 1) {
      advance(20 * 86_400_000);
      const answer = await flow.refresh(token);
      expect([round, answer.status]).toEqual([round, 200]);
      token = tokenOf(answer);
    }
    advance(31 * 86_400_000);
    expect(outcome(await flow.refresh(token))).toEqual(invalid);
    flow = await startFlow(site);
  });

  test("ends a year after the grant, however much it is used", async () => {
    let token = await first();
    for (let day = 20; day < 365; day += 20) {
      advance(20 * 86_400_000);
      const answer = await flow.refresh(token);
      expect([day, answer.status]).toEqual([day, 200]);
      token = tokenOf(answer);
    }
    advance(5 * 86_400_000 - 1);
    token = tokenOf(await flow.refresh(token));
    advance(1);
    expect(outcome(await flow.refresh(token))).toEqual(invalid);
    flow = await startFlow(site);
  });

  test("may be asked for less, once, and keeps what it stands for", async () => {
    const token = await first("openid email offline_access");
    const less = await flow.refresh(token, { scope: "openid" });
    expect([less.body["scope"], decodeJwt(String(less.body["id_token"]))["email"]]).toEqual(["openid", undefined]);
    expect((await flow.refresh(tokenOf(less))).body["scope"]).toBe("openid email offline_access");
  });

  test("is never good for more than was granted (GHSA-392p-2q2v-4372)", async () => {
    const token = await first("openid offline_access");
    expect(outcome(await flow.refresh(token, { scope: "openid email" }))).toEqual([400, "invalid_scope"]);
    expect(outcome(await flow.refresh(token, { resource: "https://api.example" }))).toEqual([400, "invalid_target"]);
    expect((await flow.refresh(token)).status).toBe(200);
  });

  test("is kept by a client that does not rotate", async () => {
    const steady = await startFlow(site, { metadata: { rotate_refresh_tokens: false } });
    const token = String((await steady.tokens())["refresh_token"]);
    const answers = [await steady.refresh(token), await steady.refresh(token)];
    expect(answers.map(({ status, body }) => [status, body["refresh_token"]])).toEqual([[200, token], [200, token]]);
  });
});

describe("a refresh token is refused", () => {
  const forms: readonly (readonly [string, (token: string) => string])[] = [
    ["cut short", (token) => token.slice(0, -1)],
    ["with a character more", (token) => `${token}A`],
    ["with its last character changed", (token) => token.slice(0, -1) + (token.endsWith("A") ? "B" : "A")],
    ["in another case", (token) => token.toLowerCase()],
    ["with a space", (token) => ` ${token}`],
    ["that is empty", () => ""],
  ];
  test.each(forms)("%s", async (_name, change) => {
    const token = await first();
    expect(outcome(await flow.refresh(change(token)))).toEqual(invalid);
    expect((await flow.refresh(token)).status).toBe(200);
  });

  test("at another client, and without the client's secret", async () => {
    const other = await startFlow(site);
    const token = await first();
    expect(outcome(await other.refresh(token))).toEqual(invalid);
    const form = { grant_type: "refresh_token", refresh_token: token };
    expect((await post(site, "token", { form: { ...form, client_id: flow.client.id } })).status).toBe(401);
    expect((await post(site, "token", { form, headers: basic({ ...flow.client, secret: "wrong" }) })).status).toBe(401);
    expect((await flow.refresh(token)).status).toBe(200);
  });

  test("of a person who was disabled, and of a client that was", async () => {
    const grace = await addPerson(site.gate);
    const hers = await startFlow(site, { address: `${grace.userId}@example.com` });
    const token = String((await hers.tokens())["refresh_token"]);
    const disable = async (table: "users" | "oidcClients", disabled_at: number | null) => await site.gate.store.write(async (writer) => void (await writer.update(writer.tables[table]).set({ disabled_at })));
    await disable("users", 1);
    expect(outcome(await hers.refresh(token))).toEqual(invalid);
    await disable("users", null);
    await disable("oidcClients", 1);
    expect((await hers.refresh(token)).status).toBe(401);
    await disable("oidcClients", null);
    expect((await hers.refresh(token)).status).toBe(200);
  });

  test("once the sign-in ended, unless it was offline access", async () => {
    const mine = await startFlow(site);
    const online = String((await mine.tokens({ scope: "openid" }))["refresh_token"]);
    const offline = String((await mine.tokens({ scope: "openid offline_access" }))["refresh_token"]);
    await site.gate.store.write(async (writer) => void (await writer.update(writer.tables.sessions).set({ ended_at: 1 })));
    expect([outcome(await mine.refresh(online)), (await mine.refresh(offline)).status]).toEqual([invalid, 200]);
    flow = await startFlow(site);
  });

  test("while the license does not let the client be used", async () => {
    const token = await first();
    site.license({ state: "expired" });
    expect((await flow.refresh(token)).status).toBe(503);
    site.license({});
    expect((await flow.refresh(token)).status).toBe(200);
  });
});

test("a role that was lost is gone from the next ID token", async () => {
  const grace = await addPerson(site.gate, { teamId: site.people.teamId, role: "admin" });
  const hers = await startFlow(site, { address: `${grace.userId}@example.com` });
  const body = await hers.tokens({ scope: "openid teams" });
  expect(decodeJwt(String(body["id_token"]))["teams"]).toEqual([{ id: site.people.teamId, name: "First", role: "admin" }]);
  await site.gate.store.write(async (writer) => void (await writer.delete(writer.tables.memberships)));
  const next = await hers.refresh(String(body["refresh_token"]));
  expect(decodeJwt(String(next.body["id_token"]))["teams"]).toEqual([]);
});

describe("a token that was just used", () => {
  test("gives the same successor again inside the grace, also after its successor was used", async () => {
    const token = await first();
    const answer = await flow.refresh(token);
    advance(GRACE_MS);
    expect(tokenOf(await flow.refresh(token))).toBe(tokenOf(answer));
    const next = await flow.refresh(tokenOf(answer));
    expect(tokenOf(await flow.refresh(token))).toBe(tokenOf(answer));
    expect(tokenOf(await flow.refresh(tokenOf(answer)))).toBe(tokenOf(next));
  });

  test("ends the lineage after the grace, for thief and owner alike, and stays so after a restart (CVE-2026-9802)", async () => {
    const token = await first();
    const answer = await flow.refresh(token);
    advance(GRACE_MS + 1);
    expect(outcome(await flow.refresh(token))).toEqual(invalid);
    expect(outcome(await flow.refresh(tokenOf(answer)))).toEqual(invalid);
    await using later = await testGate({ over: site.world });
    const grants = await later.store.read(async (reader) => await reader.select().from(reader.tables.oidcGrants));
    expect(grants.some(({ end_reason }) => end_reason === "refresh_replayed")).toBe(true);
  });

  test("fifty times side by side is one lineage (CVE-2026-1035)", async () => {
    const token = await first();
    const answers = await Promise.all(Array.from({ length: 50 }, () => flow.refresh(token)));
    expect([new Set(answers.map(({ status }) => status)), new Set(answers.map(tokenOf)).size]).toEqual([new Set([200]), 1]);
    const digest = (text: string) => site.gate.sealer.digest("oidc-refresh-token", text);
    const rows = await site.gate.store.read(async (reader) => await reader.select().from(reader.tables.oidcRefreshTokens));
    const [own] = rows.filter((row) => row.digest === digest(token));
    expect(rows.filter((row) => row.grant_id === own?.grant_id).map((row) => [row.generation, row.used_at === null])).toEqual(expect.arrayContaining([[1, false], [2, true]]));
    expect(rows.filter((row) => row.grant_id === own?.grant_id)).toHaveLength(2);
  });
});
