import { describe, expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type License, readLicense } from "../../src/license/document.ts";
import { templateNames } from "../../src/license/catalog.ts";
import { termsOf } from "../../src/license/templates.ts";
import { readTrustedKeys } from "../../src/license/trusted-keys.ts";
import { type TestDesk, testDesk } from "../support/desk.ts";
import { licensePayload } from "../support/license.ts";

const NOW = 1_767_225_600;
const DAY = 86_400;
const customer = ["--customer-id", "example", "--customer-name", "Example Works", "--deployment-id", "plant-1"];
const enterprise = ["sign", "--template", "enterprise", ...customer];

/** A desk with a key of each purpose. */
function readyDesk(): TestDesk {
  const desk = testDesk();
  desk.json("keys", "create");
  desk.json("keys", "create", "--purpose", "trial");
  return desk;
}

function licenseAt(desk: TestDesk, file: string): License {
  const keys = readTrustedKeys(JSON.parse(desk.read("embedded-keys/license-keys.json")));
  return readLicense(readFileSync(join(desk.directory, file)), keys);
}

function signed(desk: TestDesk, ...words: readonly string[]): License {
  return licenseAt(desk, String(desk.json(...words)["file"]).slice(desk.directory.length));
}

function licensesIn(desk: TestDesk): readonly string[] {
  return readdirSync(desk.directory).filter((name) => name.endsWith(".lic"));
}

describe("sign --template", () => {
  test.each(templateNames)("%s writes what the template says, for the customer that is named", (template) => {
    using desk = readyDesk();
    const license = signed(desk, "sign", "--template", template, ...customer, "--days", "365");
    expect(license).toMatchObject({
      ...termsOf(template),
      customer: { id: "example", name: "Example Works" },
      deployment_id: "plant-1",
      sequence: 1,
      issued_at: NOW,
      not_before: NOW,
      expires_at: NOW + 365 * DAY,
      binding: { kind: "any" },
    });
    expect(license.license_id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/);
  });

  test("names the file after deployment and sequence, with one line end", () => {
    using desk = readyDesk();
    desk.json(...enterprise, "--days", "1", "--sequence", "4");
    expect(licensesIn(desk)).toEqual(["plant-1-4.lic"]);
    expect(desk.read("plant-1-4.lic")).toMatch(/^[A-Za-z0-9_.-]+\n$/);
  });

  test("changes what the line says, and nothing else", () => {
    using desk = readyDesk();
    const license = signed(
      desk,
      ...enterprise,
      ...["--license-id", "special", "--sequence", "12", "--not-before", "2026-02-01", "--expires", "2027-02-01T12:30:00Z"],
      ...["--feature", "team.webhooks=off", "--feature", "team.tunnels=on", "--quota", "global.max_users=50", "--quota", "team.max_agents=unlimited"],
      ...["--lease-seconds", "60", "--grace-seconds", "0", "--clock-tolerance-seconds", "3600", "--binding", "first-use"],
    );
    const { features, quotas } = termsOf("enterprise");
    expect(license).toEqual({
      ...termsOf("enterprise"),
      format: 1,
      license_id: "special",
      customer: { id: "example", name: "Example Works" },
      deployment_id: "plant-1",
      sequence: 12,
      issued_at: NOW,
      not_before: Date.UTC(2026, 1, 1) / 1000,
      expires_at: Date.UTC(2027, 1, 1, 12, 30) / 1000,
      binding: { kind: "first_use" },
      features: { ...features, team: { ...features.team, webhooks: false, tunnels: true } },
      quotas: { global: { ...quotas.global, max_users: 50 }, account: quotas.account, team: { ...quotas.team, max_agents: -1 } },
      lease_seconds: 60,
      grace_seconds: 0,
      clock_tolerance_seconds: 3600,
    });
  });

  test("counts days from the first moment, and seconds from now", () => {
    using desk = readyDesk();
    expect(signed(desk, ...enterprise, "--not-before", "2026-03-01", "--days", "10").expires_at).toBe(Date.UTC(2026, 2, 11) / 1000);
    expect(signed(desk, ...enterprise, "--sequence", "2", "--expires-in-seconds", "20").expires_at).toBe(NOW + 20);
  });

  test("makes a shorter trial, signed by the trial key", () => {
    using desk = readyDesk();
    const answer = desk.json("sign", "--template", "trial", ...customer, "--days", "90", "--activation-days", "7");
    expect(licenseAt(desk, "plant-1-1.lic").activation).toEqual({ days: 7 });
    expect(readdirSync(join(desk.directory, "vendor-keys"))).toContain(`trial-${String(answer["kid"])}.pem`);
  });

  test("signs with the newest key of the purpose, or with the one that is named", () => {
    using desk = readyDesk();
    const first = desk.json("keys", "list")["keys"];
    const newest = desk.json("keys", "create")["kid"];
    expect(desk.json(...enterprise, "--days", "1")["kid"]).toBe(newest);
    const older = Array.isArray(first) ? String(first[0]?.kid) : "";
    expect(desk.json(...enterprise, "--days", "1", "--sequence", "2", "--key", `vendor-keys/license-${older}.pem`)["kid"]).toBe(older);
  });

  test("opens an encrypted key with its passphrase", () => {
    using desk = testDesk();
    desk.write("passphrase", "correct horse battery\n");
    desk.json("keys", "create", "--passphrase-file", "passphrase");
    expect(desk.run(...enterprise, "--days", "1")).toMatchObject({ exitCode: 2, out: "" });
    expect(signed(desk, ...enterprise, "--days", "1", "--passphrase-file", "passphrase").sequence).toBe(1);
  });
});

