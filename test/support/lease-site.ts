/**
 * A small site for tests of the lease holder: a clock moved by hand, a data directory, License Servers and roles.
 *
 *     await using site = leaseSite();
 *     const server = site.server();
 *     const holder = await site.role("api", [server]);
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeBase64url } from "../../src/crypto/base64url.ts";
import { type DataDirectory, dataDirectory, writeFileDurably } from "../../src/data-directory.ts";
import type { Entitlements } from "../../src/license/entitlements.ts";
import { type LeaseHolder, startLeaseHolder } from "../../src/license/holder/lease-holder.ts";
import type { LeaseRole } from "../../src/license/lease.ts";
import type { Clock, Services } from "../../src/services.ts";
import { PUSH_SPACING_MS } from "../../src/license/holder/refresh-schedule.ts";
import { eventually } from "./eventually.ts";
import { type LicenseServerDouble, startDouble } from "./license-server-double.ts";
import { testVendor, type TestVendor } from "./license.ts";
import { testServices, type TestServices } from "./services.ts";

export const ENROL_SECRET = new Uint8Array(32).fill(7);

export interface Logged {
  readonly level: string;
  readonly event: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface RoleOptions {
  readonly directory?: DataDirectory;
  readonly joinToken?: string;
  readonly services?: TestServices;
}

export interface LeaseSite extends AsyncDisposable {
  readonly services: TestServices;
  readonly vendor: TestVendor;
  readonly directory: DataDirectory;
  readonly log: Logged[];
  /** A further data directory, as of another host. */
  otherDirectory(): DataDirectory;
  /** A License Server; the first one lives in the site's data directory and is trusted by its roles. */
  server(name?: string): LicenseServerDouble;
  /** Makes `directory` the home of `server`: its instance key, and a secret to enrol with. */
  house(server: LicenseServerDouble, directory?: DataDirectory): void;
  /** A role that has made its first attempt. */
  role(role: LeaseRole, servers: readonly (LicenseServerDouble | string)[], options?: RoleOptions): Promise<LeaseHolder>;
  /** Awaits that the role has heard a push, and runs the clock up to what it does about it. */
  hear(holder: LeaseHolder): Promise<void>;
  /** Awaits that the role listens at `server`, has asked again as it does when its stream begins, and is idle. */
  listen(holder: LeaseHolder, server: LicenseServerDouble): Promise<void>;
  /** Forgets a role as a kill does: nothing is written, no request or timer of it acts again. */
  kill(): void;
}

/** What a role may do, in a word or two. */
export function stateOf(holder: { entitlements(): Entitlements }): Entitlements["state"] {
  return holder.entitlements().state;
}

/** The services of a process that can be killed: its timers never fire again and its requests are never answered. */
function mortal(services: Services, life: { readonly isKilled: boolean }): Services {
  const { clock, random, network } = services;
  const after: Clock["after"] = (delayMs, task) => clock.after(delayMs, () => void (life.isKilled || task()));
  return {
    random,
    clock: { now: () => clock.now(), monotonic: () => clock.monotonic(), after },
    network,
    fetch: (url, init) => (life.isKilled ? new Promise(() => {}) : services.fetch(url, init)),
  };
}

export function leaseSite(startAtMs?: number): LeaseSite {
  const services = testServices(startAtMs === undefined ? {} : { startAtMs });
  const vendor = testVendor();
  const roots: string[] = [];
  const servers: LicenseServerDouble[] = [];
  const started: { readonly holder: LeaseHolder; readonly life: { isKilled: boolean } }[] = [];
  const log: Logged[] = [];
  const newDirectory = () => {
    const root = mkdtempSync(join(tmpdir(), "cyberun-lease-"));
    roots.push(root);
    return dataDirectory(root);
  };
  const directory = newDirectory();
  const house = (server: LicenseServerDouble, home = directory) => {
    writeFileDurably(home.instanceKey, `${encodeBase64url(server.seed)}\n`);
    writeFileDurably(home.enrolSecret, `${encodeBase64url(ENROL_SECRET)}\n`);
  };
  const hear = async (holder: LeaseHolder) => {
    const leftMs = () => (holder.status().nextRefreshAtMs ?? Infinity) - services.clock.now();
    await eventually(() => leftMs() <= PUSH_SPACING_MS);
    services.clock.advance(Math.ceil(leftMs()));
  };
  return {
    hear,
    async listen(holder, server) {
      const count = server.leases.length;
      await hear(holder);
      await eventually(() => server.leases.length > count);
      await holder.refresh();
    },
    services,
    vendor,
    directory,
    log,
    otherDirectory: newDirectory,
    house,
    server(name = "first") {
      const server = startDouble({ services, vendor, name });
      servers.push(server);
      if (servers.length === 1) house(server);
      return server;
    },
    async role(role, at, options = {}) {
      const life = { isKilled: false };
      const holder = startLeaseHolder({
        services: mortal(options.services ?? services, life),
        log: { write: (level, event, fields = {}) => void log.push({ level, event, fields }) },
        role,
        addresses: at.map((server) => (typeof server === "string" ? server : server.address)),
        directory: options.directory ?? directory,
        trustedKeys: vendor.trusted,
        version: "0.0.0-test",
        joinToken: options.joinToken,
      });
      started.push({ holder, life });
      await holder.whenSettled();
      return holder;
    },
    kill() {
      for (const { life } of started) life.isKilled = true;
    },
    async [Symbol.asyncDispose]() {
      for (const { holder, life } of started) if (!life.isKilled) await holder.stop();
      for (const server of servers) await server.stop();
      for (const root of roots) rmSync(root, { recursive: true, force: true });
    },
  };
}
