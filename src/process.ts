/**
 * One process: opens what its roles share, starts the roles that were asked for, and stops them in reverse.
 *
 *     data directory → master key → store → License Server → lease holders → doors → ready
 *
 * Rule: composition only. Roles in one process know each other no better than on four hosts: API, gateway and issuer
 * get their entitlements from the License Server over HTTP through the real handshake.
 */
import { reachingOwn, readClientAuthorities, trustedBeside, wayToOwn, withClientCertificate, withExtraCa } from "./certificates.ts";
import { readDeploymentQuotas } from "./across/quotas.ts";
import { openAuditedStore } from "./audit/audited-store.ts";
import { type Config, licenseServersOf, settingsOf, shownAddress } from "./config.ts";
import type { Role } from "./config/setting.ts";
import { LastUses } from "./credentials/last-use.ts";
import { createSealer } from "./crypto/sealing.ts";
import { type DataDirectory, findFile, prepareDataDirectory, readSecretLine, secretBytes } from "./data-directory.ts";
import { Fault } from "./fault.ts";
import { operator, system } from "./gate/caller.ts";
import { startFederation } from "./federation/federation-timer.ts";
import { startFileSweep } from "./files/file-timer.ts";
import { DiskShelf } from "./files/disk-shelf.ts";
import { S3Shelf } from "./files/s3-shelf.ts";
import type { Shelf } from "./files/shelf.ts";
import type { Gate } from "./gate/operation.ts";
import { type App, type AppOptions, type Authenticate, createApp, listen, type Listener } from "./http/listener.ts";
import { backupMetrics } from "./http/backup-metrics.ts";
import { certificateMetrics, kept, processMetrics, quotaMetrics, storeMetrics, taskMetrics, tokenMetrics } from "./http/house-metrics.ts";
import { federationMetrics } from "./http/federation-metrics.ts";
import { licenseMetrics } from "./http/license-metrics.ts";
import { addProbes } from "./http/probes.ts";
import { RequestMetrics } from "./http/request-metrics.ts";
import { RateLimits } from "./http/rate-limits.ts";
import type { Metric } from "./http/metrics.ts";
import { signingKeyMetrics } from "./http/signing-key-metrics.ts";
import { createSetupLink } from "./identity/setup-links.ts";
import { readDeployment } from "./identity/deployment.ts";
import { PostOffice } from "./identity/post-office.ts";
import { type Entitled, without } from "./license/entitlements.ts";
import { LeaseHolder } from "./license/holder/lease-holder.ts";
import type { OwnRole } from "./license/lease.ts";
import { hostFiles } from "./license/server/host-parts.ts";
import { LicenseServer } from "./license/server/license-server.ts";
import { trustedKeys } from "./license/trust.ts";
import type { Log } from "./log.ts";
import { readLogo } from "./logo.ts";
import { createMailer } from "./mail/smtp.ts";
import { createClientKeySets } from "./oidc/clients/client-key-sets.ts";
import { prepareSigningKey } from "./oidc/key-rotation.ts";
import { startKeyRotation } from "./oidc/key-rotation-timer.ts";
import { createKeyring } from "./oidc/keyring.ts";
import { TokenTally } from "./oidc/token-tally.ts";
import { startLogoutNotices } from "./oidc/logout-timer.ts";
import { writeNotice } from "./notifications/notice-mail.ts";
import { startNotifications } from "./notifications/notification-timer.ts";
import { addApiDoors, respondAsPage } from "./roles/api.ts";
import { apiAuthenticate } from "./roles/api/authenticate.ts";
import { uploads } from "./roles/api/files.ts";
import { openTaskStreams } from "./roles/api/task-events.ts";
import { addGatewayDoors } from "./roles/gateway.ts";
import { gatewayAuthenticate } from "./roles/gateway/authenticate.ts";
import { tunnelled } from "./roles/gateway/tunnel-doors.ts";
import { addIssuerDoors } from "./roles/issuer.ts";
import { respondAsOAuth } from "./roles/issuer/oauth-response.ts";
import { addLicenseServerDoors, licenseServerMetrics } from "./roles/license-server.ts";
import { startBackups } from "./backup/backup-timer.ts";
import { backupSiteOf } from "./backup/configured-site.ts";
import type { BackupSite } from "./backup/site.ts";
import type { Services } from "./services.ts";
import type { Settings } from "./settings.ts";
import { type CertificateWatch, watchCertificate } from "./tls/certificate-watch.ts";
import { Bell } from "./tasks/bell.ts";
import { countLivingTasks } from "./tasks/task-counts.ts";
import { writeInvitation } from "./teams/invitation-mail.ts";
import { Courier } from "./webhooks/courier.ts";
import { buildTime, version } from "./version.ts";

