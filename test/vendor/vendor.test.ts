import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { features, quotas, templateNames } from "../../src/license/catalog.ts";
import { termsOf } from "../../src/license/templates.ts";
import { commandHelp, commands, exitCodes } from "../../src/vendor/vendor.ts";
import { testDesk } from "../support/desk.ts";
import { testVendor } from "../support/license.ts";

const vendor = testVendor();

/** A desk whose public keys are the test vendor's. */
function deskOf(): ReturnType<typeof testDesk> {
  const desk = testDesk();
  desk.write("license-keys.json", JSON.stringify(vendor.embedded));
  return desk;
}

describe("inspect", () => {
  test("answers everything in a license, and who vouches for it", () => {
    using desk = deskOf();
    desk.write("a.lic", vendor.sign({ sequence: 4 }));
    expect(desk.json("inspect", "a.lic", "--keys-dir", ".")).toEqual({
      kid: vendor.keys.license.kid,
      purpose: "license",
      in_force: "yes",
      license: vendor.payload({ sequence: 4 }),
    });
  });

  test("says it in words, every feature and quota with them", () => {
    using desk = deskOf();
    desk.write("a.lic", vendor.sign({ template: "trial", binding: { kind: "first_use" } }));
    const { exitCode, out } = desk.run("inspect", "a.lic", "--keys-dir", ".");
    expect(exitCode).toBe(0);
    for (const words of ["test-license (trial, format 1)", "Test Customer (test-customer)", "ends 30 days after its first use", "the host of its first use"]) {
      expect(out).toContain(words);
    }
    for (const { namespace, key } of [...features, ...quotas]) expect(out).toContain(`${namespace}.${key} `);
  });

  test.each([
    ["not_yet", { not_before: 1_800_000_000 }],
    ["yes", {}],
    ["ended", { issued_at: 1_600_000_000, not_before: 1_600_000_000, expires_at: 1_700_000_000 }],
  ] as const)("of a good file says %s of its dates and exits 0", (inForce, overrides) => {
    using desk = deskOf();
    desk.write("a.lic", vendor.sign(overrides));
    expect(desk.json("inspect", "a.lic", "--keys-dir", ".")["in_force"]).toBe(inForce);
  });

  test("of a file that was altered exits 7, names the reason, and shows none of its content", () => {
    using desk = deskOf();
    const [header = "", , signature = ""] = vendor.sign().split(".");
    const forged = Buffer.from(JSON.stringify(vendor.payload({ customer: { id: "x", name: "Mallory" } }))).toString("base64url");
    desk.write("a.lic", `${header}.${forged}.${signature}`);
    for (const json of [[], ["--json"]]) {
      const { exitCode, out, error } = desk.run("inspect", "a.lic", "--keys-dir", ".", ...json);
      expect({ exitCode, out }).toEqual({ exitCode: 7, out: "" });
      expect(error).toContain("signature");
      expect(error).not.toContain("Mallory");
    }
  });

  test.each([
    ["no file", ["inspect"], 2],
    ["two files", ["inspect", "a", "b"], 2],
    ["a file that is not there", ["inspect", "a.lic", "--keys-dir", "."], 5],
    ["keys that are not there", ["inspect", "license-keys.json", "--keys-dir", "nowhere"], 5],
    ["a file that is something else", ["inspect", "license-keys.json", "--keys-dir", "."], 7],
    ["a file far too large", ["inspect", "large", "--keys-dir", "."], 2],
  ] as const)("with %s is refused", (_, words, exit) => {
    using desk = deskOf();
    desk.write("large", "x".repeat(1_048_577));
    expect(desk.run(...words)).toMatchObject({ exitCode: exit, out: "" });
  });
});

