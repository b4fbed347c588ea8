/**
 * API server, gateway and issuer on real sockets over a test's gate, with every kind of credential at hand.
 *
 *     await using site = await startRoles();
 *     const { user } = await site.credentials();
 *     await site.call("/api/v1/users/me", { as: user });
 *     site.license({ state: "expired" });
 */
import { testBackups } from "./backups.ts";
import { join } from "node:path";
import { createKey, keyPrefix } from "../../src/crypto/tokens.ts";
import type { Fault } from "../../src/fault.ts";
import type { UserCaller } from "../../src/gate/caller.ts";
import type { Gate } from "../../src/gate/operation.ts";
import { DRAIN_MS } from "../../src/http/limits.ts";
import { type App, createApp, listen, type Listener } from "../../src/http/listener.ts";
import { addProbes } from "../../src/http/probes.ts";
import { LastUses } from "../../src/credentials/last-use.ts";
import { revokeCredential } from "../../src/credentials/credentials.ts";
import { endSession } from "../../src/identity/sessions.ts";
import type { LicenseTestAnswer } from "../../src/license/answers.ts";
import { createLog, type Log } from "../../src/log.ts";
import { issueAccessToken } from "../../src/oidc/access-tokens.ts";
import { createClientKeySets } from "../../src/oidc/clients/client-key-sets.ts";
import { createKeyring, type Keyring } from "../../src/oidc/keyring.ts";
import { addApiDoors, respondAsPage } from "../../src/roles/api.ts";
import { apiAuthenticate } from "../../src/roles/api/authenticate.ts";
import { DiskShelf } from "../../src/files/disk-shelf.ts";
import type { Shelf } from "../../src/files/shelf.ts";
import { uploads } from "../../src/roles/api/files.ts";
import type { McpServers } from "../../src/roles/api/mcp.ts";
import { openTaskStreams } from "../../src/roles/api/task-events.ts";
import { findAnswerProblem } from "../../src/roles/api/answers.ts";
import { addGatewayDoors, type GatewayDoors } from "../../src/roles/gateway.ts";
import { gatewayAuthenticate } from "../../src/roles/gateway/authenticate.ts";
import { tunnelled } from "../../src/roles/gateway/tunnel-doors.ts";
import { addIssuerDoors } from "../../src/roles/issuer.ts";
import { respondAsOAuth } from "../../src/roles/issuer/oauth-response.ts";
import type { Settings } from "../../src/settings.ts";
import type { SystemView } from "../../src/system/system.ts";
import { Bell } from "../../src/tasks/bell.ts";
import { type TestGate, testGate, type TestGateOptions, type TestLicense } from "./gate.ts";
import { addKey, ownerAddress, type SetUp, setUp, signIn } from "./people.ts";

export type TestedRole = "api" | "gateway" | "issuer";

/** Request headers that show a credential. */
export type Shown = Readonly<Record<string, string>>;

/** One credential of each kind, and four that are good for nothing. */
export interface Credentials {
  readonly stranger: Shown;
  readonly user: Shown;
  readonly cookie: Shown;
  readonly device: Shown;
  readonly integration: Shown;
  readonly agent: Shown;
  readonly broken: Shown;
  readonly expired: Shown;
  readonly revoked: Shown;
  readonly ended: Shown;
}

export interface CallOptions {
  readonly as?: Shown;
  readonly method?: string;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent as an HTML form. */
  readonly form?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly role?: TestedRole;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The members of a JSON object; empty for anything else. */
  readonly body: Readonly<Record<string, unknown>>;
}

/** What the API server handed to the License Server, and what that shall answer. */
export interface LicenseServerDouble {
  readonly files: string[];
  reloads: number;
  refuses: Fault | undefined;
  /** What it says of any file that is tested. */
  tested: LicenseTestAnswer;
}

export interface RolesOptions extends TestGateOptions {
  /** Where bytes of files lie, in place of the disk. */
  readonly shelfOver?: (disk: DiskShelf, gate: Gate) => Shelf;
  /** Before anybody has set it up. */
  readonly isNew?: boolean;
  /** The API finds no issuer where it looks for it. */
  readonly isIssuerGone?: boolean;
  /** What the MCP endpoint serves in place of the product's own tools. */
  readonly mcpServers?: McpServers;
}

export interface TestRoles extends AsyncDisposable {
  readonly world: TestGate;
  readonly gate: Gate;
  readonly keyring: Keyring;
  readonly apps: Readonly<Record<TestedRole, App>>;
  readonly urls: Readonly<Record<TestedRole, string>>;
  readonly gateway: GatewayDoors;
  readonly licenseServer: LicenseServerDouble;
  /** Lines of the log. */
  readonly logged: readonly string[];
  /** The first administrator and team. Throws for a site that {@link RolesOptions.isNew}. */
  readonly people: SetUp;
  license(license: TestLicense): void;
  credentials(): Promise<Credentials>;
  call(path: string, options?: CallOptions): Promise<Answer>;
  close(): Promise<void>;
}