export interface Running {
  readonly backups: BackupSite;
  /** Base URL of each role of this process. */
  readonly urls: Readonly<Partial<Record<Role, string>>>;
  /** For operations that the operator asks for on the host. */
  readonly gate: Gate;
  readonly licenseServer: LicenseServer | undefined;
  /** What the API server's lease says; the first role's where there is no API server here. */
  readonly entitled: Entitled | undefined;
  /** A new set-up link, or undefined when the deployment is set up. */
  setupLink(): Promise<string | undefined>;
  stop(): Promise<void>;
}

/** What the roles of one process share. */
interface House {
  readonly config: Config;
  readonly services: Services;
  readonly log: Log;
  readonly certificate: CertificateWatch | undefined;
  /** What roles show to License Servers that ask. */
  readonly clientCertificate: CertificateWatch | undefined;
  /** Of the process and what its roles share; every role shows them, since each may be asked alone. */
  readonly metrics: () => readonly Metric[];
  readonly directory: DataDirectory;
  readonly gate: Gate;
  readonly backups: BackupSite;
  readonly uses: LastUses;
  readonly addresses: Addresses;
  /** Tells the gateway, where it runs in this process too, that there is something to dispatch. */
  readonly bell: Bell;
  readonly accessBell: Bell;
  /** What has to be stopped, in reverse. */
  readonly stops: AsyncDisposableStack;
}

/** What a process is given. */
interface Site {
  readonly config: Config;
  readonly outside: Services;
  readonly log: Log;
  readonly stops: AsyncDisposableStack;
}

/** Core operations only: nothing that the License Server itself or the operator on the host does depends on a lease. */
const coreOnly: Entitled = { entitlements: () => without("missing") };

/** Where roles are reached: each says it where it is bound, and every request asks for it. */
class Addresses {
  readonly bound: Partial<Record<Role, string>> = {};
  readonly #config: Config;
  #shown: Pick<Settings, "publicUrl" | "issuerUrl" | "gatewayUrl">;

  constructor(config: Config) {
    this.#config = config;
    this.#shown = settingsOf(config, this.bound);
  }

  get shown(): Pick<Settings, "publicUrl" | "issuerUrl" | "gatewayUrl"> {
    return this.#shown;
  }

  bind(role: Role, url: string): void {
    this.bound[role] = url;
    this.#shown = settingsOf(this.#config, this.bound);
  }
}

/** Addresses are known only once ports are bound, so they are looked up when they are used. */
function lateSettings(config: Config, addresses: Addresses): Settings {
  const logo = readLogo(config.logoFile);
  return {
    logo,
    ...config.lifetimes,
    hasMailServer: config.smtp.host !== undefined,
    dialAllow: config.dialAllow,
    upstreamProviders: config.upstreamProviders,
    get publicUrl() {
      return addresses.shown.publicUrl;
    },
    get issuerUrl() {
      return addresses.shown.issuerUrl;
    },
    get gatewayUrl() {
      return addresses.shown.gatewayUrl;
    },
  };
}

