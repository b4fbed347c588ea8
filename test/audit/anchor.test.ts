/** The anchor on a disk that takes nothing: what was committed is acknowledged, and the chain goes on from it. */
import { expect, test } from "bun:test";
import { rmSync, writeFileSync } from "node:fs";
import { readAnchors } from "../../src/audit/anchor.ts";
import { openAuditedStore } from "../../src/audit/audited-store.ts";
import { verifyAudit } from "../../src/audit/verify.ts";
import { createSealer } from "../../src/crypto/sealing.ts";
import { dataDirectory } from "../../src/data-directory.ts";
import { operator } from "../../src/gate/caller.ts";
import { command, type Gate } from "../../src/gate/operation.ts";
import { without } from "../../src/license/entitlements.ts";
import { defaultSettings } from "../../src/settings.ts";
import { testServices } from "../support/services.ts";
import { makeTestDatabase } from "../support/store.ts";

const services = testServices({ seed: "anchor" });
const sealer = createSealer(new Uint8Array(32).fill(9), services.random);
const deed = command("setup_link.create", async ({ note }, subject: string) => note({ subject }));

test("commands go on while the anchor cannot be written, and the log is whole before and after it can be", async () => {
  const database = await makeTestDatabase();
  const { databaseUrl, dataDir } = database;
  const directory = dataDirectory(dataDir);
  const { store, refusals, figures, close } = await openAuditedStore({ databaseUrl, dataDir, services, sealer });
  const gate: Gate = { services, sealer, settings: defaultSettings, store, refusals, entitled: { entitlements: () => without("missing") } };
  const verify = async () => await verifyAudit(gate, operator, { anchors: readAnchors(directory, sealer) });
  writeFileSync(directory.auditAnchors, "in the way");
  await deed(gate, operator, "team:1");
  await deed(gate, operator, "team:2");
  expect(figures.failures).toBe(2);
  rmSync(directory.auditAnchors);
  await deed(gate, operator, "team:3");
  expect(await verify()).toMatchObject({ rows: 3, breach: null });
  expect(readAnchors(directory, sealer).claims).toHaveLength(1);
  await close();
  await database.remove();
});