describe("a host binding", () => {
  const parts = ["machine-id:", "board:", "mac:", "disk:"].map((name, at) => `${name}${String(at).repeat(43)}`);
  const bind = [...enterprise, "--days", "1", "--binding", "host:parts"];

  test("takes one host part a line, and needs two thirds of them", () => {
    using desk = readyDesk();
    desk.write("parts", `${parts.join("\n")}\n`);
    expect(signed(desk, ...bind).binding).toEqual({ kind: "host", fingerprints: parts, required: 3 });
  });

  test("takes a JSON object for the same deployment, and as many as it says", () => {
    using desk = readyDesk();
    desk.write("parts", JSON.stringify({ deployment_id: "plant-1", fingerprints: parts, required: 2 }));
    expect(signed(desk, ...bind).binding).toMatchObject({ required: 2 });
    expect(signed(desk, ...bind, "--sequence", "2", "--binding-required", "4").binding).toMatchObject({ required: 4 });
  });

  test.each([
    ["no parts", "{}", 2, /no host parts/],
    ["an empty file", "", 2, /no host parts/],
    ["broken JSON", "{", 2, /neither JSON nor/],
    ["parts of another deployment", JSON.stringify({ deployment_id: "plant-2", fingerprints: parts }), 2, /hashed for the deployment plant-2/],
    ["parts in clear", "mac:00:11:22:33:44:55", 7, /not a good license/],
    ["a part twice", `${parts[0]} ${parts[0]}`, 7, /not a good license/],
    ["parts that are no texts", JSON.stringify({ fingerprints: [1, 2] }), 7, /not a good license/],
    ["more needed than listed", JSON.stringify({ fingerprints: parts, required: 5 }), 7, /more host parts than it lists/],
  ] as const)("with %s is refused and writes nothing", (_, text, exit, reason) => {
    using desk = readyDesk();
    desk.write("parts", text);
    const { exitCode, error } = desk.run(...bind);
    expect(error).toMatch(reason);
    expect({ exitCode, licenses: licensesIn(desk) }).toEqual({ exitCode: exit, licenses: [] });
  });

  test("of a cluster lists its members", () => {
    using desk = readyDesk();
    expect(signed(desk, ...enterprise, "--days", "1", "--binding", "cluster:a,b").binding).toEqual({ kind: "cluster", ids: ["a", "b"] });
  });
});

