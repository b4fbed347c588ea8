import { describe, expect, test } from "bun:test";
import { chmodSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { type Config, licenseServersOf, readConfig, settingsOf } from "../src/config.ts";
import { type Lifetimes, presets } from "../src/lifetimes.ts";
import { type SettingName, settingNames, settingOf } from "../src/config/table.ts";
import { Fault } from "../src/fault.ts";
import { redact } from "../src/log.ts";
import { temporaryFolder } from "./support/folder.ts";

interface Given {
  readonly flags?: Partial<Record<SettingName, string>>;
  readonly environment?: Record<string, string>;
  readonly takes?: readonly SettingName[];
  readonly isTrial?: boolean;
}

function flagsOf(flags: Given["flags"] = {}): ReadonlyMap<SettingName, string> {
  return new Map(settingNames.flatMap((name) => (flags[name] === undefined ? [] : [[name, flags[name]] as const])));
}

function read({ flags, environment = {}, takes = settingNames, isTrial = false }: Given = {}) {
  return readConfig({ flags: flagsOf(flags), environment, workingDirectory: "/work dir" }, { takes, isTrial });
}

function faultOf(given: Given): Fault {
  try {
    read(given);
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
  throw new Error("the configuration was accepted");
}

/** A value of the setting that is right and is not its default, with what the configuration makes of it. */
const samples: Readonly<Record<Exclude<SettingName, "configFile" | "tlsCertFile" | "tlsKeyFile" | "tlsClientCaFile" | "tlsClientCertFile" | "tlsClientKeyFile" | "extraCaFile" | keyof Lifetimes>, readonly [text: string, read: (config: Config) => unknown, value: unknown]>> = {
  roles: ["issuer,api", (config) => config.roles, ["issuer", "api"]],
  dataDir: ["/data", (config) => config.dataDir, "/data"],
  licenseFile: ["/site.lic", (config) => config.licenseFile, "/site.lic"],
  licenseServerAddresses: ["http://a:1,https://b", (config) => config.licenseServerAddresses, ["http://a:1", "https://b"]],
  bind: ["::1", (config) => config.bind, "::1"],
  licensePort: ["1001", (config) => config.ports.license, 1001],
  apiPort: ["0", (config) => config.ports.api, 0],
  gatewayPort: ["1003", (config) => config.ports.gateway, 1003],
  issuerPort: ["1004", (config) => config.ports.issuer, 1004],
  publicUrl: ["https://c.example/", (config) => config.publicUrl, "https://c.example"],
  issuerUrl: ["https://id.example", (config) => config.issuerUrl, "https://id.example"],
  gatewayUrl: ["https://gw.example", (config) => config.gatewayUrl, "https://gw.example"],
  s3Endpoint: ["https://s3.example", (config) => config.s3.endpoint, "https://s3.example"],
  s3Bucket: ["files", (config) => config.s3.bucket, "files"],
  s3Region: ["eu-west-1", (config) => config.s3.region, "eu-west-1"],
  s3AccessKeyId: ["AK1", (config) => config.s3.accessKeyId, "AK1"],
  s3SecretFile: ["/s3.secret", (config) => config.s3.secretFile, "/s3.secret"],
  logoFile: [import.meta.path, (config) => config.logoFile, import.meta.path],
  dialAllow: ["10.0.0.0/8,*.corp.example", (config) => config.dialAllow.length, 2],
  databaseUrl: ["postgres://u@db/c", (config) => config.databaseUrl?.reveal(), "postgres://u@db/c"],
  masterKeyFile: ["/m.key", (config) => config.masterKeyFile, "/m.key"],
  joinTokenFile: ["/join", (config) => config.joinTokenFile, "/join"],
  clusterId: ["c-1", (config) => config.clusterId, "c-1"],
  preset: ["saas", (config) => config.preset, "saas"],
  smtpHost: ["mail.example.com", (config) => config.smtp.host, "mail.example.com"],
  smtpPort: ["25", (config) => config.smtp.port, 25],
  smtpTls: ["tls", (config) => config.smtp.tls, "tls"],
  smtpUser: ["mailer", (config) => config.smtp.user, "mailer"],
  smtpPasswordFile: ["/mail.password", (config) => config.smtp.passwordFile, "/mail.password"],
  smtpFrom: ["cyberun@example.com", (config) => config.smtp.from, "cyberun@example.com"],
  apiUrl: ["https://api.example", (config) => config.client.apiUrl, "https://api.example"],
  profile: ["work", (config) => config.client.profile, "work"],
  trustedProxies: ["10.0.0.0/8,::1", (config) => config.proxies.networks.length, 2],
  forwardedHeader: ["forwarded", (config) => config.proxies.header, "forwarded"],
  rateLimitSource: ["0", (config) => config.rateLimits.source, 0],
  rateLimitCredential: ["7", (config) => config.rateLimits.credential, 7],
  rateLimitStranger: ["8", (config) => config.rateLimits.stranger, 8],
  logLevel: ["debug", (config) => config.logLevel, "debug"],
  backupAt: ["02:30", (config) => config.backups.at, "02:30"],
  backupDir: ["/backups", (config) => config.backups.directory, "/backups"],
  backupKeep: ["30", (config) => config.backups.keep, 30],
  backupPassphraseFile: ["/passphrase", (config) => config.backups.passphraseFile, "/passphrase"],
  readyFile: ["/ready", (config) => config.readyFile, "/ready"],
};

/** Of each lifetime: a second more than its default. */
const lives = Object.entries(presets.onprem).map(([name, seconds]) => ({
  name,
  text: String(seconds + 1),
  pick: ({ lifetimes }: Config): unknown => Object.entries(lifetimes).find(([each]) => each === name)?.[1],
  value: seconds + 1,
}));

const sampled = [...Object.entries(samples).map(([name, [text, pick, value]]) => ({ name, text, pick, value })), ...lives];

function named(name: string): SettingName {
  const found = settingNames.find((candidate) => candidate === name);
  if (found === undefined) throw new Error(`no setting ${name}`);
  return found;
}

test("every setting of the table has a sample here, or is a file that must exist", () => {
  expect(sampled.length + 7).toBe(settingNames.length);
});

/** Variables of what only works together with the setting. */
function besides(name: string): Readonly<Record<string, string>> {
  const together = ["s3Endpoint", "s3Bucket", "s3AccessKeyId", "s3SecretFile"];
  const others = together.includes(name) ? sampled.filter((each) => together.includes(each.name) && each.name !== name) : [];
  return Object.fromEntries(others.map((each) => [settingOf(named(each.name)).variable, each.text]));
}

test.each(["s3Endpoint", "s3Bucket", "s3AccessKeyId", "s3SecretFile"] as const)("an object store without its %s is no object store", (name) => {
  expect(() => read({ environment: besides(name) })).toThrow(settingOf(name).flag);
});

describe("precedence", () => {
  test.each(sampled)("$name is read from its flag, its variable and the config file, in this order", ({ name, text, pick, value }) => {
    using folder = temporaryFolder();
    const setting = settingOf(named(name));
    const fallback = pick(read().config);
    expect(fallback).not.toEqual(value);
    const file = join(folder.path, "c.toml");
    writeFileSync(file, `# a comment\n${setting.name} = ${JSON.stringify(text)}\n`);
    const environment = besides(name);
    expect(pick(read({ flags: { configFile: file }, environment }).config)).toEqual(value);
    expect(pick(read({ environment: { ...environment, CYBERUN_CONFIG_FILE: file } }).config)).toEqual(value);
    expect(pick(read({ environment: { ...environment, [setting.variable]: text } }).config)).toEqual(value);
    expect(pick(read({ flags: { [named(name)]: text }, environment }).config)).toEqual(value);
  });

  test.each([
    [{ flag: "1", variable: "2", file: "3" }, 1],
    [{ variable: "2", file: "3" }, 2],
    [{ file: "3" }, 3],
    [{ flag: "1", file: "3" }, 1],
    [{ flag: "1", variable: "2" }, 1],
    [{ variable: "", file: "3" }, 3],
    [{ variable: "" }, 9401],
    [{}, 9401],
  ] as const)("%j gives port %d", (sources: { flag?: string; variable?: string; file?: string }, port) => {
    using folder = temporaryFolder();
    const configFile = join(folder.path, "c.toml");
    writeFileSync(configFile, sources.file === undefined ? "" : `api_port = ${sources.file}`);
    const flags = { configFile, ...(sources.flag === undefined ? {} : { apiPort: sources.flag }) };
    const environment: Record<string, string> = sources.variable === undefined ? {} : { CYBERUN_API_PORT: sources.variable };
    expect(read({ flags, environment }).config.ports.api).toBe(port);
  });

  test("relative paths count from the working directory, and in a config file from the file's folder", () => {
    using folder = temporaryFolder();
    const configFile = join(folder.path, "c.toml");
    writeFileSync(configFile, 'data_dir = "data"\n');
    expect(read({ flags: { configFile } }).config.dataDir).toBe(join(folder.path, "data"));
    expect(read({ flags: { dataDir: "data" } }).config.dataDir).toBe("/work dir/data");
    expect(read({ environment: { CYBERUN_DATA_DIR: "../data" } }).config.dataDir).toBe("/data");
  });

  test("a trial has a folder of its own under the home directory and logs less", () => {
    expect(read().config).toMatchObject({ dataDir: "/var/lib/cyberun", logLevel: "info" });
    expect(read({ isTrial: true }).config).toMatchObject({ dataDir: join(homedir(), ".cyberun-trial"), logLevel: "warn" });
    expect(read({ isTrial: true, flags: { logLevel: "error" } }).config.logLevel).toBe("error");
  });

  test("license and master key lie in the data directory unless something else is said", () => {
    expect(read({ flags: { dataDir: "/d" } }).config).toMatchObject({ licenseFile: "/d/license.lic", masterKeyFile: "/d/master.key" });
  });
});

describe("mistakes", () => {
  test("all of all sources are told together", () => {
    using folder = temporaryFolder();
    const configFile = join(folder.path, "c.toml");
    writeFileSync(configFile, 'data_dri = "x"\nbind = ["a"]\nissuer_port = 70000\n');
    const { message, details } = faultOf({
      flags: { configFile, apiPort: "94o1", roles: "api,apy", tlsCertFile: "/nowhere.pem" },
      environment: { CYBERUN_GATEWAY_PROT: "1", CYBERUN_LOG_LEVEL: "loud", CYBERUN_COOKIE_SECONDS: "5" },
    });
    const expected = [
      `${configFile}: data_dri: there is no such key. Did you mean data_dir?`,
      `${configFile}: bind: must be a string`,
      `${configFile}: issuer_port: "70000" must be a whole number from 0 to 65535.`,
      `--api-port: "94o1" must be a whole number from 0 to 65535.`,
      `--roles: "api,apy" must be one of license, api, gateway, issuer`,
      `--tls-cert-file: "/nowhere.pem" names a file that does not exist.`,
      "--tls-cert-file: a certificate and its key only work together. Set --tls-key-file or CYBERUN_TLS_KEY_FILE too.",
      "CYBERUN_GATEWAY_PROT: there is no such variable. Did you mean CYBERUN_GATEWAY_PORT?",
      'CYBERUN_LOG_LEVEL: "loud" must be one of debug, info, warn, error.',
      'CYBERUN_COOKIE_SECONDS: "5" must be a whole number from 300 to 2592000.',
    ];
    for (const line of expected) expect(message).toContain(line);
    expect(message).toStartWith(`There are ${expected.length} mistakes`);
    expect(details?.["mistakes"]).toHaveLength(expected.length);
  });

  test("a wrong value is told even where another source wins", () => {
    expect(faultOf({ flags: { apiPort: "1" }, environment: { CYBERUN_API_PORT: "x" } }).message).toContain("CYBERUN_API_PORT");
  });

  test.each<[string, Given, string]>([
    ["an empty flag", { flags: { dataDir: "" } }, "--data-dir: must not be empty"],
    ["a port beyond the last", { flags: { apiPort: "65536" } }, "whole number"],
    ["a negative port", { flags: { apiPort: "-1" } }, "whole number"],
    ["a port with a fraction", { flags: { apiPort: "1.5" } }, "whole number"],
    ["a port in hexadecimal", { flags: { apiPort: "0x10" } }, "whole number"],
    ["a port that an orchestrator described", { environment: { CYBERUN_API_PORT: "tcp://10.0.0.1:80" } }, "switch its service links off"],
    ["no role at all", { flags: { roles: "," } }, "must be one of"],
    ["a role twice", { flags: { roles: "api,api" } }, "names an entry twice"],
    ["an address with a path", { flags: { licenseServerAddresses: "http://a/b" } }, "without path"],
    ["an address with a password", { flags: { publicUrl: "https://u:p@a" } }, "must not carry a user name"],
    ["an address of another scheme", { flags: { issuerUrl: "ftp://a" } }, "must be an address"],
    ["too many addresses", { flags: { licenseServerAddresses: Array.from({ length: 17 }, (_, n) => `http://h${n}`).join() } }, "at most 16"],
    ["a bind address with a port", { flags: { bind: "127.0.0.1:80" } }, "without scheme and port"],
    ["a cluster name with a space", { flags: { clusterId: "a b" } }, "1 to 128"],
    ["a database of another kind", { flags: { databaseUrl: "mysql://a/b" } }, "must be a PostgreSQL URL"],
    ["a path with a zero byte", { flags: { dataDir: "a\0b" } }, "must be a path"],
    ["two roles on one port", { flags: { apiPort: "5", issuerPort: "5" } }, "the roles api and issuer cannot both listen on port 5"],
    ["a role on another's default port", { flags: { apiPort: "9400" } }, "--api-port: the roles license and api"],
    ["a key without certificate", { flags: { tlsKeyFile: import.meta.path } }, "Set --tls-cert-file"],
    ["a client's certificate without key", { flags: { tlsClientCertFile: import.meta.path } }, "Set --tls-client-key-file"],
    ["certificates asked for in clear", { flags: { tlsClientCaFile: import.meta.path } }, "Set --tls-cert-file and --tls-key-file too."],
    ["a config file that is not there", { flags: { configFile: "/nowhere.toml" } }, "there is no such file"],
    ["a config file that is a folder", { flags: { configFile: "/" } }, "cannot be read"],
    ["a variable nobody knows", { environment: { CYBERUN_ZZZZZZ: "1" } }, "CYBERUN_ZZZZZZ: there is no such variable."],
    ["a variable with the flag's name", { environment: { CYBERUN_LICENSE: "1" } }, "CYBERUN_LICENSE: there is no such variable."],
  ])("%s is refused", (_, given, text) => {
    expect(faultOf(given)).toMatchObject({ code: "invalid_request", exitCode: 2 });
    expect(faultOf(given).message).toContain(text);
  });

  test.each([
    ["a key that stands twice", "bind = 'a'\nbind = 'b'", "is not TOML"],
    ["what is not TOML", "{}", "is not TOML"],
    ["another file's name", "config_file = 'x'", "config_file: there is no such key"],
    ["a table", "[api_port]\nx = 1", "api_port: must be a string"],
    ["a list item with a comma", "roles = ['api,issuer']", "roles: must be a string"],
    ["a key of the prototype", "constructor = 1", "constructor: there is no such key"],
    ["a very long file", `# ${"x".repeat(65_536)}`, "is larger than 65536 bytes"],
  ])("a config file with %s is refused", (_, content, text) => {
    using folder = temporaryFolder();
    const configFile = join(folder.path, "c.toml");
    writeFileSync(configFile, content);
    expect(faultOf({ flags: { configFile } }).message).toContain(text);
  });

  test("roles may share the port 0, and a port of a role that does not run here", () => {
    expect(read({ flags: { apiPort: "0", issuerPort: "0", licensePort: "0" } }).config.ports.api).toBe(0);
    expect(read({ flags: { apiPort: "9400", roles: "api" } }).config.ports.api).toBe(9400);
  });

  test("what a command does not take is not looked at, but an unknown variable still is", () => {
    const takes = ["dataDir"] as const;
    expect(read({ takes, environment: { CYBERUN_API_PORT: "x" } }).config.ports.api).toBe(9401);
    expect(faultOf({ takes, environment: { CYBERUN_DATA_DRI: "/x" } }).message).toContain("Did you mean CYBERUN_DATA_DIR?");
    expect(read({ takes: [], environment: { CYBERUN_DATA_DRI: "/x" } }).config.dataDir).toBe("/var/lib/cyberun");
  });
});

describe("what is no mistake", () => {
  test("variables of an orchestrator's service are named in a notice and not used", () => {
    const environment = { CYBERUN_SERVICE_HOST: "10.0.0.1", CYBERUN_PORT_9400_TCP_ADDR: "10.0.0.1", CYBERUN_LICENSE_SERVICE_PORT: "9400" };
    expect(read({ environment }).notices).toHaveLength(3);
  });

  test("variables of the platform's clients are left alone", () => {
    expect(read({ environment: { CYBERUN_API_KEY: "sk-x", CYBERUN_KEY: "x" } }).notices).toEqual([]);
  });

  test.each([
    ["127.0.0.1", 0],
    ["localhost", 0],
    ["::1", 0],
    ["0.0.0.0", 1],
    ["10.1.2.3", 1],
  ])("listening on %s without TLS gives %d notices", (bind, count) => {
    expect(read({ flags: { bind } }).notices).toHaveLength(count);
  });

  test("a certificate without a public address gives a notice, and so does a join token that is not there", () => {
    const tls = { tlsCertFile: import.meta.path, tlsKeyFile: import.meta.path };
    expect(read({ flags: tls }).notices[0]).toContain("--public-url");
    expect(read({ flags: { ...tls, publicUrl: "https://c.example" } }).notices).toEqual([]);
    expect(read({ flags: { ...tls, roles: "gateway" } }).notices).toEqual([]);
    expect(read({ flags: { joinTokenFile: "/nowhere" } }).notices[0]).toContain("/nowhere is not there");
    expect(read({ flags: { joinTokenFile: import.meta.path } }).notices).toEqual([]);
  });

  test("a config file with a database that others may read gives a notice", () => {
    using folder = temporaryFolder();
    const configFile = join(folder.path, "c.toml");
    writeFileSync(configFile, 'database_url = "postgres://u:pw@db/c"\n');
    chmodSync(configFile, 0o600);
    expect(read({ flags: { configFile } }).notices).toEqual([]);
    chmodSync(configFile, 0o640);
    expect(read({ flags: { configFile } }).notices[0]).toContain("0600");
  });
});

describe("secrets", () => {
  const planted = "planted-Pa55word";

  test("a database password is never shown, and the rest of the URL is", () => {
    const { config } = read({ environment: { CYBERUN_DATABASE_URL: `postgres://user:${planted}@db:5432/c?sslkey=${planted}` } });
    expect(config.databaseUrl?.reveal()).toContain(planted);
    const shown = [String(config.databaseUrl), JSON.stringify(config), Bun.inspect(config), JSON.stringify(redact(config)), `${config.databaseUrl}`];
    for (const text of shown) expect(text).not.toContain(planted);
    expect(String(config.databaseUrl)).toContain("user:•••@db:5432/c");
  });

  test.each(["postgres://u:PW@db/c", "postgres://u@db/c?password=PW"])("the command line takes no password: %s", (form) => {
    const fault = faultOf({ flags: { databaseUrl: form.replace("PW", planted) } });
    expect(fault.message).toContain("Set it in CYBERUN_DATABASE_URL or in the config file.");
    expect(fault.message + JSON.stringify(fault.details)).not.toContain(planted);
  });

  test("a database URL that cannot be read is not repeated", () => {
    const fault = faultOf({ environment: { CYBERUN_DATABASE_URL: `postgres//u:${planted}@db` } });
    expect(fault.message + JSON.stringify(fault.details)).not.toContain(planted);
  });

  test("a key in the wrong place is not repeated", () => {
    expect(faultOf({ flags: { apiPort: "sk-abcdefgh_0123456789" } }).message).not.toContain("abcdefgh");
  });
});

describe("addresses that follow from the configuration", () => {
  const config = read().config;

  test("roles ask the License Server of their own process at the address it is really bound to", () => {
    expect(licenseServersOf(config, "http://127.0.0.1:41234")).toEqual(["http://127.0.0.1:41234"]);
    expect(licenseServersOf(config, "http://0.0.0.0:9400")).toEqual(["http://localhost:9400"]);
    expect(licenseServersOf(config, "https://[::]:9400")).toEqual(["https://localhost:9400"]);
  });

  test("without one they ask the documented default, and what was set wins over both", () => {
    expect(licenseServersOf(config, undefined)).toEqual(["http://localhost:9400"]);
    const set = read({ flags: { licenseServerAddresses: "http://a:1" } }).config;
    expect(licenseServersOf(set, "http://127.0.0.1:41234")).toEqual(["http://a:1"]);
  });

  test("public addresses are those set, else those bound, else the same in every process of the deployment", () => {
    expect(settingsOf(config, {})).toMatchObject({ publicUrl: "http://127.0.0.1:9401", issuerUrl: "http://127.0.0.1:9403" });
    expect(settingsOf(config, { api: "http://127.0.0.1:5" })).toMatchObject({ publicUrl: "http://127.0.0.1:5" });
    expect(settingsOf(read({ flags: { bind: "::", publicUrl: "https://c.example" } }).config, {})).toMatchObject({
      publicUrl: "https://c.example",
      issuerUrl: "http://localhost:9403",
    });
  });

  test("a trial is known as localhost, so that browsers have passkeys for it, unless something else was set", () => {
    const trial = read({ isTrial: true }).config;
    expect(settingsOf(trial, {})).toMatchObject({ publicUrl: "http://localhost:9401", issuerUrl: "http://localhost:9403" });
    expect(settingsOf(trial, { api: "http://127.0.0.1:5", issuer: "https://127.0.0.1:6" })).toMatchObject({ publicUrl: "http://localhost:5", issuerUrl: "https://localhost:6" });
    expect(settingsOf(read({ isTrial: true, flags: { bind: "::1", publicUrl: "https://c.example" } }).config, {})).toMatchObject({ publicUrl: "https://c.example", issuerUrl: "http://localhost:9403" });
    expect(settingsOf(read({ isTrial: true, flags: { bind: "192.0.2.7" } }).config, {})).toMatchObject({ publicUrl: "http://192.0.2.7:9401" });
    expect(trial.bind).toBe("127.0.0.1");
    expect(licenseServersOf(trial, "http://127.0.0.1:41234")).toEqual(["http://127.0.0.1:41234"]);
  });
});

describe("presets", () => {
  test("are the defaults of all lifetimes, and what is set wins wherever it stands", () => {
    using folder = temporaryFolder();
    const file = join(folder.path, "c.toml");
    writeFileSync(file, 'preset = "saas"\ncookie_seconds = 600\n');
    expect(read().config.lifetimes).toEqual(presets.onprem);
    expect(read({ flags: { preset: "saas" } }).config.lifetimes).toEqual(presets.saas);
    expect(read({ environment: { CYBERUN_PRESET: "saas" } }).config.lifetimes).toEqual(presets.saas);
    const { preset, lifetimes } = read({ flags: { configFile: file, accessTokenSeconds: "3600" }, environment: { CYBERUN_ID_TOKEN_SECONDS: "61" } }).config;
    expect([preset, lifetimes]).toEqual(["saas", { ...presets.saas, accessTokenSeconds: 3_600, idTokenSeconds: 61, cookieSeconds: 600 }]);
  });

  test("each stays inside of what may be set", () => {
    for (const preset of Object.values(presets)) {
      const flags = Object.fromEntries(Object.entries(preset).map(([name, seconds]) => [name, String(seconds)]));
      expect(read({ flags }).config.lifetimes).toEqual(preset);
    }
  });

  test.each(["SaaS", "", "cloud"])("%j is none", (preset) => {
    expect(faultOf({ flags: { preset } }).message).toContain("--preset");
  });

  test("a refresh token that may be left alone for longer than it lives is a mistake, with both names", () => {
    const { message } = faultOf({ flags: { preset: "saas", refreshTokenSeconds: String(91 * 86_400) } });
    expect(message).toContain("--refresh-token-seconds");
    expect(message).toContain("CYBERUN_REFRESH_TOKEN_ABSOLUTE_SECONDS");
    expect(message).not.toContain("--cookie");
  });
});