describe("templates", () => {
  test("answers the terms of each", () => {
    using desk = testDesk();
    expect(desk.json("templates")).toEqual({ templates: Object.fromEntries(templateNames.map((name) => [name, termsOf(name)])) });
    expect(desk.json("templates", "saas")).toEqual({ templates: { saas: termsOf("saas") } });
  });

  test("marks the keys that are ours", () => {
    using desk = testDesk();
    const lines = desk.run("templates").out.split("\n");
    for (const { namespace, key, origin } of [...features, ...quotas]) {
      expect(lines.find((line) => line.startsWith(`${namespace}.${key} `))?.endsWith("ours")).toBe(origin === "ours");
    }
  });

  test("of an unknown name is refused", () => {
    using desk = testDesk();
    expect(desk.run("templates", "gold")).toMatchObject({ exitCode: 2, out: "" });
  });
});

describe("the command line", () => {
  test("without a command, or with an unknown one, fails and says which there are", () => {
    using desk = testDesk();
    for (const words of [[], ["dance"], ["keys"], ["keys", "eat"], ["help", "dance"], ["--json"]]) {
      const { exitCode, out, error } = desk.run(...words);
      expect({ exitCode, out }).toEqual({ exitCode: 2, out: "" });
      expect(error).toContain("keys create, keys list, sign, revoke, inspect, templates");
    }
  });

  test("shows help that names every command, every exit code, every option and its default", () => {
    using desk = testDesk();
    for (const words of [["help"], ["--help"]]) {
      const { exitCode, out } = desk.run(...words);
      expect(exitCode).toBe(0);
      for (const { name } of commands) expect(out).toContain(`  ${name} `);
      for (const code of Object.keys(exitCodes)) expect(out).toContain(`  ${code}  `);
    }
    for (const command of commands) {
      const help = commandHelp(command);
      expect(desk.run(...command.name.split(" "), "--help").out).toBe(`${help}\n`);
      expect(desk.run("help", ...command.name.split(" ")).out).toBe(`${help}\n`);
      for (const [name, { default: fallback }] of Object.entries(command.options)) {
        expect(help).toContain(`  --${name}`);
        if (fallback !== undefined) expect(help).toContain(`(default: ${fallback})`);
      }
    }
  });

  test("documents the exit codes 0, 1, 2, 3, 5, 6 and 7", () => {
    expect(Object.keys(exitCodes)).toEqual(["0", "1", "2", "3", "5", "6", "7"]);
  });

  test("answers its version", () => {
    using desk = testDesk();
    expect(desk.run("version")).toMatchObject({ exitCode: 0, error: "" });
    expect(desk.json("version")).toHaveProperty("version");
  });

  test("a bug exits 1 and never 0", () => {
    using desk = testDesk();
    const broken = { ...desk.services, random: { ...desk.services.random, bytes: () => new Uint8Array(3) } };
    Object.assign(desk.services, broken);
    expect(desk.run("keys", "create")).toMatchObject({ exitCode: 1, out: "" });
  });

  test("runs as a program: answers on stdout, refusals on stderr, the exit code to the caller", async () => {
    using desk = deskOf();
    desk.write("a.lic", vendor.sign());
    const main = join(import.meta.dirname, "../../src/vendor/main.ts");
    const run = async (...words: readonly string[]) => {
      const child = Bun.spawn([process.execPath, main, ...words], { cwd: desk.directory, stdout: "pipe", stderr: "pipe" });
      const [out, error, exitCode] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
      return { out, error, exitCode };
    };
    expect(await run("inspect", "a.lic", "--keys-dir", ".", "--json")).toMatchObject({ error: "", exitCode: 0 });
    expect(await run("inspect", "b.lic", "--keys-dir", ".")).toMatchObject({ out: "", exitCode: 5 });
  });
});

test("nothing outside this folder imports the vendor's tool", () => {
  const source = join(import.meta.dirname, "../../src");
  const files = readdirSync(source, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts") && !name.startsWith("vendor/"));
  expect(files.length).toBeGreaterThan(20);
  expect(files.filter((name) => /from "[^"]*\/vendor\//.test(readFileSync(join(source, name), "utf8")))).toEqual([]);
});
