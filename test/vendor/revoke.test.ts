import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readLicense } from "../../src/license/document.ts";
import { openRevocation, type Revocation, revokes } from "../../src/license/revocation.ts";
import { readTrustedKeys } from "../../src/license/trusted-keys.ts";
import { type TestDesk, testDesk } from "../support/desk.ts";

const NOW = 1_767_225_600;
const customer = ["--customer-id", "example", "--customer-name", "Example Works", "--deployment-id", "plant-1"];
const terms = ["sign", "--template", "enterprise", ...customer, "--days", "30"];

/** A desk with a key of each purpose and a license of sequence 4, a day old. */
function readyDesk(): TestDesk {
  const desk = testDesk();
  desk.json("keys", "create");
  desk.json("keys", "create", "--purpose", "trial");
  desk.json(...terms, "--sequence", "4", "--license-id", "old", "--out", "old.lic");
  desk.services.clock.advance(86_400_000);
  return desk;
}

const keysOf = (desk: TestDesk) => readTrustedKeys(JSON.parse(desk.read("embedded-keys/license-keys.json")));
const revocationAt = (desk: TestDesk, file: string): Revocation => openRevocation(readFileSync(join(desk.directory, file)), keysOf(desk)).revocation;
const licenseAt = (desk: TestDesk, file: string) => readLicense(readFileSync(join(desk.directory, file)), keysOf(desk));
const revocationsIn = (desk: TestDesk) => readdirSync(desk.directory).filter((name) => name.endsWith(".revocation"));

