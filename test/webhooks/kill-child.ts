/**
 * The process that `kill.test.ts` kills: a courier over a store of the test, which stops for good at a point that it is told.
 *
 *     bun kill-child.ts POINT NOW DATA_DIR [DATABASE_URL]
 *
 * It prints `at POINT` when it is there, and `settled` when nothing is left to send; then it ends.
 */
import { writeSync } from "node:fs";
import { isNotNull } from "drizzle-orm";
import { createSealer, MASTER_KEY_BYTES } from "../../src/crypto/sealing.ts";
import { findDialAllowance } from "../../src/dialler.ts";
import type { Gate } from "../../src/gate/operation.ts";
import { Refusals } from "../../src/gate/refusals.ts";
import { createLog } from "../../src/log.ts";
import { realNetwork } from "../../src/network.ts";
import { realServices, type Services } from "../../src/services.ts";
import { defaultSettings } from "../../src/settings.ts";
import { openStore } from "../../src/store/open.ts";
import type { Store } from "../../src/store/store.ts";
import { Courier } from "../../src/webhooks/courier.ts";
import { testEntitlements } from "../support/gate.ts";

/** Commands of a courier with one event, in their order: it looks for more to take while the call is on its way. */
const commands = ["note", "take", "look for more", "record"];
const forever = new Promise<never>(() => {});
/** Keeps the process there for whoever kills it: a promise alone does not. */
const alive = setInterval(() => {}, 60_000);

async function main([point = "", now = "", dataDir = "", databaseUrl]: readonly string[]): Promise<void> {
  const here = async (name: string): Promise<void> => {
    if (name !== point) return;
    writeSync(1, `at ${name}\n`);
    await forever;
  };
  const offset = Number(now) - Date.now();
  const real = realServices();
  const services: Services = {
    ...real,
    clock: { ...real.clock, now: () => Date.now() + offset },
    network: {
      resolve: async () => ["127.0.0.1"],
      async exchange(exchange) {
        await here("before send");
        const answer = await realNetwork.exchange(exchange);
        await here("after send");
        return answer;
      },
    },
  };
  const store = await openStore({ dataDir, databaseUrl, clock: real.clock });
  let written = 0;
  const paused: Store = {
    engine: store.engine,
    read: (query) => store.read(query),
    async write(command) {
      const name = commands[written] ?? "later";
      written += 1;
      await here(`before ${name}`);
      const result = await store.write(command);
      await here(`after ${name}`);
      return result;
    },
    close: () => store.close(),
  };
  const sealer = createSealer(new Uint8Array(MASTER_KEY_BYTES).fill(7), services.random);
  const loopback = findDialAllowance("127.0.0.1");
  const gate: Gate = {
    services,
    store: paused,
    sealer,
    settings: { ...defaultSettings, dialAllow: loopback === undefined ? [] : [loopback] },
    entitled: { entitlements: () => testEntitlements() },
    refusals: new Refusals({ services, sealer, store }),
  };
  const courier = new Courier(gate, createLog(services.clock, "warn", (line) => void process.stderr.write(line)));
  const isLeft = async () =>
    await store.read(async (reader) => {
      const { taskEvents, webhookDeliveries } = reader.tables;
      const untold = await reader.select({ id: taskEvents.id }).from(taskEvents).where(isNotNull(taskEvents.untold_since)).limit(1);
      const due = await reader.select({ id: webhookDeliveries.id }).from(webhookDeliveries).where(isNotNull(webhookDeliveries.due_at)).limit(1);
      return untold.length + due.length > 0;
    });
  while (await isLeft()) await new Promise((resolve) => setImmediate(resolve));
  await courier.stop();
  await store.close();
  clearInterval(alive);
  writeSync(1, "settled\n");
}

if (import.meta.main) await main(Bun.argv.slice(2));