async function openHouse(site: Site): Promise<House> {
  const { config, outside, log, stops } = site;
  const certificate = watchCertificate(config.tls, site);
  const clientCertificate = config.tlsClient === config.tls ? certificate : watchCertificate(config.tlsClient, site);
  const services = withExtraCa(outside, config.extraCaFile);
  const directory = prepareDataDirectory(config.dataDir);
  const sealer = createSealer(secretBytes(config.masterKeyFile, services.random), services.random);
  const { store, figures, refusals, missing, close } = await openAuditedStore({ databaseUrl: config.databaseUrl?.reveal(), dataDir: config.dataDir, services, sealer });
  stops.defer(close);
  for (const { stream, sequence } of missing) log.write("error", "audit.rows_missing", { stream, sequence, hint: "cyberun audit verify tells more; after a restore from backup see docs/audit.md" });
  const addresses = new Addresses(config);
  const gate: Gate = { services, store, sealer, refusals, settings: lateSettings(config, addresses), entitled: coreOnly };
  const uses = new LastUses(gate, log);
  stops.defer(() => uses.stop());
  const [startedAt, database] = [outside.clock.now(), config.databaseUrl === undefined ? directory.database : undefined];
  const backups = backupSiteOf(config, services);
  const metrics = () => [...processMetrics(startedAt), ...storeMetrics(figures, database), ...certificateMetrics(certificate), ...backupMetrics(backups)];
  return { backups, config, services, certificate, clientCertificate, metrics, log, directory, gate, uses, addresses, bell: new Bell(), accessBell: new Bell(), stops };
}

/** Opens the role's port and takes note of its address. */
function open(house: House, role: Role, app: App): Listener {
  const { config, services, certificate, stops, addresses } = house;
  // Whom the License Server knows by certificate is asked for it there alone: browsers and agents have none.
  const clientCa = role === "license" && config.tlsClientCaFile !== undefined ? readClientAuthorities(config.tlsClientCaFile) : undefined;
  const listener = listen(app, { hostname: config.bind, port: config.ports[role], tls: certificate === undefined ? undefined : { ...certificate.current, clientCa } }, services);
  certificate?.onChange((shown) => listener.show({ ...shown, clientCa }));
  stops.defer(() => listener.stop());
  addresses.bind(role, listener.url);
  return listener;
}

/** How roles refuse in a shape of their own. */
const responders: Readonly<Partial<Record<Role, (gate: Gate) => AppOptions["respond"]>>> = { api: respondAsPage, issuer: respondAsOAuth };

/** Roles that strangers and scripts call; agents and leases have limits of their own. */
const limitedRoles: readonly Role[] = ["api", "issuer"];

/** Doors whose bodies are files. */
const uploadsOf: Readonly<Partial<Record<Role, Pick<AppOptions, "uploads">>>> = { api: { uploads }, gateway: { uploads: tunnelled } };

/** Where people and programs are told that the role is. */
const siteOf: Readonly<Partial<Record<Role, (settings: Settings) => string>>> = { api: (settings) => settings.publicUrl, issuer: (settings) => settings.issuerUrl, gateway: (settings) => settings.gatewayUrl };

interface Fitted {
  readonly app: App;
  readonly meter: RequestMetrics;
}

function appOf({ config: { proxies, rateLimits }, services, log, gate }: House, role: Role, authenticate: Authenticate): Fitted {
  const respond = responders[role]?.(gate);
  const limits = limitedRoles.includes(role) ? { limits: new RateLimits(rateLimits, services.clock) } : {};
  const meter = new RequestMetrics(role);
  const isSecureSite = () => siteOf[role]?.(gate.settings).startsWith("https:") === true;
  const app = createApp({ role, services, log, authenticate, meter, isSecureSite, refusals: gate.refusals, proxies, ...limits, ...uploadsOf[role], ...(respond === undefined ? {} : { respond }) });
  return { app, meter };
}

const strangers: Authenticate = async (_request, address) => ({ kind: "anonymous", address });

async function openLicenseServer(house: House): Promise<LicenseServer> {
  const { config, gate, log, directory, stops } = house;
  const { licenseFile, clusterId } = config;
  const server = await LicenseServer.start({ ...gate, log, directory, licenseFile, trustedKeys, clusterId, hostFiles: hostFiles("/"), buildTime });
  stops.defer(() => server.stop());
  const { app, meter } = appOf(house, "license", strangers);
  addLicenseServerDoors(app, server);
  addProbes(app, { role: "license", notReady: async () => undefined, metrics: () => [...licenseServerMetrics(server), ...meter.metrics(), ...house.metrics()] });
  open(house, "license", app);
  return server;
}

