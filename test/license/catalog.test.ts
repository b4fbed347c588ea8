import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { catalogMarkdown, operationsCountedBy, operationsGatedBy } from "../../build/catalog-markdown.ts";
import { operations, rowOf } from "../../src/gate/operations.ts";
import { features, findFeature, findQuota, quotas, templateNames } from "../../src/license/catalog.ts";
import { readLicense } from "../../src/license/document.ts";
import { termsOf } from "../../src/license/templates.ts";
import { trialBreach, trialQuotasMax } from "../../src/license/trial.ts";
import { testVendor } from "../support/license.ts";

const namespaces = ["global", "account", "team"] as const;
const vendor = testVendor();

function keysOf(entries: readonly { readonly namespace: string; readonly key: string; readonly origin: string }[], origin: string): readonly string[] {
  return entries.filter((entry) => entry.origin === origin).map(({ namespace, key }) => `${namespace}.${key}`);
}

describe("the catalog", () => {
  test("spells the documented keys as they are documented", () => {
    expect(keysOf(features, "documented")).toEqual([
      "global.registration",
      "global.oauth",
      "global.email",
      "global.oidc_provider",
      "global.auto_team",
      "global.mcp_server",
      "global.notifications",
      "account.manual_team_creation",
      "account.team_invitation_accept",
    ]);
    expect(keysOf(quotas, "documented")).toEqual([
      "global.max_users",
      "global.max_teams",
      "global.max_agents",
      "global.max_concurrent_tasks",
      "account.max_owned_teams",
      "team.max_agents",
    ]);
  });

  test("names each key once in its namespace", () => {
    for (const entries of [features, quotas]) {
      const names = entries.map(({ namespace, key }) => `${namespace}.${key}`);
      expect(new Set(names).size).toBe(names.length);
    }
  });

  test("has every feature and every quota that an operation asks for", () => {
    for (const name of Object.keys(operations).filter((key): key is keyof typeof operations => Object.hasOwn(operations, key))) {
      const { license, quotas: counted = [] } = rowOf(name);
      if (typeof license === "object") expect(findFeature(license.namespace, license.key) ?? `${name}: ${license.key}`).toBeObject();
      for (const quota of counted) expect(findQuota(quota.namespace, quota.key) ?? `${name}: ${quota.key}`).toBeObject();
    }
  });

  test("tells a key's namespace apart", () => {
    expect(findQuota("global", "max_agents")).not.toBe(findQuota("team", "max_agents"));
    expect(findQuota("account", "max_agents")).toBeUndefined();
    expect(findFeature("team", "registration")).toBeUndefined();
    expect(findFeature("global", "constructor")).toBeUndefined();
  });

  test("keeps sign-up and upstream sign-in off for enterprise and on for saas, as documented", () => {
    for (const key of ["registration", "oauth"]) {
      expect(findFeature("global", key)?.templates).toMatchObject({ enterprise: false, saas: true });
    }
  });

  test("knows which operations a key gates", () => {
    expect(operationsGatedBy({ namespace: "account", key: "manual_team_creation" })).toEqual(["team.create"]);
    expect(operationsCountedBy({ namespace: "global", key: "max_teams" })).toEqual(["team.create"]);
    expect(operationsGatedBy({ namespace: "team", key: "manual_team_creation" })).toEqual([]);
  });

  test("is what docs/catalog.md shows (bun build/catalog-markdown.ts writes it)", () => {
    expect(readFileSync(join(import.meta.dirname, "../../docs/catalog.md"), "utf8")).toBe(catalogMarkdown());
  });
});

describe("a template", () => {
  test.each(templateNames)("%s writes out every key of the catalog and makes a good license", (template) => {
    const license = readLicense(Buffer.from(vendor.sign({ template })), vendor.trusted);
    for (const { namespace, key, templates } of features) expect(license.features[namespace][key]).toBe(templates[template]);
    for (const { namespace, key, templates } of quotas) expect(license.quotas[namespace][key]).toBe(templates[template]);
    expect(namespaces.flatMap((name) => Object.keys(license.features[name])).length).toBe(features.length);
    expect(namespaces.flatMap((name) => Object.keys(license.quotas[name])).length).toBe(quotas.length);
  });

  test("hands out terms that a change cannot spoil for the next one", () => {
    termsOf("trial").features.team["webhooks"] = false;
    expect(termsOf("trial").features.team["webhooks"]).toBe(true);
  });
});

describe("a trial", () => {
  test("of the template stays inside what a trial key may sign", () => {
    expect(trialBreach({ ...termsOf("trial"), binding: { kind: "any" } })).toBeUndefined();
  });

  test("has a bound for every quota of the catalog, and for no other", () => {
    const bounded = namespaces.flatMap((namespace) => Object.keys(trialQuotasMax[namespace]).map((key) => `${namespace}.${key}`));
    expect(bounded.toSorted()).toEqual(quotas.map(({ namespace, key }) => `${namespace}.${key}`).toSorted());
  });

  const terms = { ...termsOf("trial"), binding: { kind: "any" } };
  test.each([
    ["no activation", { ...terms, activation: undefined }, /30 days/],
    ["31 days", { ...terms, activation: { days: 31 } }, /30 days/],
    ["a host binding", { ...terms, binding: { kind: "host" } }, /bound/],
    ["a binding of a kind yet unknown", { ...terms, binding: { kind: "tpm" } }, /bound/],
    ["one user too many", { ...terms, quotas: { ...terms.quotas, global: { max_users: 26 } } }, /max_users/],
    ["unlimited users", { ...terms, quotas: { ...terms.quotas, global: { max_users: -1 } } }, /max_users/],
    ["an unknown quota", { ...terms, quotas: { ...terms.quotas, team: { max_satellites: 1 } } }, /max_satellites/],
    ["a quota named like a method of every object", { ...terms, quotas: { ...terms.quotas, team: { constructor: 1 } } }, /constructor/],
  ] as const)("with %s is too large", (_, { activation, ...rest }, reason) => {
    expect(trialBreach(activation === undefined ? rest : { ...rest, activation })).toMatch(reason);
  });
});
