/** Upstream providers in the config file: read once, every mistake named, no secret shown. */
import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { readConfig, settingsOf } from "../../src/config.ts";
import { settingNames } from "../../src/config/table.ts";
import { Fault } from "../../src/fault.ts";
import { redact } from "../../src/log.ts";
import { temporaryFolder } from "../support/folder.ts";

const SECRET = "the secret that the provider gave";

/** What the process makes of a config file with `toml`, whose folder holds the secret in `it.secret`. */
function read(toml: string) {
  using folder = temporaryFolder();
  writeFileSync(join(folder.path, "it.secret"), `${SECRET}\r\nmore\n`);
  writeFileSync(join(folder.path, "empty.secret"), "");
  const path = join(folder.path, "cyberun.toml");
  writeFileSync(path, toml);
  return readConfig({ flags: new Map([["configFile", path]]), environment: {}, workingDirectory: "/" }, { takes: settingNames });
}

function problemsOf(toml: string): string {
  try {
    read(toml);
  } catch (error) {
    if (error instanceof Fault) return error.message;
    throw error;
  }
  return "";
}

const google = '[upstream_providers.google]\npreset = "google"\nclient_id = "x"\nclient_secret_file = "it.secret"\n';

test("several are read, with their secrets from files beside the config file", () => {
  const { config } = read(`${google}\n[upstream_providers.corp]\ndisplay_name = "Corp"\nissuer = "https://login.example.com"\nclient_id = "y"\ntoken_endpoint_auth_method = "none"\nprovisioning = "trusted"\nallowed_domains = ["example.com"]\n`);
  expect(config.upstreamProviders.map(({ secret, ...rest }) => ({ ...rest, secret: secret?.reveal() }))).toEqual([
    { id: "google", display_name: "Google", issuer: "https://accounts.google.com", client_id: "x", token_endpoint_auth_method: "client_secret_basic", scope: "openid email profile", provisioning: "registration", allowed_domains: [], secret: SECRET },
    { id: "corp", display_name: "Corp", issuer: "https://login.example.com", client_id: "y", token_endpoint_auth_method: "none", scope: "openid email profile", provisioning: "trusted", allowed_domains: ["example.com"], secret: undefined },
  ]);
  expect(settingsOf(config, {}).upstreamProviders).toBe(config.upstreamProviders);
});

test("none is the default", () => {
  expect(read("").config.upstreamProviders).toEqual([]);
});

test("the secret does not show in the configuration as it is logged", () => {
  const { config } = read(google);
  for (const shown of [JSON.stringify(config), Bun.inspect(config), JSON.stringify(redact(config))]) expect(shown).not.toContain(SECRET);
});

test("whoever has not named the issuer is told what the redirect URI is made of", () => {
  expect(read(google).notices.join("\n")).toContain("--issuer-url");
  expect(read(`issuer_url = "https://id.example.com"\n${google}`).notices.join("\n")).not.toContain("redirect URI");
});

describe("is refused, by name:", () => {
  const wrong: readonly [string, string, string][] = [
    ["a value that is no table", 'upstream_providers = "google"', "upstream_providers: must be tables"],
    ["a list", "[[upstream_providers]]\n", "upstream_providers: must be tables"],
    ["a provider that is no table", "[upstream_providers]\ngoogle = 1\n", "upstream_providers.google: must be a table"],
    ["a secret in the file itself", `${google}client_secret = "${SECRET}"\n`, "client_secret_file"],
    ["no secret", '[upstream_providers.google]\npreset = "google"\nclient_id = "x"\n', "client_secret_file is missing"],
    ["a secret too many", `${google}token_endpoint_auth_method = "none"\n`, "has no use"],
    ["a secret file that is not there", google.replace("it.secret", "no.secret"), "cannot be read"],
    ["a secret file that is empty", google.replace("it.secret", "empty.secret"), "does not hold a secret"],
    ["a secret file that is a number", google.replace('"it.secret"', "7"), "is the path of a file"],
    ["a member that nobody knows", `${google}colour = "red"\n`, "colour"],
    ["an issuer without TLS", google.replace('preset = "google"', 'issuer = "http://login.example.com"'), "issuer begins with https://"],
    ["an id that cannot stand in an address", google.replace("google]", '"Our Google"]'), "upstream_providers.Our Google"],
    ["Google for everybody", `${google}provisioning = "trusted"\n`, "provisioning"],
  ];
  test.each(wrong)("%s", (_name, toml, words) => {
    const problems = problemsOf(toml);
    expect([problems.includes(words), problems.includes(SECRET)]).toEqual([true, false]);
  });

  test("all mistakes together, with those of the settings", () => {
    const problems = problemsOf(`api_port = "x"\n[upstream_providers.a]\n[upstream_providers.b]\nclient_id = ""\n`);
    expect(["api_port", "upstream_providers.a", "upstream_providers.b"].map((name) => problems.includes(name))).toEqual([true, true, true]);
  });
});
