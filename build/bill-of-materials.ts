/**
 * What others wrote and the executables carry: as a CycloneDX 1.6 bill of materials, and as the licences that go along.
 *
 * Rule: made of package.json, the lock file and the installed packages alone, so that the same sources give the same bytes;
 * no time, no machine.
 */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Type } from "typebox";
import { Value } from "typebox/value";
import { root } from "./executables.ts";

const Entry = Type.Tuple([Type.String(), Type.String(), Type.Object({ dependencies: Type.Optional(Type.Record(Type.String(), Type.String())) }), Type.String()]);
const Lock = Type.Object({ packages: Type.Record(Type.String(), Type.Unknown()) });
const Manifest = Type.Object({ version: Type.String(), dependencies: Type.Record(Type.String(), Type.String()), devDependencies: Type.Record(Type.String(), Type.String()) });
const Installed = Type.Object({ version: Type.String(), license: Type.Optional(Type.String()) });

/** A package in the executables. */
export interface Part {
  readonly name: string;
  readonly version: string;
  /** SPDX expression. */
  readonly license: string;
  /** SHA-512 of the package as the registry has it, hexadecimal. */
  readonly sha512: string;
  /** Names of the parts that it needs. */
  readonly needs: readonly string[];
  readonly licenseText: string | undefined;
}

function readJson(path: string): unknown {
  // The lock file ends lists with commas, which JSON does not know.
  return JSON.parse(readFileSync(join(root, path), "utf8").replaceAll(/,(\s*[}\]])/g, "$1"));
}

/** `a/b` in the lock file is the package b that a alone uses. */
function folderOf(key: string): string {
  const names = key.match(/(?:@[^/]+\/)?[^/]+/g) ?? [];
  return join("node_modules", names.join("/node_modules/"));
}

function licenseTextIn(folder: string): string | undefined {
  const name = readdirSync(join(root, folder)).toSorted().find((each) => /^licen[cs]e(?:[.-].*)?$/i.test(each));
  return name === undefined ? undefined : readFileSync(join(root, folder, name), "utf8").trim();
}

function partAt(key: string, [spec, , { dependencies = {} }, integrity]: [string, string, { readonly dependencies?: Readonly<Record<string, string>> }, string]): Part {
  const at = spec.lastIndexOf("@");
  const { license = "UNKNOWN" } = Value.Parse(Installed, readJson(join(folderOf(key), "package.json")));
  return {
    name: spec.slice(0, at),
    version: spec.slice(at + 1),
    license,
    sha512: Buffer.from(integrity.replace(/^sha512-/, ""), "base64").toString("hex"),
    needs: Object.keys(dependencies),
    licenseText: licenseTextIn(folderOf(key)),
  };
}

/** Everything that the manifest's dependencies lead to, and the runtime; by name and version. */
export function partsOfExecutables(): readonly Part[] {
  const { packages } = Value.Parse(Lock, readJson("bun.lock"));
  const { dependencies } = Value.Parse(Manifest, readJson("package.json"));
  const found = new Map<string, Part>();
  const visit = (name: string, within: string): void => {
    const own = within === "" ? name : `${within}/${name}`;
    const key = Object.hasOwn(packages, own) ? own : name;
    const entry = packages[key];
    if (found.has(key) || !Value.Check(Entry, entry)) return;
    // Optional peers that nobody installed are in the lock file all the same.
    if (!existsSync(join(root, folderOf(key)))) return;
    const part = partAt(key, entry);
    found.set(key, part);
    for (const need of part.needs) visit(need, key);
  };
  for (const name of [...Object.keys(dependencies), "bun"]) visit(name, "");
  return [...found.values()].toSorted((a, b) => `${a.name}@${a.version}`.localeCompare(`${b.name}@${b.version}`, "en"));
}

const purlOf = ({ name, version }: Pick<Part, "name" | "version">) => `pkg:npm/${name.replace("@", "%40")}@${version}`;

/** A name for the document that follows from what is in it (RFC 9562 section 5.8). */
function serialOf(text: string): string {
  const hex = createHash("sha256").update(text).digest("hex");
  return `urn:uuid:${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** The bill of materials, as text (CycloneDX 1.6, ECMA-424). */
export function billOfMaterials(parts: readonly Part[]): string {
  const { version } = Value.Parse(Manifest, readJson("package.json"));
  const own = `pkg:generic/cyberun@${version}`;
  const refs = new Map(parts.map((part) => [part.name, purlOf(part)]));
  const components = parts.map((part) => ({
    type: part.name === "bun" ? "platform" : "library",
    "bom-ref": purlOf(part),
    name: part.name,
    version: part.version,
    hashes: [{ alg: "SHA-512", content: part.sha512 }],
    licenses: [{ expression: part.license }],
    purl: purlOf(part),
  }));
  const { dependencies } = Value.Parse(Manifest, readJson("package.json"));
  const needs = [...Object.keys(dependencies), "bun"].flatMap((name) => refs.get(name) ?? []).toSorted();
  const content = {
    metadata: { component: { type: "application", "bom-ref": own, name: "cyberun", version, purl: own } },
    components,
    dependencies: [{ ref: own, dependsOn: needs }, ...parts.map((part) => ({ ref: purlOf(part), dependsOn: part.needs.flatMap((name) => refs.get(name) ?? []).toSorted() }))],
  };
  return `${JSON.stringify({ bomFormat: "CycloneDX", specVersion: "1.6", serialNumber: serialOf(JSON.stringify(content)), version: 1, ...content }, null, 1)}\n`;
}

/** The licences of all parts, one after the other. */
export function licenceTexts(parts: readonly Part[]): string {
  const line = "=".repeat(80);
  const texts = parts.map(({ name, version, license, licenseText }) => `${line}\n${name} ${version} (${license})\n${line}\n\n${licenseText ?? `Its package holds no text; it says that it is under ${license}.`}\n`);
  return `Cyberun carries these works of others, each under its own licence.\n\n${texts.join("\n")}`;
}