function openHolder(house: House, role: OwnRole): LeaseHolder {
  const { config, log, directory, stops, addresses } = house;
  const own = addresses.bound.license;
  const joinToken = config.joinTokenFile === undefined ? undefined : findFile(config.joinTokenFile)?.toString("utf8").trim();
  const servers = licenseServersOf(config, own);
  const isOwn = config.licenseServerAddresses === undefined && own !== undefined;
  const certificate = house.clientCertificate;
  const showing = withClientCertificate(house.services, certificate === undefined ? undefined : () => certificate.current);
  const services = isOwn ? reachingOwn(showing, servers) : showing;
  const holder = new LeaseHolder({ services, log, role, addresses: servers, directory, trustedKeys, version, joinToken });
  stops.defer(() => holder.stop());
  return holder;
}

/** What makes a role with a lease the role it is. */
interface Fittings {
  readonly role: OwnRole;
  authenticate(gate: Gate): Authenticate;
  /** Adds the role's doors; gives its own metrics, if it has any. */
  furnish(app: App, gate: Gate, holder: LeaseHolder): { readonly metrics?: () => readonly Metric[] | Promise<readonly Metric[]> };
}

async function openRole(house: House, { role, authenticate, furnish }: Fittings): Promise<LeaseHolder> {
  const holder = openHolder(house, role);
  const gate: Gate = { ...house.gate, entitled: holder };
  const { app, meter } = appOf(house, role, authenticate(gate));
  const { metrics = () => [] } = furnish(app, gate, holder);
  addProbes(app, { role, notReady: async () => undefined, metrics: async () => [...licenseMetrics(holder.status(), house.services.clock), ...(await metrics()), ...meter.metrics(), ...house.metrics()] });
  open(house, role, app);
  return holder;
}

/** Mail goes out from the process that serves the API, where there is a mail server. */
function openPostOffice({ config, services, log, stops }: House, gate: Gate): void {
  const { host, port, tls, user, passwordFile, from } = config.smtp;
  if (host === undefined) return;
  const login = user === undefined || passwordFile === undefined ? undefined : { user, password: readSecretLine(passwordFile) };
  const sender = from ?? `no-reply@${new URL(gate.settings.publicUrl).hostname}`;
  const mailer = createMailer({ host, port, tls, login, from: sender, ca: trustedBeside(config.extraCaFile) }, services.clock);
  const office = new PostOffice(gate, { mailer, writeInvitation, writeNotice }, log);
  stops.defer(() => office.stop());
}

/** Where the bytes of files lie. A store that does not let us in is told of at once, and everything else serves. */
function openShelf({ config: { s3 }, directory, services, log }: House): Shelf {
  const disk = new DiskShelf(directory.files, services.random);
  const { endpoint, bucket, region, accessKeyId, secretFile } = s3;
  if (endpoint === undefined || bucket === undefined || accessKeyId === undefined || secretFile === undefined) return disk;
  const shelf = new S3Shelf({ endpoint, bucket, region, accessKeyId, secret: readSecretLine(secretFile) }, { services, spool: disk });
  shelf.check().then(
    () => log.write("info", "files.store_ready", { endpoint, bucket }),
    (error: unknown) => log.write("error", "files.store_unusable", { endpoint, bucket, error }),
  );
  return shelf;
}

/** The API reaches another role of its own process where that is bound, and one elsewhere at the deployment's address. */
function wayTo({ addresses, services }: House, role: "gateway" | "issuer", url: () => string) {
  return wayToOwn(services, () => addresses.bound[role], url);
}

async function openApi(house: House): Promise<LeaseHolder> {
  await prepareSigningKey(house.gate, system, undefined);
  const keyring = createKeyring(house.gate);
  return await openRole(house, {
    role: "api",
    authenticate: (gate) => apiAuthenticate(gate, keyring, house.uses),
    furnish(app, gate, holder) {
      const streams = openTaskStreams(gate, house.log);
      house.stops.defer(() => streams.stop());
      const shelf = openShelf(house);
      const sweeping = startFileSweep(gate, shelf, house.log);
      house.stops.defer(() => sweeping.stop());
      const system = { config: house.config, services: house.services, startedAtMs: house.services.clock.now(), lease: () => holder.status() };
      addApiDoors(app, { gate, log: house.log, keyring, licenseServer: holder, system, issuer: wayTo(house, "issuer", () => gate.settings.issuerUrl), streams, bell: house.bell, accessBell: house.accessBell, relay: wayTo(house, "gateway", () => gate.settings.gatewayUrl), shelf, backups: house.backups });
      openPostOffice(house, gate);
      const notifications = startNotifications(gate, house.log);
      house.stops.defer(() => notifications.stop());
      const courier = new Courier(gate, house.log);
      house.stops.defer(() => courier.stop());
      const quotas = kept(house.services.clock, () => readDeploymentQuotas(gate, operator, undefined));
      return { metrics: async () => quotaMetrics((await quotas()).quota_list) };
    },
  });
}

