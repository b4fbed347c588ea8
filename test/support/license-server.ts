/**
 * A License Server on a real store and a real data directory, with a clock that the test moves, and clients that speak
 * the handshake to it without a socket.
 *
 *     await using site = await startTestSite({ license: vendor.sign() });
 *     const client = site.client("api");
 *     const lease = await client.lease();
 */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { createHash } from "node:crypto";
import { encodeBase64url } from "../../src/crypto/base64url.ts";
import { publicX, type SigningKey, signingKeyFromSeed } from "../../src/crypto/jws.ts";
import { createSealer } from "../../src/crypto/sealing.ts";
import { type DataDirectory, prepareDataDirectory, secretBytes } from "../../src/data-directory.ts";
import { enrolmentMac } from "../../src/license/enrolment-mac.ts";
import { Refusals } from "../../src/gate/refusals.ts";
import { hostFiles } from "../../src/license/server/host-parts.ts";
import { parseJoinToken } from "../../src/license/join-token.ts";
import type { Enrolment, Lease, LeaseRole, Proof, Seen } from "../../src/license/lease.ts";
import { signProof, verifyLease } from "../../src/license/lease.ts";
import { answerLease } from "../../src/license/server/leases.ts";
import { LicenseServer, type LicenseServerOptions } from "../../src/license/server/license-server.ts";
import { createLog } from "../../src/log.ts";
import { defaultSettings } from "../../src/settings.ts";
import type { Store } from "../../src/store/store.ts";
import { hostFolder, type HostFolder, referenceHost } from "./host-folder.ts";
import { testVendor, type TestVendor } from "./license.ts";
import { testServices, type TestServices } from "./services.ts";
import { openTestStore, type TestStore } from "./store.ts";

export interface TestSiteOptions {
  /** Is told of errors in the log; default: they fail the test. */
  readonly onError?: (line: string) => void;
  /** Text of the license file that lies there at the start; none unless told. */
  readonly license?: string;
  readonly vendor?: TestVendor;
  readonly clusterId?: string;
  readonly services?: TestServices;
  readonly buildTime?: number;
}

/** What a test wants otherwise in a proof, or around it. */
export interface ProofChanges extends Partial<Omit<Proof, "format" | "client_key">> {
  readonly signWith?: SigningKey;
}

export class TestClient {
  readonly key: SigningKey;
  readonly x: string;
  readonly role: LeaseRole;
  seen: Seen = { epoch: 0, counter: 0, deployment_id: null, sequence: 0, time: 0 };
  /** The server nonce that came with its last answer. */
  next = "";
  /** How it shows that it belongs here; by the directory's secret unless told. */
  enrol: "local" | "nothing" | { readonly token: string } = "local";
  readonly #site: TestSite;

  constructor(site: TestSite, role: LeaseRole) {
    this.#site = site;
    this.role = role;
    this.key = signingKeyFromSeed(site.services.random.bytes(32));
    this.x = publicX(this.key.publicKey);
  }