describe("sign --renew", () => {
  test("keeps terms and customer, takes the next sequence, a new name and new dates", () => {
    using desk = readyDesk();
    const old = signed(desk, ...enterprise, "--days", "30", "--sequence", "5", "--feature", "team.webhooks=off", "--binding", "first-use");
    desk.services.clock.advance(20 * DAY * 1000);
    const renewal = signed(desk, "sign", "--renew", "plant-1-5.lic", "--days", "365", "--quota", "team.max_members=7");
    expect(renewal).toEqual({
      ...old,
      license_id: renewal.license_id,
      sequence: 6,
      issued_at: NOW + 20 * DAY,
      not_before: NOW + 20 * DAY,
      expires_at: NOW + 385 * DAY,
      quotas: { ...old.quotas, team: { ...old.quotas.team, max_members: 7 } },
    });
    expect(renewal.license_id).not.toBe(old.license_id);
  });

  test("of a trial stays a trial, with its own activation", () => {
    using desk = readyDesk();
    desk.json("sign", "--template", "trial", ...customer, "--days", "90", "--activation-days", "7");
    expect(signed(desk, "sign", "--renew", "plant-1-1.lic", "--days", "90").activation).toEqual({ days: 7 });
  });

  test("with a sequence that does not grow is refused", () => {
    using desk = readyDesk();
    desk.json(...enterprise, "--days", "30", "--sequence", "5");
    expect(desk.run("sign", "--renew", "plant-1-5.lic", "--days", "1", "--sequence", "5", "--out", "x.lic")).toMatchObject({ exitCode: 2 });
    expect(signed(desk, "sign", "--renew", "plant-1-5.lic", "--days", "1", "--sequence", "9").sequence).toBe(9);
  });

  test("of a license that this vendor did not sign is refused", () => {
    using desk = readyDesk();
    using other = testDesk("another vendor");
    other.json("keys", "create");
    other.json(...enterprise, "--days", "1");
    desk.write("theirs.lic", other.read("plant-1-1.lic"));
    const { exitCode, error } = desk.run("sign", "--renew", "theirs.lic", "--days", "1", "--json");
    expect(exitCode).toBe(7);
    expect(JSON.parse(error)).toMatchObject({ error_code: "invalid_license", details: { refusal: "unknown_key" } });
  });
});

describe("sign --from", () => {
  test("signs a complete payload as it is", () => {
    using desk = readyDesk();
    const payload = licensePayload({ sequence: 3, features: { team: { of_a_newer_catalog: true } } });
    desk.write("payload.json", JSON.stringify(payload, null, 2));
    expect(signed(desk, "sign", "--from", "payload.json", "--out", "x.lic")).toEqual(payload);
  });

  const good = licensePayload();
  test.each([
    ["no JSON", "hello", 2, /not strict JSON/],
    ["a repeated member", `{"format":1,${JSON.stringify(good).slice(1)}`, 2, /repeated/],
    ["a list", "[]", 7, /not a good license/],
    ["a number", "1", 2, /not a JSON object/],
    ["a missing member", JSON.stringify({ ...good, customer: undefined }), 7, /not a good license/],
    ["dates reversed", JSON.stringify({ ...good, not_before: good.expires_at + 1 }), 7, /ends before it begins/],
    ["an unknown critical rule", JSON.stringify({ ...good, critical: ["region_lock"] }), 7, /region_lock/],
    ["activation outside a trial", JSON.stringify({ ...good, activation: { days: 3 } }), 7, /activation/],
    ["a trial that is too large", JSON.stringify({ ...licensePayload({ template: "trial" }), quotas: { global: { max_users: 26 }, account: {}, team: {} } }), 7, /at most 25/],
  ] as const)("refuses a payload with %s and writes nothing", (_, text, exit, reason) => {
    using desk = readyDesk();
    desk.write("payload.json", text);
    const { exitCode, error, out } = desk.run("sign", "--from", "payload.json", "--out", "x.lic");
    expect(error).toMatch(reason);
    expect({ exitCode, out, licenses: licensesIn(desk) }).toEqual({ exitCode: exit, out: "", licenses: [] });
  });
});