async function openGateway(house: House): Promise<LeaseHolder> {
  return await openRole(house, {
    role: "gateway",
    authenticate: (gate) => gatewayAuthenticate(gate, house.uses),
    furnish(app, gate, holder) {
      const doors = addGatewayDoors(app, { gate, log: house.log, bell: house.bell, accessBell: house.accessBell });
      holder.onChange(() => doors.reviewLicense());
      house.stops.defer(() => doors.stop());
      const counts = kept(house.services.clock, () => countLivingTasks(gate, system, undefined));
      return { metrics: async () => [...doors.metrics(), ...taskMetrics(await counts())] };
    },
  });
}

async function openIssuer(house: House): Promise<LeaseHolder> {
  await prepareSigningKey(house.gate, system, undefined);
  const rotation = startKeyRotation(house.gate, house.log);
  house.stops.defer(() => rotation.stop());
  return await openRole(house, {
    role: "issuer",
    authenticate: () => strangers,
    furnish(app, gate) {
      const keyring = createKeyring(gate);
      const tally = new TokenTally();
      addIssuerDoors(app, { gate, keyring, clientKeys: createClientKeySets(gate, house.log), tally });
      const notices = startLogoutNotices(gate, keyring, house.log);
      const federation = startFederation(gate, house.log);
      for (const timer of [notices, federation]) house.stops.defer(() => timer.stop());
      const { clock } = house.services;
      return { metrics: () => [...signingKeyMetrics(rotation.schedule(), clock), ...tokenMetrics(tally), ...federationMetrics(federation.status(), clock)] };
    },
  });
}

/** Where each role is reached, as its links and discovery say it too, unless the operator named another address. */
function shownUrls(config: Config, { bound }: Addresses): Running["urls"] {
  if (config.shownHost === undefined) return bound;
  return Object.fromEntries(Object.entries(bound).map(([role, url]) => [role, shownAddress(config, url)]));
}

async function openRoles(house: House): Promise<Running> {
  const { config, gate, addresses, stops } = house;
  const runs = (role: Role) => config.roles.includes(role);
  const licenseServer = runs("license") ? await openLicenseServer(house) : undefined;
  const api = runs("api") ? await openApi(house) : undefined;
  const gateway = runs("gateway") ? await openGateway(house) : undefined;
  const issuer = runs("issuer") ? await openIssuer(house) : undefined;
  await Promise.all([api, gateway, issuer].map((holder) => holder?.whenSettled()));
  const nightly = startBackups(gate, house.backups, house.log);
  stops.defer(() => nightly.stop());
  return {
    urls: shownUrls(config, addresses),
    gate,
    backups: house.backups,
    licenseServer,
    entitled: api ?? gateway ?? issuer,
    async setupLink() {
      const { is_set_up } = await readDeployment(gate, system, undefined);
      return is_set_up ? undefined : (await createSetupLink(gate, system, undefined)).setup_url;
    },
    stop: () => stops.disposeAsync(),
  };
}

/**
 * Starts the roles that `config` names and resolves when all of them serve; each has tried once to get a lease.
 * Throws a Fault that names what is in the way; then nothing is left running.
 */
export async function startProcess(config: Config, services: Services, log: Log): Promise<Running> {
  const stops = new AsyncDisposableStack();
  try {
    return await openRoles(await openHouse({ config, outside: services, log, stops }));
  } catch (error) {
    await stops.disposeAsync();
    throw error instanceof Fault ? error : new Fault("internal", "The process could not start.", { cause: error });
  }
}
