import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { compile, root } from "../../build/executables.ts";
import { readTrustedKeys } from "../../src/license/trusted-keys.ts";
import { cyberunExecutable } from "../support/executable.ts";
import { testVendor } from "../support/license.ts";

/** Building and starting takes seconds on a busy machine. */
setDefaultTimeout(60_000);

const BUILD_TIME = "1700000000";
let folder = "";
beforeAll(() => {
  mkdirSync(join(root, "test-output"), { recursive: true });
  folder = mkdtempSync(join(root, "test-output", "build-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Built {
  readonly exitCode: number;
  readonly output: string;
}

function build(checkout: string, ...options: readonly string[]): Built {
  const command = [process.execPath, join(checkout, "build", "build.ts"), ...options];
  const { exitCode, stdout, stderr } = Bun.spawnSync(command, { cwd: folder, env: { ...process.env, SOURCE_DATE_EPOCH: BUILD_TIME } });
  return { exitCode, output: `${stdout.toString()}${stderr.toString()}` };
}

function digests(outdir: string): Record<string, string> {
  const entries = readdirSync(outdir, { recursive: true, encoding: "utf8" }).filter((name) => statSync(join(outdir, name)).isFile()).map((name) => [name, createHash("sha256").update(readFileSync(join(outdir, name))).digest("hex")]);
  return Object.fromEntries(entries);
}

/** What a clone of this checkout holds, at another place and depth. */
function copyCheckout(): string {
  const copy = join(folder, "elsewhere", "deeper", "copy");
  const { stdout } = Bun.spawnSync(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], { cwd: root });
  const files = stdout.toString().split("\0").filter((name) => name !== "" && existsSync(join(root, name)));
  for (const name of files) cpSync(join(root, name), join(copy, name));
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
  return copy;
}

test("the same sources in two folders give the same bytes, in the place of an older build and with nothing beside", () => {
  const [one, two] = [join(folder, "one"), join(folder, "two", "below")];
  mkdirSync(one);
  writeFileSync(join(one, "cyberun"), "an older build");
  expect(build(root, "--outdir", one).exitCode).toBe(0);
  expect(build(copyCheckout(), "--outdir", two).exitCode).toBe(0);
  expect(readdirSync(one).toSorted()).toEqual(["build.json", "cyberun", "cyberun-vendor", "docs", "install.sh", "licences.txt", "provenance.json", "sbom.cdx.json"]);
  const { length } = readFileSync(join(one, "cyberun"));
  expect([length > 50_000_000, length <= 125_000_000]).toEqual([true, true]);
  // Where it comes from is known of a clone, and not of a copy without its repository.
  const { "provenance.json": _ofOne, ...first } = digests(one);
  const { "provenance.json": _ofTwo, ...second } = digests(two);
  expect(second).toEqual(first);
});

test("an executable knows its version, and nothing of the folder it was built in", async () => {
  const bytes = readFileSync(await cyberunExecutable());
  expect(bytes.includes(root)).toBe(false);
  expect(bytes.includes("src/version.ts")).toBe(false);
});

const refusals: readonly (readonly [name: string, keys: string | undefined, says: RegExp])[] = [
  ["a folder without license-keys.json", undefined, /has no license-keys\.json/],
  ["a file that is not JSON", "keys", /JSON/],
  ["no keys at all", '{"keys":[]}', /refused/],
  ["a private half", readFileSync(join(root, "embedded-keys/license-keys.json"), "utf8").replace('"kty"', '"d": "AAAA", "kty"'), /private half/],
  ["a key under a false kid", readFileSync(join(root, "embedded-keys/license-keys.json"), "utf8").replace(/"kid": "./, '"kid": "_'), /thumbprint/],
];

test.each(refusals)("keys are refused by the build: %s", (_name, keys, says) => {
  const keysFolder = mkdtempSync(join(folder, "keys-"));
  if (keys !== undefined) writeFileSync(join(keysFolder, "license-keys.json"), keys);
  const outdir = join(keysFolder, "out");
  const { exitCode, output } = build(root, "--outdir", outdir, "--keys", keysFolder);
  expect(exitCode).toBe(1);
  expect(output).toMatch(says);
  expect(existsSync(outdir) ? readdirSync(outdir) : []).toEqual([]);
});

interface Probed {
  readonly kids: readonly string[];
  readonly bundledLicense: string;
}

/** What a program that is compiled with the keys of `keys` says that it trusts. */
async function probe(keys: string): Promise<Probed> {
  const outfile = join(mkdtempSync(join(folder, "probe-")), "probe");
  await compile({ entry: join(import.meta.dir, "trust-probe.ts"), outfile, runtime: process.execPath, keys });
  return JSON.parse(Bun.spawnSync([outfile]).stdout.toString());
}

test("another folder's keys are embedded instead of ours, and no license when it has none", async () => {
  const { embedded, trusted } = testVendor();
  const keysFolder = mkdtempSync(join(folder, "keys-"));
  writeFileSync(join(keysFolder, "license-keys.json"), JSON.stringify(embedded));
  expect(await probe(keysFolder)).toEqual({ kids: trusted.map(({ kid }) => kid), bundledLicense: "" });
  writeFileSync(join(keysFolder, "dev.lic"), "a license\n");
  expect((await probe(keysFolder)).bundledLicense).toBe("a license\n");
});

test("without another folder, the keys and the license of the checkout are embedded", async () => {
  const own = join(root, "embedded-keys");
  const kids = readTrustedKeys(JSON.parse(readFileSync(join(own, "license-keys.json"), "utf8"))).map(({ kid }) => kid);
  expect(await probe(own)).toEqual({ kids, bundledLicense: readFileSync(join(own, "dev.lic"), "utf8") });
});
