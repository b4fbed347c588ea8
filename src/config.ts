/**
 * The configuration of a process, read once: flag > `CYBERUN_*` variable > config file > default.
 *
 * Every mistake of every source is reported together and before anything is opened, a name nobody knows with the one
 * that was probably meant.
 *
 * Rule: the only file that reads the environment. It must not know what the values are used for.
 */
import { existsSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import type { Role } from "./config/setting.ts";
import { lifetimesOf } from "./config/read-lifetimes.ts";
import { type BackupConfig, type S3Config, s3Of, type SmtpConfig, smtpOf } from "./config/services-elsewhere.ts";
import { type SettingName, settings } from "./config/table.ts";
import { type Environment, type Mistake, SettingsReader, type Sources, unknownVariables } from "./config/sources.ts";
import { Fault } from "./fault.ts";
import type { Lifetimes, Preset } from "./lifetimes.ts";
import type { LogLevel } from "./log.ts";
import { Secret } from "./secret.ts";
import type { RateLimitSettings, Settings, TrustedProxies } from "./settings.ts";

export interface Config {
  readonly roles: readonly Role[];
  readonly dataDir: string;
  readonly licenseFile: string;
  /** Undefined: nothing was set, see {@link licenseServersOf}. */
  readonly licenseServerAddresses: readonly string[] | undefined;
  readonly bind: string;
  /** 0 takes a free port. */
  readonly ports: Readonly<Record<Role, number>>;
  /** Undefined: nothing was set, see {@link settingsOf}. */
  readonly publicUrl: string | undefined;
  readonly issuerUrl: string | undefined;
  readonly gatewayUrl: string | undefined;
  readonly logoFile: string | undefined;
  /** Host by which roles are known in place of the address they are bound to: browsers have passkeys for names only. */
  readonly shownHost: string | undefined;
  readonly tls: { readonly certFile: string; readonly keyFile: string } | undefined;
  /** Undefined: the License Server's port asks for no certificate. */
  readonly tlsClientCaFile: string | undefined;
  /** What is shown to License Servers that ask. */
  readonly tlsClient: Config["tls"];
  readonly extraCaFile: string | undefined;
  readonly dialAllow: Settings["dialAllow"];
  /** Of the config file alone: a provider is a table, which no flag and no variable can hold. */
  readonly upstreamProviders: Settings["upstreamProviders"];
  /** Undefined: SQLite in the data directory. */
  readonly databaseUrl: Secret | undefined;
  readonly masterKeyFile: string;
  readonly joinTokenFile: string | undefined;
  readonly clusterId: string | undefined;
  readonly preset: Preset;
  readonly lifetimes: Lifetimes;
  readonly smtp: SmtpConfig;
  readonly s3: S3Config;
  readonly proxies: TrustedProxies;
  readonly rateLimits: RateLimitSettings;
  readonly backups: BackupConfig;
  /** Undefined: none was named. */
  readonly configFile: string | undefined;
  readonly logLevel: LogLevel;
  readonly readyFile: string | undefined;
  readonly client: ClientConfig;
  readonly agent: AgentConfig;
}

/** What an agent takes from the environment: beside its own file. */
export interface AgentConfig {
  /** In place of its file's `key_file`. */
  readonly key: Secret | undefined;
  /** What a command of its file may see, by name. Our own variables are none of them. */
  variable(name: string): string | undefined;
}

/** What the commands for people go by. */
export interface ClientConfig {
  /** Undefined: that of the profile. */
  readonly apiUrl: string | undefined;
  readonly profile: string;
  /** In place of the profile's key, from the variable alone. */
  readonly apiKey: Secret | undefined;
  /** Where this person's programs keep their settings (XDG Base Directory Specification). */
  readonly folder: string;
}

/** What a command makes of settings: which of them it takes, and whether a trial's defaults hold. */
export interface Purpose {
  readonly takes: readonly SettingName[];
  readonly isTrial?: boolean;
}

export interface Configured {
  readonly config: Config;
  /** What is no mistake and still worth a line in the log. */
  readonly notices: readonly string[];
}

const SERVICE_DATA_DIR = "/var/lib/cyberun";
const TRIAL_DATA_DIR = ".cyberun-trial";
const DEFAULT_LICENSE_SERVER = "http://localhost:9400";

const loopback = /^(localhost|127(\.\d{1,3}){3}|::1)$/;

/** The variables of this process. */
export function processEnvironment(): Environment {
  return process.env;
}

/** Takes variables away, so that neither the runtime nor a child sees them. */
export function dropVariables(names: readonly string[]): void {
  for (const name of names) delete process.env[name];
}

function tlsOf(reader: SettingsReader): Pick<Config, "tls" | "tlsClient" | "tlsClientCaFile"> {
  const pair = (certFile: string | undefined, keyFile: string | undefined) => (certFile === undefined || keyFile === undefined ? undefined : { certFile, keyFile });
  const tls = pair(reader.read("tlsCertFile", settings.tlsCertFile), reader.read("tlsKeyFile", settings.tlsKeyFile));
  const tlsClient = pair(reader.read("tlsClientCertFile", settings.tlsClientCertFile), reader.read("tlsClientKeyFile", settings.tlsClientKeyFile)) ?? tls;
  return { tls, tlsClient, tlsClientCaFile: reader.read("tlsClientCaFile", settings.tlsClientCaFile) };
}

function portsOf(reader: SettingsReader): Config["ports"] {
  return {
    license: reader.read("licensePort", settings.licensePort),
    api: reader.read("apiPort", settings.apiPort),
    gateway: reader.read("gatewayPort", settings.gatewayPort),
    issuer: reader.read("issuerPort", settings.issuerPort),
  };
}

function clientOf(reader: SettingsReader, { CYBERUN_API_KEY: key, XDG_CONFIG_HOME: home, HOME: own }: Environment): ClientConfig {
  return {
    apiUrl: reader.read("apiUrl", settings.apiUrl),
    profile: reader.read("profile", settings.profile),
    apiKey: key === undefined || key === "" ? undefined : new Secret(key),
    // The specification has a relative path ignored.
    folder: home !== undefined && isAbsolute(home) ? home : join(own ?? homedir(), ".config"),
  };
}

function agentOf(environment: Environment): AgentConfig {
  const { CYBERUN_AGENT_KEY: key } = environment;
  return {
    key: key === undefined || key === "" ? undefined : new Secret(key),
    variable: (name) => (name.startsWith("CYBERUN_") ? undefined : environment[name]),
  };
}

function configOf(reader: SettingsReader, environment: Environment, isTrial: boolean): Config {
  const preset = reader.read("preset", settings.preset);
  const dataDir = reader.read("dataDir", settings.dataDir) ?? (isTrial ? join(homedir(), TRIAL_DATA_DIR) : SERVICE_DATA_DIR);
  const bind = reader.read("bind", settings.bind);
  return {
    roles: reader.read("roles", settings.roles),
    dataDir,
    licenseFile: reader.read("licenseFile", settings.licenseFile) ?? join(dataDir, "license.lic"),
    licenseServerAddresses: reader.read("licenseServerAddresses", settings.licenseServerAddresses),
    bind,
    ports: portsOf(reader),
    publicUrl: reader.read("publicUrl", settings.publicUrl),
    issuerUrl: reader.read("issuerUrl", settings.issuerUrl),
    gatewayUrl: reader.read("gatewayUrl", settings.gatewayUrl),
    logoFile: reader.read("logoFile", settings.logoFile),
    shownHost: isTrial && loopback.test(bind) ? "localhost" : undefined,
    ...tlsOf(reader),
    extraCaFile: reader.read("extraCaFile", settings.extraCaFile),
    dialAllow: reader.read("dialAllow", settings.dialAllow),
    upstreamProviders: reader.file?.upstreamProviders ?? [],
    databaseUrl: reader.read("databaseUrl", settings.databaseUrl),
    masterKeyFile: reader.read("masterKeyFile", settings.masterKeyFile) ?? join(dataDir, "master.key"),
    joinTokenFile: reader.read("joinTokenFile", settings.joinTokenFile),
    clusterId: reader.read("clusterId", settings.clusterId),
    preset,
    lifetimes: lifetimesOf(reader, preset),
    smtp: smtpOf(reader),
    s3: s3Of(reader),
    proxies: { networks: reader.read("trustedProxies", settings.trustedProxies), header: reader.read("forwardedHeader", settings.forwardedHeader) },
    rateLimits: rateLimitsOf(reader),
    backups: {
      at: reader.read("backupAt", settings.backupAt),
      directory: reader.read("backupDir", settings.backupDir) ?? join(dataDir, "backups"),
      keep: reader.read("backupKeep", settings.backupKeep),
      passphraseFile: reader.read("backupPassphraseFile", settings.backupPassphraseFile),
    },
    configFile: reader.file?.path,
    logLevel: reader.read("logLevel", { ...settings.logLevel, fallback: isTrial ? "warn" : settings.logLevel.fallback }),
    readyFile: reader.read("readyFile", settings.readyFile),
    client: clientOf(reader, environment),
    agent: agentOf(environment),
  };
}

function rateLimitsOf(reader: SettingsReader): RateLimitSettings {
  return {
    source: reader.read("rateLimitSource", settings.rateLimitSource),
    credential: reader.read("rateLimitCredential", settings.rateLimitCredential),
    stranger: reader.read("rateLimitStranger", settings.rateLimitStranger),
  };
}

const pairs = [
  ["tlsCertFile", "tlsKeyFile"],
  ["tlsClientCertFile", "tlsClientKeyFile"],
] as const;

/** Half of a pair of settings that only mean something together. */
function halfPair(reader: SettingsReader): readonly Mistake[] {
  return pairs.flatMap(([certName, keyName]) => {
    const [cert, key] = [reader.findPlace(certName), reader.findPlace(keyName)];
    if ((cert === undefined) === (key === undefined)) return [];
    const missing = settings[cert === undefined ? certName : keyName];
    return [{ where: cert ?? key ?? "", problem: "a certificate and its key only work together", hint: `Set ${missing.flag} or ${missing.variable} too.` }];
  });
}

/** A port that shall ask for certificates and shows none itself. */
function plainAsking(reader: SettingsReader, { tls, tlsClientCaFile }: Config): readonly Mistake[] {
  if (tlsClientCaFile === undefined || tls !== undefined) return [];
  return [{ where: reader.findPlace("tlsClientCaFile") ?? "", problem: "the License Server can ask for certificates only over TLS", hint: `Set ${settings.tlsCertFile.flag} and ${settings.tlsKeyFile.flag} too.` }];
}

const portNames = { license: "licensePort", api: "apiPort", gateway: "gatewayPort", issuer: "issuerPort" } as const satisfies Record<Role, SettingName>;

/** Two roles of the process on one port. */
function sharedPorts(reader: SettingsReader, config: Config): readonly Mistake[] {
  return config.roles.flatMap((role, index) => {
    const port = config.ports[role];
    const earlier = config.roles.slice(0, index).find((other) => port !== 0 && config.ports[other] === port);
    if (earlier === undefined) return [];
    const where = reader.findPlace(portNames[role]) ?? reader.findPlace(portNames[earlier]) ?? settings[portNames[role]].flag;
    return [{ where, problem: `the roles ${earlier} and ${role} cannot both listen on port ${port}` }];
  });
}

/** A login to the mail server of which one half is missing. */
function halfLogin(reader: SettingsReader, { smtp }: Config): readonly Mistake[] {
  if (smtp.host === undefined || (smtp.user === undefined) === (smtp.passwordFile === undefined)) return [];
  const missing = smtp.user === undefined ? settings.smtpUser : settings.smtpPasswordFile;
  const where = reader.findPlace("smtpUser") ?? reader.findPlace("smtpPasswordFile") ?? "";
  return [{ where, problem: "a name and a password for the mail server only work together", hint: `Set ${missing.flag} or ${missing.variable} too.` }];
}

/** A store that is named by halves. */
function halfStore(reader: SettingsReader, { s3: { endpoint, bucket, accessKeyId, secretFile } }: Config): readonly Mistake[] {
  const given = Object.entries({ s3Endpoint: endpoint, s3Bucket: bucket, s3AccessKeyId: accessKeyId, s3SecretFile: secretFile });
  const missing = (["s3Endpoint", "s3Bucket", "s3AccessKeyId", "s3SecretFile"] as const).filter((name) => given.some(([each, value]) => each === name && value === undefined));
  const [first] = missing;
  if (first === undefined || missing.length === given.length) return [];
  const where = (["s3Endpoint", "s3Bucket", "s3AccessKeyId", "s3SecretFile"] as const).map((name) => reader.findPlace(name)).find((place) => place !== undefined) ?? "";
  return [{ where, problem: "an object store takes an address, a bucket, an access key and its secret", hint: `Set ${settings[first].flag} or ${settings[first].variable} too.` }];
}

/** A session that may be left alone for longer than it may live at all. */
function idleBeyondEnd(reader: SettingsReader, { lifetimes }: Config): readonly Mistake[] {
  if (lifetimes.refreshTokenSeconds <= lifetimes.refreshTokenAbsoluteSeconds) return [];
  const { refreshTokenSeconds: idle, refreshTokenAbsoluteSeconds: absolute } = settings;
  const where = reader.findPlace("refreshTokenSeconds") ?? reader.findPlace("refreshTokenAbsoluteSeconds") ?? idle.flag;
  return [{ where, problem: `a refresh token cannot be left alone for longer (${idle.flag}) than it lives at all (${absolute.flag})`, hint: `Set ${absolute.flag} or ${absolute.variable} too.` }];
}

function noticesOf(reader: SettingsReader, config: Config): readonly string[] {
  const { file } = reader;
  const isReadableByOthers = file !== undefined && file.mistakes.length === 0 && (statSync(file.path).mode & 0o044) !== 0;
  return [
    ...(config.tls === undefined && !loopback.test(config.bind)
      ? [`Passwords and keys travel in clear on ${config.bind}, unless a proxy in front does TLS; set ${settings.tlsCertFile.flag} and ${settings.tlsKeyFile.flag}.`]
      : []),
    ...(config.tls !== undefined && config.publicUrl === undefined && config.roles.includes("api")
      ? [`Links and cookies name the address that the API is bound to, which a certificate is seldom for; set ${settings.publicUrl.flag}.`]
      : []),
    ...(config.joinTokenFile !== undefined && !existsSync(config.joinTokenFile)
      ? [`The join token file ${config.joinTokenFile} is not there; that is fine once the roles of this host are enrolled.`]
      : []),
    ...(config.smtp.host !== undefined && config.smtp.tls === "none" && !loopback.test(config.smtp.host)
      ? [`One-time links travel in clear to the mail server ${config.smtp.host}; set ${settings.smtpTls.flag} to starttls or tls.`]
      : []),
    ...(config.smtp.host !== undefined && config.publicUrl === undefined && config.roles.includes("api")
      ? [`Links in mails name the address that the API is bound to; set ${settings.publicUrl.flag}.`]
      : []),
    ...(config.upstreamProviders.length > 0 && config.issuerUrl === undefined && config.roles.includes("issuer")
      ? [`The redirect URI for upstream providers names the address that the issuer is bound to; set ${settings.issuerUrl.flag}.`]
      : []),
    ...(isReadableByOthers && file.values.has("databaseUrl")
      ? [`The config file ${file.path} names a database and others than its owner may read it; make it mode 0600.`]
      : []),
  ];
}

/** The refusal of a configuration, with every mistake in it. */
export function mistakesFault(mistakes: readonly Mistake[]): Fault {
  const lines = mistakes.map(({ where, problem, hint }) => `  ${where}: ${problem}.${hint === undefined ? "" : ` ${hint}`}`);
  const head = mistakes.length === 1 ? "There is a mistake" : `There are ${mistakes.length} mistakes`;
  return new Fault("invalid_request", `${head} in what was asked for.\n${lines.join("\n")}`, {
    details: { mistakes },
  });
}

/**
 * The configuration that the sources amount to. `earlier` are mistakes found on the way here, such as unknown flags.
 * Throws one Fault `invalid_request` for all mistakes together.
 */
export function readConfig(sources: Sources, { takes, isTrial = false }: Purpose, earlier: readonly Mistake[] = []): Configured {
  // A command that takes no setting, such as help, works in any environment.
  const unknown = takes.length === 0 ? { mistakes: [], notices: [] } : unknownVariables(sources.environment);
  const reader = new SettingsReader(sources, takes);
  reader.openFile(reader.read("configFile", settings.configFile));
  const config = configOf(reader, sources.environment, isTrial);
  const mistakes = [...earlier, ...unknown.mistakes, ...reader.mistakes, ...halfPair(reader), ...plainAsking(reader, config), ...sharedPorts(reader, config), ...halfLogin(reader, config), ...halfStore(reader, config), ...idleBeyondEnd(reader, config)];
  if (mistakes.length > 0) throw mistakesFault(mistakes);
  return { config, notices: [...unknown.notices, ...noticesOf(reader, config)] };
}

/** `url` with a host that can be dialled: who listens on every address is reached on this host's own. */
function dialled(url: string): string {
  return url.replace(/^(https?:\/\/)(0\.0\.0\.0|\[::\])(?=[:/]|$)/, "$1localhost");
}

/**
 * The License Servers that roles of this process ask. `own` is the address that the process's own License Server is
 * really bound to: it serves when no address was set, whatever port it got.
 */
export function licenseServersOf(config: Config, own: string | undefined): readonly string[] {
  return config.licenseServerAddresses ?? [own === undefined ? DEFAULT_LICENSE_SERVER : dialled(own)];
}

export type RoleUrls = Readonly<Partial<Record<Role, string>>>;

/** The address of a role as people and programs are told it; `bound` is the one it listens on. */
export function shownAddress({ shownHost }: Config, bound: string): string {
  if (shownHost === undefined) return dialled(bound);
  const url = new URL(bound);
  url.hostname = shownHost;
  return url.origin;
}

/** The address of a role that is not named by configuration: the same whichever process of the deployment asks. */
function addressOf(config: Config, role: Role, bound: string | undefined): string {
  return shownAddress(config, bound ?? boundAddress(config, role));
}

/** The address that a role listens on where its port is a fixed one. */
export function boundAddress({ bind, tls, ports }: Config, role: Role): string {
  const host = bind.includes(":") ? `[${bind}]` : bind;
  return `${tls === undefined ? "http" : "https"}://${host}:${ports[role]}`;
}

/** What domains need to know of the configuration; `bound` are the addresses that roles of this process are bound to. */
export function settingsOf(config: Config, bound: RoleUrls): Settings {
  return {
    ...config.lifetimes,
    hasMailServer: config.smtp.host !== undefined,
    dialAllow: config.dialAllow,
    upstreamProviders: config.upstreamProviders,
    // Read where pages are served.
    logo: undefined,
    publicUrl: config.publicUrl ?? addressOf(config, "api", bound.api),
    issuerUrl: config.issuerUrl ?? addressOf(config, "issuer", bound.issuer),
    gatewayUrl: config.gatewayUrl ?? addressOf(config, "gateway", bound.gateway),
  };
}
