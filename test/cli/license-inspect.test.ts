import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { bundledLicense, trustedKeys } from "../../src/license/trust.ts";
import { run } from "../support/command-line.ts";
import { temporaryFolder } from "../support/folder.ts";

test("a good file is described for people and as JSON", async () => {
  using folder = temporaryFolder();
  const file = join(folder.path, "a.lic");
  writeFileSync(file, bundledLicense);
  const people = await run(["license", "inspect", file]);
  expect(people).toMatchObject({ exit: 0, err: "" });
  for (const text of ["dev-trial", "template trial", "30 days from first use", "max_integration_keys 10", trustedKeys[0]?.kid ?? "?"]) expect(people.out).toContain(text);
  const { exit, out } = await run(["license", "inspect", file, "--json"]);
  expect(exit).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ license: { license_id: "dev-trial", format: 1 }, signed_by: { purpose: "trial" }, dates: "in_force" });
});

test.each<[string, string, string]>([
  ["an altered file", bundledLicense.replace(/\.(.)(?=[^.]*$)/, (_, first) => `.${first === "A" ? "B" : "A"}`), "bad_signature"],
  ["an empty file", "", "malformed"],
  ["a file that is no license", "hello", "malformed"],
  ["a second license behind the first", bundledLicense + bundledLicense, "malformed"],
])("%s is refused with exit code 7 and the reason", async (_, content, refusal) => {
  using folder = temporaryFolder();
  const file = join(folder.path, "a.lic");
  writeFileSync(file, content);
  const { exit, out, err } = await run(["license", "inspect", file, "--json"]);
  expect({ exit, out }).toEqual({ exit: 7, out: "" });
  expect(JSON.parse(err)).toMatchObject({ error: { code: "invalid_license", retryable: false, details: { refusal } } });
  expect(err).not.toContain(bundledLicense.slice(0, 40));
});

test.each<[string, string, number]>([
  ["a folder", "/", 2],
  ["a file that is not there", "/nowhere", 5],
])("%s is refused", async (_, path, exit) => {
  expect(await run(["license", "inspect", path])).toMatchObject({ exit, out: "" });
});

test("a file of any size is not read into memory", async () => {
  using folder = temporaryFolder();
  const file = join(folder.path, "big");
  writeFileSync(file, Buffer.alloc(24_577));
  expect(await run(["license", "inspect", file])).toMatchObject({ exit: 2, out: "" });
});
