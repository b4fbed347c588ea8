/** `Idempotency-Key` on real sockets: the same status and body again, and the header that tells so. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { type Shown, startRoles, type TestRoles } from "../support/roles.ts";

let site: TestRoles;
let user: Shown;

beforeAll(async () => {
  site = await startRoles();
  user = (await site.credentials()).user;
});
afterAll(() => site.close());

const create = (key: string, json: unknown = { display_name: "Blue" }, path = "/api/v1/teams") => site.call(path, { as: user, json, headers: { "idempotency-key": key } });

test("a replay has the status and the body of the first answer, and is marked", async () => {
  for (const [path, json] of [
    ["/api/v1/teams", { display_name: "Red" }],
    ["/api/v1/credentials", { kind: "integration", display_name: "Build" }],
    ["/api/v1/oidc/clients", { client_name: "Shop", redirect_uris: ["https://shop.example/cb"] }],
    ["/api/v1/oidc/initial-access-tokens", {}],
  ] as const) {
    const first = await create("one", json, path);
    const again = await create("one", json, path);
    expect([path, first.status, again.status, again.text]).toEqual([path, 201, 201, first.text]);
    expect([first.headers.get("idempotent-replayed"), again.headers.get("idempotent-replayed")]).toEqual([null, "true"]);
  }
});

test("50 parallel identical requests make exactly one", async () => {
  const answers = await Promise.all(Array.from({ length: 50 }, () => create("two")));
  expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
  expect(answers.filter(({ headers }) => headers.get("idempotent-replayed") === null)).toHaveLength(1);
  const teams = await site.call("/api/v1/teams?per_page=100", { as: user });
  expect(teams.text.split('"Blue"')).toHaveLength(2);
});

test("another body under the same key is 422 and not marked; a bad key is 400", async () => {
  await create("three");
  const other = await create("three", { display_name: "Green" });
  expect([other.status, other.body["error_code"], other.headers.get("idempotent-replayed")]).toEqual([422, "idempotency_key_reused", null]);
  const bad = await create("x".repeat(300));
  expect([bad.status, bad.body["error_code"]]).toEqual([400, "invalid_request"]);
});

test("bad input is told before the key is looked at, and a good repeat of the key works", async () => {
  expect((await create("four", { display_name: 7 })).status).toBe(400);
  expect((await create("four")).status).toBe(201);
});

test("a stranger's key does not matter", async () => {
  expect((await site.call("/api/v1/teams", { json: { display_name: "Blue" }, headers: { "idempotency-key": "two" } })).status).toBe(401);
});

test("without a key every request is one of its own", async () => {
  const [one, other] = [await site.call("/api/v1/teams", { as: user, json: { display_name: "A" } }), await site.call("/api/v1/teams", { as: user, json: { display_name: "A" } })];
  expect(one.text).not.toBe(other.text);
});