/** An Authorization header. */
export function bearer(token: string): Shown {
  return { authorization: `Bearer ${token}` };
}

/** The dashboard's cookie as a browser sends it from the site's own page. */
export function ownPage(cookie: string): Shown {
  return { cookie: `cyberun=${cookie}`, "sec-fetch-site": "same-origin" };
}

/** A device's key. Devices are made by pairing, so it is written past the gate. */
async function addDeviceKey({ store, sealer, services }: Gate, owner: UserCaller, teamId: string): Promise<string> {
  const key = createKey("dk", services.random);
  const row = {
    id: services.random.uuid(),
    kind: "device",
    team_id: teamId,
    user_id: owner.userId,
    created_by: owner.userId,
    display_name: "Laptop",
    key_prefix: keyPrefix(key),
    digest: sealer.digest("credential-pepper", key),
    created_at: services.clock.now(),
  };
  await store.write(async (writer) => await writer.insert(writer.tables.credentials).values(row));
  return key;
}

async function makeCredentials(gate: Gate, keyring: Keyring, { owner, teamId }: SetUp): Promise<Credentials> {
  const team = { "x-team-id": teamId };
  const session = await signIn(gate);
  const ended = await signIn(gate);
  const endedToken = await issueAccessToken(gate, keyring, ended);
  await endSession(gate, { ...owner, sessionId: ended.sessionId }, undefined);
  const revoked = await addKey(gate, owner, "integration");
  await revokeCredential(gate, owner, { credential_id: revoked.id });
  const stale: Gate = { ...gate, settings: { ...gate.settings, accessTokenSeconds: -1 } };
  return {
    stranger: {},
    user: { ...bearer(await issueAccessToken(gate, keyring, session)), ...team },
    cookie: { ...ownPage((await signIn(gate, ownerAddress, "cookie")).secret), ...team },
    device: bearer(await addDeviceKey(gate, owner, teamId)),
    integration: bearer((await addKey(gate, owner, "integration")).rawKey),
    agent: bearer((await addKey(gate, owner, "agent")).rawKey),
    broken: bearer("not-a-credential"),
    expired: { ...bearer(await issueAccessToken(stale, keyring, session)), ...team },
    revoked: bearer(revoked.rawKey),
    ended: { ...bearer(endedToken), ...team },
  };
}

function bodyOf({ json, form }: CallOptions): { readonly body?: string; readonly type?: string } {
  if (json !== undefined) return { body: typeof json === "string" ? json : JSON.stringify(json), type: "application/json" };
  if (form !== undefined) return { body: new URLSearchParams(form).toString(), type: "application/x-www-form-urlencoded" };
  return {};
}

function membersOf(text: string): Readonly<Record<string, unknown>> {
  const parsed: unknown = text.startsWith("{") ? JSON.parse(text) : {};
  return typeof parsed === "object" && parsed !== null ? Object.fromEntries(Object.entries(parsed)) : {};
}

/** One request to `url`; redirects are answers like others. */
export async function callUrl(url: string, options: CallOptions = {}): Promise<Answer> {
  const { body, type } = bodyOf(options);
  const headers = { ...(type === undefined ? {} : { "content-type": type }), ...options.as, ...options.headers };
  const method = options.method ?? (body === undefined ? "GET" : "POST");
  const response = await fetch(url, { method, headers, redirect: "manual", ...(body === undefined ? {} : { body }) });
  const text = await response.text();
  const isJson = /^application\/json(?:;|$)/.test(response.headers.get("content-type") ?? "");
  return { status: response.status, headers: response.headers, text, body: isJson ? membersOf(text) : {} };
}

/** Settings whose addresses are those of the ports that were bound, unless the test says otherwise. */
function lateSettings(settings: Settings, urls: Partial<Record<TestedRole, string>>, given: Partial<Settings> = {}): Settings {
  return {
    ...settings,
    get publicUrl() {
      return given.publicUrl ?? urls.api ?? settings.publicUrl;
    },
    get issuerUrl() {
      return given.issuerUrl ?? urls.issuer ?? settings.issuerUrl;
    },
    get gatewayUrl() {
      return given.gatewayUrl ?? urls.gateway ?? settings.gatewayUrl;
    },
  };
}

/** The process as it would know itself; its lease is as the double of the License Server has it. */
function systemView({ database }: TestGate, { services }: Gate): SystemView {
  return {
    config: { roles: ["api", "issuer", "gateway"], dataDir: database.dataDir, extraCaFile: undefined, tls: undefined, bind: "127.0.0.1", ports: { license: 0, api: 0, issuer: 0, gateway: 0 }, databaseUrl: undefined },
    services,
    startedAtMs: services.clock.now(),
    lease: () => ({ server: "http://license.test:9400", leaseAgeSeconds: 3, nextRefreshAtMs: services.clock.now() + 60_000, addresses: [{ address: "http://license.test:9400", outcome: "granted", reason: undefined, atMs: services.clock.now() }] }),
  };
}

