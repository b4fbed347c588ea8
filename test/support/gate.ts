/**
 * A gate as a role has one: a fresh store, a clock under the test's control, and a license that says what the test wants.
 *
 *     await using world = await testGate({ quotas: { team: { max_integration_keys: 1 } } });
 *     await createTeam(world.gate, caller, { display_name: "Blue" });
 *     world.license({ state: "expired" });
 */
import { asc } from "drizzle-orm";
import { createSealer, MASTER_KEY_BYTES } from "../../src/crypto/sealing.ts";
import type { Gate } from "../../src/gate/operation.ts";
import { Refusals } from "../../src/gate/refusals.ts";
import { features, quotas } from "../../src/license/catalog.ts";
import type { Namespace } from "../../src/license/document.ts";
import type { Entitlements, FeatureMap, LicenseState, QuotaMap } from "../../src/license/entitlements.ts";
import { defaultSettings, type Settings } from "../../src/settings.ts";
import type { Tables } from "../../src/store/schema.ts";
import type { Store } from "../../src/store/store.ts";
import { type TestServices, testServices } from "./services.ts";
import { openTestStore, type TestStore } from "./store.ts";

/** What the license shall say. Beyond it every feature of the catalog is on and every quota unlimited. */
export interface TestLicense {
  readonly state?: LicenseState;
  /** Who and until when; nothing of it is known otherwise. */
  readonly license?: Entitlements["license"];
  readonly features?: Partial<Record<Namespace, Readonly<Record<string, boolean>>>>;
  readonly quotas?: Partial<Record<Namespace, Readonly<Record<string, number>>>>;
}

export interface TestGateOptions extends TestLicense {
  readonly settings?: Partial<Settings>;
  /** Wall clock at the start, epoch milliseconds. */
  readonly startAtMs?: number;
  /** An open store to use in place of a fresh one: a second process over the same data. It stays open. */
  readonly over?: TestGate;
}

export interface TestGate extends AsyncDisposable {
  readonly gate: Gate;
  readonly services: TestServices;
  readonly store: Store;
  readonly database: TestStore;
  /** Changes what the license says from now on. */
  license(license: TestLicense): void;
  close(): Promise<void>;
}

function merged<T>(
  entries: readonly { readonly namespace: Namespace; readonly key: string }[],
  value: T,
  changes: Partial<Record<Namespace, Readonly<Record<string, T>>>> = {},
): Record<Namespace, Record<string, T>> {
  const all = (namespace: Namespace) => Object.fromEntries(entries.filter((entry) => entry.namespace === namespace).map(({ key }) => [key, value]));
  return {
    global: { ...all("global"), ...changes.global },
    account: { ...all("account"), ...changes.account },
    team: { ...all("team"), ...changes.team },
  };
}

export function testEntitlements(license: TestLicense = {}): Entitlements {
  const featureMap: FeatureMap = merged(features, true, license.features);
  const quotaMap: QuotaMap = merged(quotas, -1, license.quotas);
  const nothing = { state: license.state ?? "ok", since: undefined, reason: undefined, license: license.license, graceEndsAt: undefined } as const;
  return { ...nothing, features: featureMap, quotas: quotaMap };
}

export async function testGate(options: TestGateOptions = {}): Promise<TestGate> {
  const { over } = options;
  const services = over?.services ?? testServices(options.startAtMs === undefined ? {} : { startAtMs: options.startAtMs });
  const database = over?.database ?? (await openTestStore());
  const sealer = over?.gate.sealer ?? createSealer(new Uint8Array(MASTER_KEY_BYTES).fill(7), services.random);
  let entitlements = testEntitlements(options);
  const gate: Gate = {
    services,
    store: database.store,
    sealer,
    settings: { ...defaultSettings, ...options.settings },
    entitled: { entitlements: () => entitlements },
    refusals: over?.gate.refusals ?? new Refusals({ services, sealer, store: database.store }),
  };
  const close = async () => (over === undefined ? await database.close() : undefined);
  return {
    gate,
    services,
    store: database.store,
    database,
    license: (license) => void (entitlements = testEntitlements(license)),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** `gate`, but that `between` happens after each of its reads: what another caller does while an operation is under way. */
export function afterEachRead(gate: Gate, between: () => Promise<void>): Gate {
  const { store } = gate;
  const read: Store["read"] = async (query) => {
    const result = await store.read(query);
    await between();
    return result;
  };
  return { ...gate, store: { engine: store.engine, read, write: (command) => store.write(command), close: () => store.close() } };
}

/** The audit rows in the order they were written. */
export async function auditRows(store: Store): Promise<readonly Tables["audit"]["$inferSelect"][]> {
  return await store.read(async (reader) => await reader.select().from(reader.tables.audit).orderBy(asc(reader.tables.audit.id)));
}

/** Everything the store holds, as one text: what a secret must not be found in. */
export async function storeText(store: Store): Promise<string> {
  return await store.read(async (reader) => {
    const all: unknown[] = [];
    for (const table of Object.values(reader.tables)) all.push(await reader.select().from(table));
    return JSON.stringify(all);
  });
}
