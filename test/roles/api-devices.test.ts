/** Pairing and devices over HTTP, in the documented shapes. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { bearer, type Credentials, startRoles, type TestRoles } from "../support/roles.ts";

let site: TestRoles;
let credentials: Credentials;
beforeAll(async () => {
  site = await startRoles();
  credentials = await site.credentials();
});
afterAll(() => site.close());

const START = "/api/v1/desktop/pair/start";
const POLL = "/api/v1/desktop/pair/poll";
const CONFIRM = "/api/v1/desktop/pair/confirm";
const DEVICES = "/api/v1/users/me/devices";
const notFound = [404, "not_found"];

const start = async () => (await site.call(START, { method: "POST" })).body;
const poll = async (device_code: unknown) => await site.call(POLL, { json: { device_code } });
const confirm = async (user_code: unknown, more: object = {}) => await site.call(CONFIRM, { as: credentials.user, json: { user_code, ...more } });

async function pair(): Promise<{ readonly rawKey: string; readonly agentKey: string }> {
  const started = await start();
  await confirm(started["user_code"]);
  const { body } = await poll(started["device_code"]);
  return { rawKey: String(body["raw_key"]), agentKey: String(body["agent_key"]) };
}

describe("pairing", () => {
  test("goes from start over confirm to keys that open what they should, with the documented bodies", async () => {
    const started = await site.call(START, { method: "POST" });
    expect([started.status, Object.keys(started.body).toSorted(), started.headers.get("cache-control")]).toEqual([200, ["device_code", "expires_in", "interval", "user_code", "verification_uri"], "no-store"]);
    expect(started.body).toMatchObject({ expires_in: 300, interval: 2, verification_uri: `${site.urls.api}/desktop/pair?user_code=${String(started.body["user_code"])}` });
    const pending = await poll(started.body["device_code"]);
    expect([pending.status, pending.body]).toEqual([200, { status: "pending" }]);
    const confirmed = await confirm(started.body["user_code"], { device_name: "Laptop" });
    expect([confirmed.status, confirmed.text]).toEqual([204, ""]);
    const approved = await poll(started.body["device_code"]);
    expect([approved.status, approved.body, approved.headers.get("cache-control")]).toEqual([
      200,
      { status: "approved", raw_key: expect.stringMatching(/^dk-/), agent_key: expect.stringMatching(/^ak-/) },
      "no-store",
    ]);
    const device = bearer(String(approved.body["raw_key"]));
    expect((await site.call("/api/v1/users/me", { as: device })).body["id"]).toBe(site.people.owner.userId);
    expect((await site.call("/api/v1/r/workflows", { as: device })).status).toBe(200);
    expect((await site.call("/api/v1/credentials", { as: device })).status).toBe(403);
    expect((await site.call("/api/v1/users/me", { as: bearer(String(approved.body["agent_key"])) })).status).toBe(403);
    const again = await poll(started.body["device_code"]);
    expect([again.status, again.body["error_code"], typeof again.body["error_message"]]).toEqual([...notFound, "string"]);
    expect(site.logged.join("")).not.toContain(String(approved.body["raw_key"]).slice(12));
  });

  test("is confirmed by a cookie of the dashboard's own page as well, but by no key and by nobody", async () => {
    for (const [as, status] of [
      [credentials.stranger, 401],
      [credentials.device, 403],
      [credentials.integration, 403],
      [credentials.agent, 403],
      [credentials.cookie, 204],
    ] as const) {
      const { user_code } = await start();
      expect((await site.call(CONFIRM, { as, json: { user_code } })).status).toBe(status);
    }
  });

  test("takes the code in any case, with dash, space or neither", async () => {
    for (const spell of [(code: string) => code.toLowerCase(), (code: string) => code.replace("-", ""), (code: string) => code.replace("-", " ")]) {
      expect((await confirm(spell(String((await start())["user_code"])))).status).toBe(204);
    }
  });

  test("refuses what is not documented with a clear 4xx and no repetition of it", async () => {
    const bad = [
      [POLL, {}, 400],
      [POLL, { device_code: 5 }, 400],
      [POLL, { device_code: "x", more: 1 }, 400],
      [POLL, { device_code: "x".repeat(257) }, 400],
      [POLL, { device_code: "never-was" }, 404],
      [CONFIRM, {}, 400],
      [CONFIRM, { user_code: null }, 400],
      [CONFIRM, { user_code: "AB7K-PNQ3", team_id: site.people.teamId }, 400],
      [CONFIRM, { user_code: "AB7K-PNQ3", device_name: "x".repeat(101) }, 400],
      [CONFIRM, { user_code: "AB7K-PNQ3" }, 404],
      [CONFIRM, { user_code: "0000-0000" }, 404],
    ] as const;
    for (const [path, json, status] of bad) {
      const answer = await site.call(path, { as: path === CONFIRM ? credentials.user : {}, json });
      expect([path, json, answer.status]).toEqual([path, json, status]);
      expect(answer.text).not.toContain("AB7K");
    }
  });

  test("ends guessing with 429 and a time to wait", async () => {
    const codes: number[] = [];
    for (let guess = 0; guess < 12; guess += 1) codes.push((await confirm("ZZZZ-ZZZZ")).status);
    const { status, headers } = await confirm(String((await start())["user_code"]));
    expect([codes.includes(404), codes.at(-1), status, Number(headers.get("retry-after")) >= 1]).toEqual([true, 429, 429, true]);
    site.world.services.clock.advance(900_000);
    credentials = await site.credentials();
  });
});

describe("devices", () => {
  test("a device ends itself and its agent key, and is refused from then on", async () => {
    const { rawKey, agentKey } = await pair();
    const revoked = await site.call("/api/v1/auth/device/revoke", { method: "POST", as: bearer(rawKey) });
    expect([revoked.status, revoked.text]).toEqual([204, ""]);
    expect((await site.call("/api/v1/users/me", { as: bearer(rawKey) })).status).toBe(401);
    expect((await site.call("/v1/connect", { as: bearer(agentKey), role: "gateway" })).status).toBe(401);
    expect((await site.call("/api/v1/auth/device/revoke", { method: "POST", as: bearer(rawKey) })).status).toBe(401);
  });

  test("nobody but a device ends itself this way", async () => {
    for (const [as, status] of [[credentials.stranger, 401], [credentials.user, 403], [credentials.integration, 403], [credentials.agent, 403]] as const) {
      expect((await site.call("/api/v1/auth/device/revoke", { method: "POST", as })).status).toBe(status);
    }
  });

  test("a person lists and ends their devices, by session or by another device", async () => {
    const first = await pair();
    const second = await pair();
    const list = async (as: Readonly<Record<string, string>>) => await site.call(DEVICES, { as });
    const { body } = await list(bearer(first.rawKey));
    const rows = Array.isArray(body["device_list"]) ? body["device_list"] : [];
    expect(rows.length).toBeGreaterThanOrEqual(2);
    expect(body["page_meta"]).toMatchObject({ current_page: 1, per_page: 20 });
    expect(JSON.stringify(body)).not.toContain(first.rawKey.slice(12));
    const current = rows.find(({ is_current }) => is_current);
    const other = rows.find(({ key_prefix }) => key_prefix === second.rawKey.slice(0, 12));
    expect([current.key_prefix, other.is_current]).toEqual([first.rawKey.slice(0, 12), false]);
    expect((await site.call(`${DEVICES}/${other.id}`, { method: "DELETE", as: bearer(first.rawKey) })).status).toBe(204);
    expect((await list(bearer(second.rawKey))).status).toBe(401);
    expect((await site.call(`${DEVICES}/${current.id}`, { method: "DELETE", as: { authorization: credentials.user["authorization"] ?? "" } })).status).toBe(204);
    expect((await list(bearer(first.rawKey))).status).toBe(401);
    for (const [id, status] of [[first.rawKey, 400], [first.rawKey.slice(0, 12), 400], ["00000000-0000-7000-8000-00000000000f", 404]] as const) {
      const answer = await site.call(`${DEVICES}/${id}`, { method: "DELETE", as: credentials.user });
      expect([id, answer.status, answer.text.includes(first.rawKey.slice(0, 12))]).toEqual([id, status, false]);
    }
  });
});