function licenseServerDouble() {
  const double: LicenseServerDouble = { files: [], reloads: 0, refuses: undefined, tested: { outcome: "accepted", refusal: null, message: "", state: "ok", license: null, differences: [], warnings: [] } };
  const link = {
    async install(file: Uint8Array) {
      if (double.refuses !== undefined) throw double.refuses;
      double.files.push(Buffer.from(file).toString());
    },
    async test(file: Uint8Array) {
      if (double.refuses !== undefined) throw double.refuses;
      return { ...double.tested, message: `It has ${file.length} bytes.` };
    },
    async reload() {
      if (double.refuses !== undefined) throw double.refuses;
      double.reloads += 1;
    },
  };
  return { double, link };
}

const addresses = { hostname: "127.0.0.1", port: 0 } as const;

function makeApps(gate: Gate, keyring: Keyring, log: Log, uses: LastUses) {
  const parts = { services: gate.services, log, refusals: gate.refusals };
  const api = createApp({ ...parts, role: "api", uploads, findAnswerProblem, authenticate: apiAuthenticate(gate, keyring, uses), respond: respondAsPage(gate) });
  const gateway = createApp({ ...parts, role: "gateway", uploads: tunnelled, authenticate: gatewayAuthenticate(gate, uses) });
  const issuer = createApp({ ...parts, role: "issuer", authenticate: async (_request, address) => ({ kind: "anonymous", address }), respond: respondAsOAuth(gate) });
  return { api, gateway, issuer };
}

/** Starts the three roles. Nothing but the License Server is a double. */
export async function startRoles(options: RolesOptions = {}): Promise<TestRoles> {
  const world = await testGate(options);
  const urls: Record<TestedRole, string> = { api: "", gateway: "", issuer: "" };
  const gate: Gate = { ...world.gate, settings: lateSettings(world.gate.settings, urls, options.settings) };
  const keyring = createKeyring(gate);
  const logged: string[] = [];
  const log = createLog(gate.services.clock, "debug", (line) => logged.push(line));
  const uses = new LastUses(gate, log);
  const apps = makeApps(gate, keyring, log, uses);
  const { double, link } = licenseServerDouble();
  const bell = new Bell();
  const accessBell = new Bell();
  const disk = new DiskShelf(join(world.database.dataDir, "files"), gate.services.random);
  const shelf = options.shelfOver?.(disk, gate) ?? disk;
  const streams = openTaskStreams(gate, log);
  addApiDoors(apps.api, { gate, log, keyring, licenseServer: link, system: systemView(world, gate), issuer: { url: () => (options.isIssuerGone === true ? "http://127.0.0.1:1" : urls.issuer), fetch: gate.services.fetch }, streams, bell, accessBell, relay: { url: () => urls.gateway, fetch: gate.services.fetch }, shelf, backups: testBackups(world.database.dataDir, { services: gate.services }), ...(options.mcpServers === undefined ? {} : { mcpServers: options.mcpServers }) });
  const gateway = addGatewayDoors(apps.gateway, { gate, log, bell, accessBell });
  addIssuerDoors(apps.issuer, { gate, keyring, clientKeys: createClientKeySets(gate, createLog(gate.services.clock, "debug", (line) => logged.push(line))) });
  const listeners: Listener[] = [];
  for (const role of ["api", "gateway", "issuer"] as const) {
    addProbes(apps[role], { role, notReady: async () => undefined, metrics: role === "gateway" ? () => gateway.metrics() : () => [] });
    const listener = listen(apps[role], addresses, gate.services);
    urls[role] = listener.url;
    listeners.push(listener);
  }
  const people = options.isNew === true ? undefined : await setUp(gate);
  const whoIsThere = () => {
    if (people === undefined) throw new Error("nobody has set this site up");
    return people;
  };
  const close = async () => {
    await gateway.stop();
    await streams.stop();
    const stops = listeners.map((listener) => listener.stop());
    // The clock stands still, so connections that linger are cut by moving it.
    world.services.clock.advance(DRAIN_MS);
    await Promise.all(stops);
    await uses.stop();
    await world.close();
  };
  return {
    world,
    gate,
    keyring,
    apps,
    urls,
    gateway,
    licenseServer: double,
    logged,
    get people() {
      return whoIsThere();
    },
    license: (license) => world.license(license),
    credentials: () => makeCredentials(gate, keyring, whoIsThere()),
    call: (path, request = {}) => callUrl(`${urls[request.role ?? "api"]}${path}`, request),
    close,
    [Symbol.asyncDispose]: close,
  };
}
