import { expect, test } from "bun:test";
import { operator, system } from "../../src/gate/caller.ts";
import { createSetupLink, requireSetupLink } from "../../src/identity/setup-links.ts";
import { auditRows, storeText, type TestGate, testGate } from "../support/gate.ts";
import { setUp } from "../support/people.ts";
import { codeOf, refusalOf, shutStates, strangersTo } from "../support/refusal.ts";

function check({ gate }: TestGate, token: string): Promise<void> {
  return gate.store.read((reader) => requireSetupLink(gate, reader, token));
}

test("a link holds 256 bits, says where and until when, and is stored as a digest only", async () => {
  await using world = await testGate({ settings: { publicUrl: "https://console.example.com" } });
  const link = await createSetupLink(world.gate, operator, undefined);
  expect(link.setup_token).toMatch(/^[0-9A-Za-z]{43}$/);
  expect(link.setup_url).toBe(`https://console.example.com/setup/${link.setup_token}`);
  expect(Date.parse(link.expires_at) - world.services.clock.now()).toBe(30 * 60_000);
  expect(await storeText(world.store)).not.toContain(link.setup_token);
  expect(await auditRows(world.store)).toMatchObject([{ operation: "setup_link.create", outcome: "done", actor: "operator" }]);
});

test("it is good to the last moment of its half hour, and not after", async () => {
  await using world = await testGate();
  const { setup_token } = await createSetupLink(world.gate, system, undefined);
  world.services.clock.advance(30 * 60_000 - 1);
  expect(await codeOf(check(world, setup_token))).toBeUndefined();
  world.services.clock.advance(1);
  expect(await codeOf(check(world, setup_token))).toBe("gone");
});

test("a newer link ends the older", async () => {
  await using world = await testGate();
  const older = await createSetupLink(world.gate, operator, undefined);
  const newer = await createSetupLink(world.gate, operator, undefined);
  expect(await codeOf(check(world, older.setup_token))).toBe("gone");
  expect(await codeOf(check(world, newer.setup_token))).toBeUndefined();
});

test("unknown, mistyped and expired links are refused in the same words", async () => {
  await using world = await testGate();
  const { setup_token } = await createSetupLink(world.gate, operator, undefined);
  const texts = ["", "unknown", setup_token.slice(1), `${setup_token}0`, setup_token.toLowerCase(), "' or 1=1 --"];
  const refusals = await Promise.all(texts.map((token) => refusalOf(check(world, token))));
  world.services.clock.advance(30 * 60_000);
  refusals.push(await refusalOf(check(world, setup_token)));
  expect(new Set(refusals.map(({ code, message, hint }) => `${code} ${message} ${hint}`)).size).toBe(1);
  expect(refusals[0]?.code).toBe("gone");
});

test("there are no links once the deployment is set up", async () => {
  await using world = await testGate();
  await setUp(world.gate);
  expect(await codeOf(createSetupLink(world.gate, operator, undefined))).toBe("conflict");
});

test("no license state keeps the operator from making one, and nobody else may", async () => {
  await using world = await testGate();
  for (const { caller, code } of strangersTo("setup_link.create")) expect(await codeOf(createSetupLink(world.gate, caller, undefined))).toBe(code);
  for (const state of shutStates) {
    world.license({ state });
    expect(await codeOf(createSetupLink(world.gate, operator, undefined))).toBeUndefined();
  }
});
