/** The bill of materials: complete, the same every time, and with nothing of the machine in it. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { billOfMaterials, licenceTexts, partsOfExecutables } from "../../build/bill-of-materials.ts";
import { root } from "../../build/executables.ts";
import { provenance } from "../../build/provenance.ts";

const parts = partsOfExecutables();
const manifest: { readonly dependencies: Readonly<Record<string, string>>; readonly devDependencies: Readonly<Record<string, string>> } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

test("every dependency is in it with its version, and so is what they need and the runtime", () => {
  const versions = new Map(parts.map(({ name, version }) => [name, version]));
  for (const [name, version] of Object.entries(manifest.dependencies)) expect([name, versions.get(name)]).toEqual([name, version]);
  expect(versions.get("bun")).toBe(manifest.devDependencies["bun"] ?? "");
  expect([...versions.keys()]).toEqual(expect.arrayContaining(["zod", "scheduler", "memoirist"]));
  for (const name of Object.keys(manifest.devDependencies)) if (name !== "bun") expect([name, versions.has(name)]).toEqual([name, false]);
});

test("each has a licence, the hash of its package and one line of text at least", () => {
  const texts = licenceTexts(parts);
  for (const { name, version, license, sha512 } of parts) {
    expect([name, license === "UNKNOWN"]).toEqual([name, false]);
    expect([name, sha512]).toEqual([name, expect.stringMatching(/^[0-9a-f]{128}$/)]);
    expect(texts).toContain(`${name} ${version} (${license})`);
  }
  expect(parts.filter(({ licenseText }) => licenseText === undefined).length).toBeLessThan(parts.length / 4);
});

test("it has the form of CycloneDX 1.6, and every reference leads to a part", () => {
  const bill: { readonly bomFormat: string; readonly specVersion: string; readonly serialNumber: string; readonly components: readonly Readonly<Record<string, unknown>>[]; readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[]; readonly metadata: { readonly component: { readonly "bom-ref": string } } } = JSON.parse(billOfMaterials(parts));
  expect([bill.bomFormat, bill.specVersion]).toEqual(["CycloneDX", "1.6"]);
  expect(bill.serialNumber).toMatch(/^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/);
  const refs = new Set([bill.metadata.component["bom-ref"], ...bill.components.map((each) => String(each["bom-ref"]))]);
  expect(refs.size).toBe(bill.components.length + 1);
  for (const { ref, dependsOn } of bill.dependencies) for (const each of [ref, ...dependsOn]) expect([each, refs.has(each)]).toEqual([each, true]);
});

test("the same sources give the same bytes, and no place of a machine is in them", () => {
  expect(billOfMaterials(partsOfExecutables())).toBe(billOfMaterials(parts));
  expect(billOfMaterials(parts)).not.toContain(root);
  expect(licenceTexts(parts)).not.toContain(root);
});

test("the provenance names what was built by its hash, the lock file and the commit, and is the same every time", () => {
  const built = [join(root, "package.json")];
  const given = { root, built, commit: "0".repeat(40), target: "bun-linux-arm64" };
  const text = provenance(given);
  const hash = (path: string) => new Bun.CryptoHasher("sha256").update(readFileSync(path)).digest("hex");
  expect(JSON.parse(text)).toMatchObject({
    _type: "https://in-toto.io/Statement/v1",
    subject: [{ name: "package.json", digest: { sha256: hash(join(root, "package.json")) } }],
    predicateType: "https://slsa.dev/provenance/v1",
    predicate: { buildDefinition: { externalParameters: { target: "bun-linux-arm64" }, resolvedDependencies: [{ digest: { gitCommit: "0".repeat(40) } }, { digest: { sha256: hash(join(root, "bun.lock")) } }, { annotations: { version: Bun.version } }] } },
  });
  expect(provenance(given)).toBe(text);
  expect(text).not.toContain(root);
});
