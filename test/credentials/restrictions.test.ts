import { describe, expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import { findCallerByKey } from "../../src/credentials/authentication.ts";
import { createCredential, listCredentials } from "../../src/credentials/credentials.ts";
import { testGate } from "../support/gate.ts";
import { setUp } from "../support/people.ts";
import { codeOf, refusalOf } from "../support/refusal.ts";

const integration = { kind: "integration", display_name: "CI" };

test("scopes and networks are kept once each and in one form, and the list shows them", async () => {
  await using world = await testGate();
  const { owner } = await setUp(world.gate);
  const key = await createCredential(world.gate, owner, {
    ...integration,
    scopes: ["tasks:read", "workflows:read", "tasks:read"],
    allowed_cidrs: ["2001:DB8:0::/32", "10.0.0.0/8", "::ffff:10.0.0.0/104", "192.0.2.7"],
  });
  expect((await listCredentials(world.gate, owner, {})).credentials).toMatchObject([
    { scopes: ["workflows:read", "tasks:read"], allowed_cidrs: ["2001:db8::/32", "10.0.0.0/8", "192.0.2.7/32"] },
  ]);
  expect(await findCallerByKey(world.gate, key.raw_key, "10.1.2.3")).toMatchObject({ scopes: ["workflows:read", "tasks:read"] });
});

describe("a restriction that cannot be meant is refused by name", () => {
  const bad = [
    ["scopes", { scopes: [] }],
    ["scopes", { scopes: ["workflows"] }],
    ["scopes", { scopes: ["workflows:read", "*"] }],
    ["scopes", { scopes: ["Workflows:Read"] }],
    ["scopes", { scopes: ["workflows:read "] }],
    ["scopes", { scopes: ["toString"] }],
    ["scopes", { kind: "agent", scopes: ["workflows:read"] }],
    ["allowed_cidrs", { allowed_cidrs: [] }],
    ["allowed_cidrs/0", { allowed_cidrs: ["10.1.2.3/8"] }],
    ["allowed_cidrs/1", { allowed_cidrs: ["10.0.0.0/8", "example.com"] }],
    ["allowed_cidrs/0", { allowed_cidrs: ["fe80::1%eth0"] }],
    ["allowed_cidrs/0", { allowed_cidrs: [""] }],
    ["allowed_cidrs", { allowed_cidrs: Array.from({ length: 51 }, (_, index) => `10.0.0.${index}`) }],
  ] as const;
  test.each(bad)("%s: %j", async (field, changes) => {
    await using world = await testGate();
    const { owner } = await setUp(world.gate);
    const refusal = await refusalOf(createCredential(world.gate, owner, { ...integration, ...changes }));
    expect(refusal).toMatchObject({ code: "invalid_request", details: { fields: [{ field }] } });
    expect((await listCredentials(world.gate, owner, {})).page_meta.total_count).toBe(0);
  });
});

test("a key with networks is refused from everywhere else, with the address that was seen", async () => {
  await using world = await testGate();
  const { owner } = await setUp(world.gate);
  for (const kind of ["integration", "agent"]) {
    const { raw_key } = await createCredential(world.gate, owner, { kind, display_name: "Inside", allowed_cidrs: ["10.0.0.0/8", "2001:db8::/64"] });
    for (const address of ["10.0.0.1", "::ffff:10.0.0.1", "2001:db8::1", "2001:DB8:0:0:ffff::"]) expect(await findCallerByKey(world.gate, raw_key, address)).toMatchObject({ kind, address });
    for (const address of ["11.0.0.1", "::ffff:11.0.0.1", "2001:db8:0:1::1", "::1", "127.0.0.1", "", "10.0.0.1, 11.0.0.1", "10.0.0.1:80", undefined]) {
      const refusal = await refusalOf(findCallerByKey(world.gate, raw_key, address));
      expect(refusal).toMatchObject({ code: "forbidden", status: 403, details: { address: address ?? null } });
      expect(JSON.stringify([refusal.message, refusal.hint, refusal.details])).not.toContain("10.0.0.0/8");
    }
  }
});

test("an unknown key from a wrong address is told nothing of networks", async () => {
  await using world = await testGate();
  const { owner } = await setUp(world.gate);
  const { raw_key } = await createCredential(world.gate, owner, { ...integration, expires_in_days: 1, allowed_cidrs: ["10.0.0.0/8"] });
  world.services.clock.advance(86_400_000);
  expect(await codeOf(findCallerByKey(world.gate, raw_key, "192.0.2.1"))).toBeUndefined();
  expect(await findCallerByKey(world.gate, raw_key, "192.0.2.1")).toBeUndefined();
});

test("words of a newer build and damage in the row allow less, never more", async () => {
  await using world = await testGate();
  const { owner } = await setUp(world.gate);
  const key = await createCredential(world.gate, owner, integration);
  const keep = async (row: { readonly scopes?: string; readonly allowed_cidrs?: string }) => {
    await world.store.write(async (writer) => {
      const { credentials } = writer.tables;
      await writer.update(credentials).set({ scopes: null, allowed_cidrs: null, ...row }).where(eq(credentials.id, key.id));
    });
  };
  await keep({ scopes: '["models:read","tasks:read"]' });
  expect(await findCallerByKey(world.gate, key.raw_key, undefined)).toMatchObject({ scopes: ["tasks:read"] });
  for (const scopes of ['["models:read"]', "{}", "0", "null"]) {
    await keep({ scopes });
    expect(await findCallerByKey(world.gate, key.raw_key, undefined)).toMatchObject({ scopes: [] });
  }
  for (const allowed_cidrs of ["[]", "{}", '["everywhere"]', '["10.0.0.0/99"]']) {
    await keep({ allowed_cidrs });
    expect(await codeOf(findCallerByKey(world.gate, key.raw_key, "10.0.0.1"))).toBe("forbidden");
  }
});