  nonce(): string {
    return encodeBase64url(this.#site.services.random.bytes(32));
  }

  /** Asks for a challenge; gives what its proof has to name. */
  challenge(role: LeaseRole = this.role, clientNonce = this.nonce()): { readonly client_nonce: string; readonly server_nonce: string } {
    const issued = this.#site.server.challenges.issue({ client_key: this.x, role, client_nonce: clientNonce });
    return { client_nonce: clientNonce, server_nonce: issued.serverNonce };
  }

  /** What a renewal names: a nonce of its own, and the one that came with its last answer. */
  renewal(): { readonly client_nonce: string; readonly server_nonce: string } {
    return { client_nonce: this.nonce(), server_nonce: this.next };
  }

  enrolment(nonces: { readonly client_nonce: string; readonly server_nonce: string }, role: LeaseRole = this.role): Enrolment | undefined {
    const exchange = { clientKey: this.x, role, clientNonce: nonces.client_nonce, serverNonce: nonces.server_nonce };
    if (this.enrol === "nothing") return undefined;
    if (this.enrol === "local") {
      return { kind: "local", mac: enrolmentMac(secretBytes(this.#site.directory.enrolSecret, this.#site.services.random), exchange) };
    }
    const token = parseJoinToken(this.enrol.token);
    if (token === undefined) throw new Error("not a join token");
    return { kind: "token", id: token.id, mac: enrolmentMac(token.secret, exchange) };
  }

  /** A proof for fresh or given nonces, with `changes` made before it is signed. */
  proof(changes: ProofChanges = {}): string {
    const { signWith = this.key, ...members } = changes;
    const { client_nonce, server_nonce } =
      members.client_nonce !== undefined && members.server_nonce !== undefined
        ? { client_nonce: members.client_nonce, server_nonce: members.server_nonce }
        : this.challenge();
    const enrolment = this.enrolment({ client_nonce, server_nonce });
    return signProof(signWith, {
      purpose: "lease",
      audience: this.#site.server.instance.kid,
      role: this.role,
      issued_at: Math.floor(this.#site.services.clock.now() / 1_000),
      seen: this.seen,
      version: "test",
      ...(enrolment === undefined ? {} : { enrolment }),
      ...members,
      client_nonce,
      server_nonce,
    });
  }

  async send(proof: string): Promise<Lease> {
    const { lease, next } = await answerLease(this.#site.server, proof, "127.0.0.1");
    this.next = next.server_nonce;
    return verifyLease(lease, [this.#site.server.instance]);
  }

  /** The whole exchange, as an honest client does it: it remembers what it saw. */
  async lease(changes: ProofChanges = {}): Promise<Lease> {
    const lease = await this.send(this.proof(changes));
    this.remember(lease);
    return lease;
  }

  remember(lease: Lease): void {
    const { accepted } = this.#site.server.moment();
    const open = lease.state === "ok" || lease.state === "expiring";
    this.seen = {
      epoch: lease.epoch,
      counter: lease.counter,
      deployment_id: open ? (accepted?.license.deployment_id ?? null) : this.seen.deployment_id,
      sequence: open ? (accepted?.license.sequence ?? 0) : this.seen.sequence,
      time: Math.max(this.seen.time, lease.issued_at),
    };
  }
}

export class TestSite implements AsyncDisposable {
  readonly vendor: TestVendor;
  readonly services: TestServices;
  readonly directory: DataDirectory;
  readonly host: HostFolder;
  readonly logged: string[] = [];
  server: LicenseServer;
  readonly #options: TestSiteOptions;
  readonly #database: TestStore;

  private constructor(options: TestSiteOptions, parts: Pick<TestSite, "vendor" | "services" | "directory" | "host">, database: TestStore, server: LicenseServer) {
    this.#options = options;
    this.vendor = parts.vendor;
    this.services = parts.services;
    this.directory = parts.directory;
    this.host = parts.host;
    this.#database = database;
    this.server = server;
  }

  static async start(options: TestSiteOptions = {}): Promise<TestSite> {
    const { vendor = testVendor(), services = testServices() } = options;
    const database = await openTestStore();
    const directory = prepareDataDirectory(database.dataDir);
    const host = hostFolder(referenceHost);
    const parts = { vendor, services, directory, host };
    if (options.license !== undefined) writeFileSync(directory.licenseFile, options.license);
    const server = await LicenseServer.start(serverOptions(options, parts, database.store));
    return new TestSite(options, parts, database, server);
  }

  get store(): Store {
    return this.#database.store;
  }

  client(role: LeaseRole = "api"): TestClient {
    return new TestClient(this, role);
  }

  get state(): string {
    return this.server.moment().standing.state;
  }

  writeFile(text: string | Uint8Array): void {
    writeFileSync(this.directory.licenseFile, text);
  }

  readFile(): string {
    return readFileSync(this.directory.licenseFile, "latin1");
  }

  removeFile(): void {
    rmSync(this.directory.licenseFile, { force: true });
  }

  /** Moves time on in steps of a look at the file, and waits for what each look began. */
  async pass(ms: number, stepMs = 500): Promise<void> {
    for (let left = ms; left > 0; left -= stepMs) {
      this.services.clock.advance(Math.min(stepMs, left));
      await this.server.settle();
    }
  }

  /** The host sleeps: only the wall clock goes on. Then the server looks at it; long spans cost no more than short ones. */
  async sleep(ms: number): Promise<void> {
    await this.step(ms - 500);
  }

  /** Moves the wall clock and lets the server look at it. */
  async step(ms: number): Promise<void> {
    this.services.clock.stepWall(ms);
    await this.pass(500);
  }

  /**
   * Ends the server and starts it again. `kill` leaves out the orderly stop; `between` runs while it is down, with the
   * store open.
   */
  async restart(how: { readonly kill?: boolean; readonly between?: () => Promise<void> | void } = {}): Promise<void> {
    if (how.kill === true) await this.server.abandon();
    else await this.server.stop();
    const store = await this.#database.reopen();
    await how.between?.();
    this.server = await LicenseServer.start(serverOptions(this.#options, this, store));
  }

  /** Deletes every row of the License Server, as a lost database would, and the second copy if asked. */
  async wipe({ marks }: { readonly marks: boolean }): Promise<void> {
    await this.store.write(async (writer) => {
      const { licenseServer, licenseSequences, licenseActivations, licenseRevocations, leaseClients, leaseDays, joinTokens } = writer.tables;
      for (const table of [licenseServer, licenseSequences, licenseActivations, licenseRevocations, leaseClients, leaseDays, joinTokens]) await writer.delete(table);
    });
    if (marks) rmSync(this.directory.licenseMarks, { force: true });
  }

  /** Keeps the License Server's rows and its second copy; what comes back puts them in the place of what is there then. */
  async snapshot(): Promise<(what: { readonly marks: boolean }) => Promise<void>> {
    const rows = await this.store.read(async (reader) => {
      const { licenseServer, licenseSequences, licenseRevocations, leaseClients, leaseDays } = reader.tables;
      return {
        server: await reader.select().from(licenseServer),
        sequences: await reader.select().from(licenseSequences),
        revocations: await reader.select().from(licenseRevocations),
        clients: await reader.select().from(leaseClients),
        days: await reader.select().from(leaseDays),
      };
    });
    const marks = readFileSync(this.directory.licenseMarks);
    return async (what) => {
      await this.wipe({ marks: false });
      await this.store.write(async (writer) => {
        const { licenseServer, licenseSequences, licenseRevocations, leaseClients, leaseDays } = writer.tables;
        await writer.insert(licenseServer).values(rows.server);
        await writer.insert(licenseSequences).values(rows.sequences);
        if (rows.revocations.length > 0) await writer.insert(licenseRevocations).values(rows.revocations);
        await writer.insert(leaseClients).values(rows.clients);
        await writer.insert(leaseDays).values(rows.days);
      });
      if (what.marks) writeFileSync(this.directory.licenseMarks, marks);
    };
  }

  async audited(operation: string): Promise<readonly { outcome: string; actor: string; details: unknown }[]> {
    await this.server.settle();
    const rows = await this.store.read(async (reader) => reader.select().from(reader.tables.audit).orderBy(reader.tables.audit.id));
    return rows.filter((row) => row.operation === operation).map(({ outcome, actor, details }) => ({ outcome, actor, details: JSON.parse(details) }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.stop();
    await this.#database.close();
    this.host.remove();
  }
}

const masterKey = createHash("sha256").update("test site").digest();

function failing(line: string): never {
  throw new Error(`the License Server logged an error: ${line}`);
}

function serverOptions(options: TestSiteOptions, parts: Pick<TestSite, "vendor" | "services" | "directory" | "host">, store: Store): LicenseServerOptions {
  const { vendor, services, directory, host } = parts;
  const sealer = createSealer(masterKey, services.random);
  return {
    services,
    store,
    sealer,
    refusals: new Refusals({ services, sealer, store }),
    settings: defaultSettings,
    log: createLog(services.clock, "error", options.onError ?? failing),
    directory,
    licenseFile: directory.licenseFile,
    trustedKeys: vendor.trusted,
    clusterId: options.clusterId,
    hostFiles: hostFiles(host.root),
    buildTime: options.buildTime ?? 0,
  };
}
