/**
 * The table of settings: every one, once. Flag, variable and config-file key follow from the name, so that whoever knows
 * one of them knows all three; help, `docs/configuration.md` and the reading of a configuration are made from it.
 *
 * Rule: a setting that is not here does not exist. It holds names, kinds and defaults, and reads nothing.
 */
import * as kinds from "./kinds.ts";
import type { Kind } from "./kinds.ts";
import type { LogLevel } from "../log.ts";
import type { DialAllowance } from "../dialler.ts";
import { lifetimeSettings } from "./lifetime-settings.ts";
import { type Role, roles, type Setting, setting } from "./setting.ts";
import type { AddressRange } from "../addresses.ts";
import { defaultSettings, type ForwardedHeader, forwardedHeaders, type SmtpTls, smtpTlsModes } from "../settings.ts";

const logLevels: readonly LogLevel[] = ["debug", "info", "warn", "error"];

const rate = kinds.whole("REQUESTS", 0, 1_000_000_000);
const optionalOrigin: Kind<string | undefined> = kinds.origin;

export const settings = {
  configFile: setting("config_file", {
    kind: kinds.path("FILE"),
    fallback: undefined,
    shownDefault: "none; no file is looked for",
    help: "Settings in TOML, keyed by their names",
    flag: "--config",
  }),
  roles: setting<readonly Role[]>("roles", {
    kind: kinds.list(kinds.choice(roles), "ROLE,…"),
    fallback: roles,
    help: "Roles that this process runs",
  }),
  dataDir: setting("data_dir", {
    kind: kinds.path("DIR"),
    fallback: undefined,
    shownDefault: "/var/lib/cyberun; for a trial ~/.cyberun-trial",
    help: "Directory that holds everything this deployment keeps",
  }),
  licenseFile: setting("license_file", {
    kind: kinds.path("FILE"),
    fallback: undefined,
    shownDefault: "license.lic in the data directory",
    help: "License file that the License Server watches",
    roles: ["license"],
    flag: "--license",
  }),
  licenseServerAddresses: setting<readonly string[] | undefined>("license_server_addresses", {
    kind: kinds.list(kinds.origin, "URL,…"),
    fallback: undefined,
    shownDefault: "the License Server of this process; without one http://localhost:9400",
    help: "License Servers, tried in this order until one answers",
    roles: ["api", "gateway", "issuer"],
  }),
  bind: setting("bind", { kind: kinds.host, fallback: "127.0.0.1", help: "Address that every role listens on" }),
  licensePort: setting("license_port", { kind: kinds.port, fallback: 9400, help: "Port of the License Server; 0 takes a free one", roles: ["license"] }),
  apiPort: setting("api_port", { kind: kinds.port, fallback: 9401, help: "Port of API and dashboard; 0 takes a free one", roles: ["api"] }),
  gatewayPort: setting("gateway_port", { kind: kinds.port, fallback: 9402, help: "Port of the agent gateway; 0 takes a free one", roles: ["gateway"] }),
  issuerPort: setting("issuer_port", { kind: kinds.port, fallback: 9403, help: "Port of the OIDC issuer; 0 takes a free one", roles: ["issuer"] }),
  publicUrl: setting("public_url", {
    kind: optionalOrigin,
    fallback: undefined,
    shownDefault: "the address the API is bound to",
    help: "Where people and programs reach the API and the dashboard",
  }),
  issuerUrl: setting("issuer_url", {
    kind: optionalOrigin,
    fallback: undefined,
    shownDefault: "the address the issuer is bound to",
    help: "The issuer's name in tokens and discovery",
  }),
  gatewayUrl: setting("gateway_url", {
    kind: optionalOrigin,
    fallback: undefined,
    shownDefault: "the address the gateway is bound to",
    help: "Where agents and tunnels reach the gateway; a host name of its own keeps what tunnels show apart from the dashboard",
    roles: ["api", "gateway"],
  }),
  s3Endpoint: setting("s3_endpoint", {
    kind: optionalOrigin,
    fallback: undefined,
    shownDefault: "none: files lie in the data directory",
    help: "Address of an S3-compatible store that files are kept in",
    roles: ["api"],
  }),
  s3Bucket: setting("s3_bucket", { kind: kinds.text("NAME", /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, "the name of a bucket"), fallback: undefined, shownDefault: "none", help: "Bucket of the S3-compatible store", roles: ["api"] }),
  s3Region: setting("s3_region", { kind: kinds.text("NAME", /^[a-z0-9-]{1,40}$/, "a region such as us-east-1"), fallback: undefined, shownDefault: "us-east-1", help: "Region that requests to the store are signed for", roles: ["api"] }),
  s3AccessKeyId: setting("s3_access_key_id", { kind: kinds.text("ID", /^[!-~]{1,128}$/, "an access key's id"), fallback: undefined, shownDefault: "none", help: "Id of the access key for the store", roles: ["api"] }),
  s3SecretFile: setting("s3_secret_file", { kind: kinds.path("FILE"), fallback: undefined, shownDefault: "none", help: "File whose first line is the access key's secret", roles: ["api"] }),
  logoFile: setting("logo_file", {
    kind: kinds.presentFile,
    fallback: undefined,
    shownDefault: "none: the name alone",
    help: "Logo that the pages show: a PNG, WebP, or an SVG without scripts and addresses, of at most 100 KB",
    roles: ["api", "issuer"],
  }),
  tlsCertFile: setting("tls_cert_file", {
    kind: kinds.presentFile,
    fallback: undefined,
    shownDefault: "none: plain HTTP",
    help: "Certificate chain (PEM) for every port",
  }),
  tlsKeyFile: setting("tls_key_file", {
    kind: kinds.presentFile,
    fallback: undefined,
    shownDefault: "none: plain HTTP",
    help: "Private key (PEM) of the certificate",
  }),
  tlsClientCaFile: setting("tls_client_ca_file", {
    kind: kinds.presentFile,
    fallback: undefined,
    shownDefault: "none: no certificate is asked for",
    help: "Certificates (PEM) of authorities; the License Server's port lets in only clients that show a certificate of one of them",
    roles: ["license"],
  }),
  tlsClientCertFile: setting("tls_client_cert_file", {
    kind: kinds.presentFile,
    fallback: undefined,
    shownDefault: "that of tls_cert_file",
    help: "Certificate (PEM) to show to License Servers that ask for one",
    roles: ["api", "gateway", "issuer"],
  }),
  tlsClientKeyFile: setting("tls_client_key_file", {
    kind: kinds.presentFile,
    fallback: undefined,
    shownDefault: "that of tls_key_file",
    help: "Private key (PEM) of that certificate",
    roles: ["api", "gateway", "issuer"],
  }),
  extraCaFile: setting("extra_ca_file", {
    kind: kinds.presentFile,
    fallback: undefined,
    shownDefault: "none",
    help: "Certificates (PEM) trusted beside the built-in ones for outgoing connections",
  }),
  dialAllow: setting<readonly DialAllowance[]>("dial_allow", {
    kind: kinds.list(kinds.dialAllowance, "RANGE|HOST,…"),
    fallback: defaultSettings.dialAllow,
    shownDefault: "none: public addresses only, by https",
    help: "Private ranges and hosts that addresses supplied by clients, such as jwks_uri or a webhook, and those of upstream providers may lead to; see threat-model.md",
    roles: ["api", "issuer"],
  }),
  databaseUrl: setting("database_url", {
    kind: kinds.databaseUrl,
    fallback: undefined,
    shownDefault: "none: SQLite in the data directory",
    help: "PostgreSQL database; its password is never taken from the command line",
  }),
  masterKeyFile: setting("master_key_file", {
    kind: kinds.path("FILE"),
    fallback: undefined,
    shownDefault: "master.key in the data directory",
    help: "Key that seals secrets in the store; made at first start",
  }),
  joinTokenFile: setting("join_token_file", {
    kind: kinds.path("FILE"),
    fallback: undefined,
    shownDefault: "none: roles in the License Server's data directory need none",
    help: "File with the token by which roles on this host enrol at a License Server elsewhere",
    roles: ["api", "gateway", "issuer"],
  }),
  clusterId: setting("cluster_id", {
    kind: kinds.text("ID", /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/, "1 to 128 letters, digits and . _ : - and begin with a letter or digit"),
    fallback: undefined,
    shownDefault: "none",
    help: "Name of this cluster, for a license that is bound to clusters",
    roles: ["license"],
  }),
  ...lifetimeSettings,
  smtpHost: setting<string | undefined>("smtp_host", {
    kind: kinds.host,
    fallback: undefined,
    shownDefault: "none: no mail is sent",
    help: "Mail server that takes the deployment's mail",
    roles: ["api"],
  }),
  smtpPort: setting("smtp_port", { kind: kinds.whole("PORT", 1, 65_535), fallback: 587, help: "Port of the mail server", roles: ["api"] }),
  smtpTls: setting<SmtpTls>("smtp_tls", {
    kind: kinds.choice(smtpTlsModes),
    fallback: "starttls",
    help: "Whether the connection to the mail server is upgraded (starttls), encrypted from the first byte (tls) or in clear (none)",
    roles: ["api"],
  }),
  smtpUser: setting("smtp_user", {
    kind: kinds.text("NAME", /^[^\p{C}]{1,254}$/u, "1 to 254 characters"),
    fallback: undefined,
    shownDefault: "none: no login",
    help: "Name to log in to the mail server with",
    roles: ["api"],
  }),
  smtpPasswordFile: setting("smtp_password_file", {
    kind: kinds.path("FILE"),
    fallback: undefined,
    shownDefault: "none",
    help: "File whose first line is the password for the mail server",
    roles: ["api"],
  }),
  smtpFrom: setting("smtp_from", {
    kind: kinds.text("ADDRESS", /^[A-Za-z0-9._+-]{1,64}@[A-Za-z0-9.-]{1,180}$/, "an address such as cyberun@example.com"),
    fallback: undefined,
    shownDefault: "no-reply at the public address's host",
    help: "Sender of the deployment's mail",
    roles: ["api"],
  }),
  apiUrl: setting("api_url", {
    kind: optionalOrigin,
    fallback: undefined,
    shownDefault: "that of the profile; without one http://localhost:9401",
    help: "API server that the commands for people ask",
    roles: [],
  }),
  profile: setting("profile", {
    kind: kinds.word("NAME", /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/, "1 to 64 letters, digits, _ and -, and begin with a letter or digit"),
    fallback: "default",
    help: "Which of the sign-ins of this person is used",
    roles: [],
  }),
  trustedProxies: setting<readonly AddressRange[]>("trusted_proxies", {
    kind: kinds.list(kinds.network, "CIDR,…"),
    fallback: [],
    shownDefault: "none: the peer of a connection is the client",
    help: "Proxies whose word about the client's address counts",
  }),
  forwardedHeader: setting<ForwardedHeader>("forwarded_header", {
    kind: kinds.choice(forwardedHeaders),
    fallback: "x-forwarded-for",
    help: "Header that the trusted proxies write; the other one is passed on as clients sent it, and does not count",
  }),
  rateLimitSource: setting("rate_limit_source", {
    kind: rate,
    fallback: 60_000,
    help: "Requests a minute for each address; 0 is no limit",
    roles: ["api", "issuer"],
  }),
  rateLimitCredential: setting("rate_limit_credential", {
    kind: rate,
    fallback: 60_000,
    help: "Requests a minute for each credential; 0 is no limit",
    roles: ["api", "issuer"],
  }),
  rateLimitStranger: setting("rate_limit_stranger", {
    kind: rate,
    fallback: 6_000,
    help: "Requests a minute for each address that change something or guess a credential, without a good one; 0 is no limit",
    roles: ["api", "issuer"],
  }),
  backupAt: setting("backup_at", {
    kind: kinds.text("HH:MM", /^(?:[01]\d|2[0-3]):[0-5]\d$/, "a time of day in UTC such as 02:30"),
    fallback: undefined,
    shownDefault: "none: no backup is made by itself",
    help: "When a backup is made and drilled each day, in UTC",
  }),
  backupDir: setting("backup_dir", {
    kind: kinds.path("DIR"),
    fallback: undefined,
    shownDefault: "backups in the data directory",
    help: "Where backups go; another disk than the data directory's outlives it",
  }),
  backupKeep: setting("backup_keep", { kind: kinds.whole("COUNT", 1, 1_000), fallback: 7, help: "How many of the daily backups are kept" }),
  backupPassphraseFile: setting("backup_passphrase_file", {
    kind: kinds.path("FILE"),
    fallback: undefined,
    shownDefault: "none: they are not encrypted",
    help: "File whose first line is the passphrase that the daily backups are encrypted to",
  }),
  logLevel: setting<LogLevel>("log_level", {
    kind: kinds.choice(logLevels),
    fallback: "info",
    shownDefault: "info; for a trial warn",
    help: "Least severe lines that are logged to standard error",
  }),
  readyFile: setting("ready_file", {
    kind: kinds.path("FILE"),
    fallback: undefined,
    shownDefault: "none",
    help: "File that is written with the roles' addresses, as JSON, once everything serves, and removed at the stop",
  }),
} as const;

export type SettingName = keyof typeof settings;

/** What every row has, whatever its type: for help, docs and the search for unknown names. */
export type AnySetting = Omit<Setting<unknown>, "kind"> & { readonly kind: Omit<Kind<unknown>, "read"> };

export function settingOf(name: SettingName): AnySetting {
  return settings[name];
}

const names: readonly string[] = Object.keys(settings);

function isSettingName(name: string): name is SettingName {
  return names.includes(name);
}

export const settingNames: readonly SettingName[] = names.filter(isSettingName);

/** The default as help and docs print it. */
export function defaultShown({ shownDefault, fallback }: AnySetting): string {
  return shownDefault ?? (Array.isArray(fallback) ? fallback.join(",") : String(fallback));
}

/** Those of a process that runs roles. */
export const serverSettingNames: readonly SettingName[] = settingNames.filter((name) => settingOf(name).roles?.length !== 0);
