/**
 * The real License Server behind its real doors, and real lease holders that speak to it over a socket, all under one
 * clock that the test moves.
 */
import type { DataDirectory } from "../../src/data-directory.ts";
import { createApp, listen, type Listener } from "../../src/http/listener.ts";
import type { LeaseRole } from "../../src/license/lease.ts";
import { LeaseHolder } from "../../src/license/holder/lease-holder.ts";
import { PUSH_SPACING_MS } from "../../src/license/holder/refresh-schedule.ts";
import { addLicenseServerDoors } from "../../src/roles/license-server.ts";
import { eventually } from "./eventually.ts";
import { TestSite, type TestSiteOptions } from "./license-server.ts";

export interface RealRoleOptions {
  readonly directory?: DataDirectory;
  readonly joinToken?: string;
}

const log = { write: () => {} };

export class RealLeaseSite implements AsyncDisposable {
  readonly site: TestSite;
  readonly #holders: LeaseHolder[] = [];
  #listener: Listener;

  private constructor(site: TestSite) {
    this.site = site;
    this.#listener = this.#open();
  }

  static async start(options: TestSiteOptions = {}): Promise<RealLeaseSite> {
    return new RealLeaseSite(await TestSite.start(options));
  }

  /** A role that has made its first attempt. */
  async role(role: LeaseRole, { directory = this.site.directory, joinToken }: RealRoleOptions = {}): Promise<LeaseHolder> {
    const { services, vendor } = this.site;
    const addresses = [this.#listener.url];
    const holder = new LeaseHolder({ services, log, role, addresses, directory, trustedKeys: vendor.trusted, version: "test", joinToken });
    this.#holders.push(holder);
    await holder.whenSettled();
    return holder;
  }

  /** Runs the clock from one thing the role means to do to the next, each when it has heard a push, until `isTrue`. */
  async follow(holder: LeaseHolder, isTrue: () => boolean): Promise<void> {
    const { clock } = this.site.services;
    const leftMs = () => (holder.status().nextRefreshAtMs ?? Infinity) - clock.now();
    while (!isTrue()) {
      await eventually(() => isTrue() || leftMs() <= PUSH_SPACING_MS);
      if (!isTrue()) clock.advance(Math.ceil(leftMs()));
    }
  }

  /** Ends the License Server; its roles find nobody at its address. */
  async close(): Promise<void> {
    this.site.server.changes.close();
    await this.#listener.stop();
  }

  /** Ends the License Server and starts it again at the same address, `between` while it is down. */
  async restart(between?: () => Promise<void> | void): Promise<void> {
    const { port } = new URL(this.#listener.url);
    await this.close();
    await this.site.restart({ kill: true, ...(between && { between }) });
    this.#listener = this.#open(Number(port));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const holder of this.#holders) await holder.stop();
    await this.close();
    await this.site[Symbol.asyncDispose]();
  }

  #open(port = 0): Listener {
    const { services } = this.site;
    const app = createApp({ role: "license", services, log, authenticate: async (_request, address) => ({ kind: "anonymous", address }) });
    addLicenseServerDoors(app, this.site.server);
    return listen(app, { hostname: "127.0.0.1", port }, services);
  }
}
