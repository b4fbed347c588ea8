import { expect, test } from "bun:test";
import { system } from "../../src/gate/caller.ts";
import type { Gate } from "../../src/gate/operation.ts";
import { signingKeyMetrics } from "../../src/http/signing-key-metrics.ts";
import { metricsText } from "../../src/http/metrics.ts";
import { createLog } from "../../src/log.ts";
import { prepareSigningKey } from "../../src/oidc/key-rotation.ts";
import { startKeyRotation } from "../../src/oidc/key-rotation-timer.ts";
import { eventually } from "../support/eventually.ts";
import { type TestGate, testGate } from "../support/gate.ts";

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

function logging({ services }: TestGate) {
  const lines: string[] = [];
  return { lines, log: createLog(services.clock, "info", (line) => void lines.push(line)) };
}

/** `gate` whose reads fail while `isBroken` says so. */
function fragile(gate: Gate, isBroken: () => boolean): Gate {
  const { store } = gate;
  const read: Gate["store"]["read"] = async (query) => {
    if (isBroken()) throw new Error("the disk is gone");
    return await store.read(query);
  };
  return { ...gate, store: { engine: store.engine, read, write: (command) => store.write(command), close: () => store.close() } };
}

test("it checks at the start and every minute, and logs what changes", async () => {
  await using world = await testGate();
  const { kid } = await prepareSigningKey(world.gate, system, undefined);
  const { lines, log } = logging(world);
  const { clock } = world.services;
  const rotation = startKeyRotation(world.gate, log);
  await eventually(() => clock.timers() === 1);
  expect(rotation.schedule()).toMatchObject([{ alg: "ES256", signingSince: clock.now(), nextChangeAt: clock.now() + 90 * DAY_MS }]);
  expect(lines).toEqual([]);
  clock.stepWall(89 * DAY_MS);
  clock.advance(MINUTE_MS);
  await eventually(() => lines.length === 1 && clock.timers() === 1);
  expect(JSON.parse(lines[0] ?? "")).toMatchObject({ level: "info", event: "signing_key.changes", alg: "ES256", retires: kid });
  await rotation.stop();
  expect(clock.timers()).toBe(0);
});

test("a check that fails is logged and the next one goes on", async () => {
  await using world = await testGate();
  await prepareSigningKey(world.gate, system, undefined);
  const { lines, log } = logging(world);
  const { clock } = world.services;
  let isBroken = true;
  const rotation = startKeyRotation(fragile(world.gate, () => isBroken), log);
  await eventually(() => clock.timers() === 1);
  expect(rotation.schedule()).toEqual([]);
  expect(JSON.parse(lines[0] ?? "")).toMatchObject({ level: "error", event: "signing_key.rotation_failed" });
  isBroken = false;
  clock.advance(MINUTE_MS);
  await eventually(() => rotation.schedule().length === 1);
  expect(lines).toHaveLength(1);
  await rotation.stop();
});

test("stopped while a check runs it waits for that, and arms nothing more", async () => {
  await using world = await testGate();
  await prepareSigningKey(world.gate, system, undefined);
  const rotation = startKeyRotation(world.gate, logging(world).log);
  await rotation.stop();
  expect(rotation.schedule()).toHaveLength(1);
  expect(world.services.clock.timers()).toBe(0);
});

test("metrics tell the age of each signing key and the time until the next", async () => {
  await using world = await testGate();
  await prepareSigningKey(world.gate, system, undefined);
  const rotation = startKeyRotation(world.gate, logging(world).log);
  await rotation.stop();
  world.services.clock.advance(DAY_MS);
  const text = metricsText(signingKeyMetrics(rotation.schedule(), world.services.clock));
  expect(text).toContain('\ncyberun_signing_key_age_seconds{alg="ES256"} 86400\n');
  expect(text).toContain(`\ncyberun_signing_key_next_change_seconds{alg="ES256"} ${89 * 86_400}\n`);
  expect(metricsText(signingKeyMetrics([{ alg: "RS256", signingSince: undefined, nextChangeAt: undefined }], world.services.clock))).not.toContain("RS256");
});