describe("sign", () => {
  test("overwrites nothing", () => {
    using desk = readyDesk();
    desk.json(...enterprise, "--days", "1");
    const before = desk.read("plant-1-1.lic");
    expect(desk.run(...enterprise, "--days", "2")).toMatchObject({ exitCode: 6, out: "" });
    expect(desk.read("plant-1-1.lic")).toBe(before);
  });

  test("refuses a key that builds do not trust, and a key of the other purpose", () => {
    using desk = readyDesk();
    const [license = ""] = readdirSync(join(desk.directory, "vendor-keys")).toSorted();
    using stranger = testDesk("a stranger");
    const { private_key_file } = stranger.json("keys", "create");
    const untrusted = desk.run(...enterprise, "--days", "1", "--key", String(private_key_file), "--json");
    expect([untrusted.exitCode, JSON.parse(untrusted.error).details]).toEqual([7, { refusal: "unknown_key" }]);
    const wrong = desk.run("sign", "--template", "trial", ...customer, "--days", "1", "--key", `vendor-keys/${license}`, "--json");
    expect([wrong.exitCode, JSON.parse(wrong.error).details]).toEqual([7, { refusal: "wrong_purpose" }]);
    expect(licensesIn(desk)).toEqual([]);
  });

  test("says where a private key is missing", () => {
    using desk = readyDesk();
    mkdirSync(join(desk.directory, "empty"));
    expect(desk.run(...enterprise, "--days", "1", "--private-dir", "empty")).toMatchObject({ exitCode: 5, out: "" });
    expect(desk.run(...enterprise, "--days", "1", "--keys-dir", "empty")).toMatchObject({ exitCode: 5, out: "" });
    expect(desk.run(...enterprise, "--days", "1", "--out", "no/such/folder/x.lic")).toMatchObject({ exitCode: 5, out: "" });
  });

  test.each([
    ["no source", ["--days", "1"], [/one of --template, --renew and --from/]],
    ["two sources", ["--template", "saas", "--renew", "x", ...customer, "--days", "1"], [/one of --template/]],
    ["no end", ["--renew", "x"], [/one of --expires, --days and --expires-in-seconds/]],
    ["two ends", ["--renew", "x", "--days", "1", "--expires", "2027-01-01"], [/one of --expires/]],
    ["an unknown template", ["--template", "gold", ...customer, "--days", "1"], [/no template "gold"; there are: trial, enterprise, saas/]],
    ["nobody to sign for", ["--template", "saas", "--days", "1"], [/--customer-id/, /--customer-name/, /--deployment-id/]],
    ["payload options beside a complete payload", ["--from", "x", "--days", "1", "--sequence", "2"], [/--sequence does not go with --from/, /--days does not go/]],
    ["a day that the month does not have", ["--renew", "x", "--expires", "2027-02-29"], [/--expires is a date/]],
    ["a date in another form", ["--renew", "x", "--expires", "01.02.2027"], [/--expires is a date/]],
    ["a date with a zone", ["--renew", "x", "--expires", "2027-01-01T00:00:00+01:00"], [/--expires is a date/]],
    ["an hour that the day does not have", ["--renew", "x", "--expires", "2027-01-01T24:00:00Z"], [/--expires is a date/]],
    ["days that are no number", ["--renew", "x", "--days", "ten"], [/--days is a whole number/]],
    ["days as a fraction", ["--renew", "x", "--days", "1.5"], [/--days is a whole number/]],
    ["no days", ["--renew", "x", "--days", "0"], [/--days is a whole number from 1/]],
    ["sequence 0", ["--renew", "x", "--days", "1", "--sequence", "0"], [/--sequence is a whole number from 1/]],
    ["a lease that is too long", ["--renew", "x", "--days", "1", "--lease-seconds", "86401"], [/--lease-seconds/]],
    ["a feature that is not in the catalog", ["--renew", "x", "--days", "1", "--feature", "team.webhook=on"], [/no feature team.webhook; the catalog has: .*team.webhooks/]],
    ["a feature of another namespace", ["--renew", "x", "--days", "1", "--feature", "global.webhooks=on"], [/no feature global.webhooks/]],
    ["a feature without a namespace", ["--renew", "x", "--days", "1", "--feature", "webhooks=on"], [/NAMESPACE.KEY=on\|off/]],
    ["a feature that is neither on nor off", ["--renew", "x", "--days", "1", "--feature", "team.webhooks=true"], [/NAMESPACE.KEY=on\|off/]],
    ["a quota below -1", ["--renew", "x", "--days", "1", "--quota", "team.max_agents=-2"], [/NAMESPACE.KEY=N\|unlimited/]],
    ["a quota that is not in the catalog", ["--renew", "x", "--days", "1", "--quota", "team.max_users=1"], [/no quota team.max_users/]],
    ["an unknown binding", ["--renew", "x", "--days", "1", "--binding", "tpm"], [/--binding is any, first-use, host:FILE or cluster:ID,ID/]],
    ["a binding to no file", ["--renew", "x", "--days", "1", "--binding", "host:"], [/--binding is/]],
    ["a number of parts without parts", ["--renew", "x", "--days", "1", "--binding-required", "2"], [/goes with --binding host:FILE/]],
    ["everything wrong at once", ["--days", "x", "--nope", "extra", "--quota", "q"], [/no option --nope/, /"extra"/, /one of --template/, /--days is/, /--quota has/]],
  ] as const)("refuses a line with %s before it opens a file", (_, words, expected) => {
    using desk = testDesk();
    const { exitCode, error, out } = desk.run("sign", ...words, "--json");
    expect({ exitCode, out }).toEqual({ exitCode: 2, out: "" });
    const { mistakes } = JSON.parse(error).details;
    expect(mistakes.length).toBe(expected.length);
    for (const pattern of expected) expect(mistakes.join("\n")).toMatch(pattern);
    expect(readdirSync(desk.directory)).toEqual([]);
  });
});