describe("revoke", () => {
  test("writes the revocation of that very license, right after it, with one line end", () => {
    using desk = readyDesk();
    const answer = desk.json("revoke", "old.lic", "--reason", "The contract has ended.");
    expect(revocationsIn(desk)).toEqual(["plant-1-5.revocation"]);
    const written = revocationAt(desk, "plant-1-5.revocation");
    expect(written).toEqual({
      format: 1,
      revocation_id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7/),
      deployment_id: "plant-1",
      license_id: "old",
      sequence: 5,
      issued_at: NOW + 86_400,
      reason: "The contract has ended.",
    });
    expect(desk.read("plant-1-5.revocation")).toMatch(/^[A-Za-z0-9_.-]+\n$/);
    expect(revokes(written, licenseAt(desk, "old.lic"))).toBe(true);
    const { format: _, ...told } = written;
    expect(answer).toMatchObject({ ...told, file: join(desk.directory, "plant-1-5.revocation"), kid: expect.any(String) });
  });

  test("without a reason says that none was given, and goes where --out says", () => {
    using desk = readyDesk();
    const { exitCode, out } = desk.run("revoke", "old.lic", "--out", "here.revocation", "--revocation-id", "r-1");
    expect([exitCode, revocationAt(desk, "here.revocation")]).toMatchObject([0, { reason: "No reason was given.", revocation_id: "r-1" }]);
    for (const text of ["read back and verified", "old and every earlier license", "No reason was given.", "the signature is good"]) expect(out).toContain(text);
  });

  test("is answered by a renewal of the same license, a second later: its sequence, issued after it", () => {
    using desk = readyDesk();
    desk.json("revoke", "old.lic", "--out", "end.revocation");
    desk.json("sign", "--renew", "old.lic", "--days", "30", "--out", "same-second.lic");
    desk.services.clock.advance(1_000);
    desk.json("sign", "--renew", "old.lic", "--days", "30", "--out", "renewed.lic");
    const end = revocationAt(desk, "end.revocation");
    expect(["same-second.lic", "renewed.lic"].map((file) => [licenseAt(desk, file).sequence, revokes(end, licenseAt(desk, file))])).toEqual([[5, true], [5, false]]);
  });

  test("revokes a trial too, with the license key", () => {
    using desk = readyDesk();
    desk.json("sign", "--template", "trial", ...customer, "--days", "30", "--out", "trial.lic");
    const { kid } = desk.json("revoke", "trial.lic", "--out", "trial.revocation");
    expect(existsSync(join(desk.directory, "vendor-keys", `license-${String(kid)}.pem`))).toBe(true);
    expect(revocationAt(desk, "trial.revocation").sequence).toBe(2);
  });

  const trialKey = (desk: TestDesk) => `vendor-keys/${readdirSync(join(desk.directory, "vendor-keys")).find((name) => name.startsWith("trial-")) ?? ""}`;
  const mistakes: readonly (readonly [string, (desk: TestDesk) => readonly string[], number, RegExp])[] = [
    ["no license", () => ["revoke"], 2, /LICENSE is missing/],
    ["two licenses", () => ["revoke", "old.lic", "old.lic"], 2, /one word too many/],
    ["a license that is not there", () => ["revoke", "none.lic"], 5, /There is no/],
    ["a file that is no license", () => (["revoke", "embedded-keys/license-keys.json"]), 7, /malformed|not a valid license/],
    ["an altered license", (desk) => (desk.write("bad.lic", desk.read("old.lic").replace(/.\n$/, "_\n")), ["revoke", "bad.lic"]), 7, /not a valid license/],
    ["a revocation", (desk) => (desk.json("revoke", "old.lic", "--out", "a.rev"), ["revoke", "a.rev"]), 7, /typ is not cyberun-license/],
    ["a reason of two lines", () => ["revoke", "old.lic", "--reason", "Ended.\nCall us."], 7, /not a revocation: \/reason/],
    ["a reason that is too long", () => ["revoke", "old.lic", "--reason", "x".repeat(201)], 7, /not a revocation: \/reason/],
    ["a name that no identifier has", () => ["revoke", "old.lic", "--revocation-id", "../up"], 7, /revocation_id/],
    ["the trial key", (desk) => ["revoke", "old.lic", "--key", trialKey(desk)], 7, /may not sign a revocation/],
    ["a key that is not there", () => ["revoke", "old.lic", "--key", "none.pem"], 5, /There is no/],
    ["no private key at hand", () => ["revoke", "old.lic", "--private-dir", "elsewhere"], 5, /No private key of purpose license/],
    ["an option of sign", () => ["revoke", "old.lic", "--sequence", "9"], 2, /no option --sequence/],
    ["a file that exists", (desk) => (desk.write("plant-1-5.revocation", "mine"), ["revoke", "old.lic"]), 6, /exists already/],
    ["a folder that is not there", () => ["revoke", "old.lic", "--out", "none/a.revocation"], 5, /no folder/],
  ];
  test.each(mistakes)("with %s is refused and writes nothing", (_what, words, exitCode, says) => {
    using desk = readyDesk();
    const line = words(desk);
    const before = readdirSync(desk.directory).toSorted();
    const run = desk.run(...line);
    expect(run).toMatchObject({ exitCode, out: "", error: expect.stringMatching(says) });
    expect(readdirSync(desk.directory).toSorted()).toEqual(before);
  });
});

describe("inspect of a revocation", () => {
  test("answers everything in it, and who vouches for it", () => {
    using desk = readyDesk();
    const { kid } = desk.json("revoke", "old.lic", "--reason", "Sold.", "--out", "a.revocation");
    expect(desk.json("inspect", "a.revocation")).toEqual({ kid, purpose: "license", revocation: revocationAt(desk, "a.revocation") });
    const { out } = desk.run("inspect", "a.revocation");
    for (const text of ["Sold.", "plant-1, sequence 5", "2026-01-02T00:00:00Z", String(kid)]) expect(out).toContain(text);
  });

  test("that was altered exits 7, names the reason, and shows none of its content", () => {
    using desk = readyDesk();
    desk.json("revoke", "old.lic", "--reason", "Sold.", "--out", "a.revocation");
    const text = desk.read("a.revocation");
    desk.write("b.revocation", `${text.slice(0, -20)}${text.at(-20) === "A" ? "B" : "A"}${text.slice(-19)}`);
    const { exitCode, out, error } = desk.run("inspect", "b.revocation", "--json");
    expect([exitCode, out, JSON.parse(error)]).toMatchObject([7, "", { error_code: "invalid_license", details: { refusal: "bad_signature" } }]);
    expect(error).not.toContain("Sold");
  });
});
