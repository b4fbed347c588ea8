/** `/deployment/system`: what runs where and how it does, for administrators. */
import type { Gate } from "../../gate/operation.ts";
import { door } from "../../http/door.ts";
import type { App } from "../../http/listener.ts";
import { isoTime } from "../../page.ts";
import { readSystem, type System, type SystemView } from "../../system/system.ts";

function isoOrNull(epochMs: number | undefined): string | null {
  return epochMs === undefined ? null : isoTime(epochMs);
}

function systemDocument({ version, startedAtMs, roles, engine, lease, addresses, checks }: System) {
  return {
    version,
    started_at: isoTime(startedAtMs),
    role_list: roles,
    store_engine: engine,
    lease: { server: lease.server ?? null, age_seconds: lease.leaseAgeSeconds ?? null, next_refresh_at: isoOrNull(lease.nextRefreshAtMs) },
    license_server_list: lease.addresses.map(({ address, outcome, reason, atMs }) => ({ address, outcome, reason: reason ?? null, asked_at: isoOrNull(atMs) })),
    address_list: addresses,
    check_list: checks.map(({ name, status, message, hint }) => ({ name, check_status: status, message, hint })),
  };
}

export function addSystemDoors(app: App, gate: Gate, view: SystemView): void {
  app.get("/api/v1/deployment/system", async ({ caller }) => systemDocument(await readSystem(gate, caller, view)), door("system.read"));
}
