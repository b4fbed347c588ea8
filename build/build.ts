/**
 * `bun run build`: leaves `dist/cyberun` and `dist/cyberun-vendor`, and beside them what they carry of others (`sbom.cdx.json`,
 * `licences.txt`), where they come from (`provenance.json`), and what goes into a release with them (`docs`, `install.sh`, `build.json`).
 *
 *     --outdir DIR    where to put them (default dist)
 *     --keys DIR      embed the public keys of this folder instead of embedded-keys/
 *     --target NAME   build for another platform, such as linux-arm64, or all of them, each in a folder of its own (default: this one)
 *     --version V     stamp this version instead of that of package.json
 */
import { writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import { billOfMaterials, licenceTexts, partsOfExecutables } from "./bill-of-materials.ts";
import { isVersion } from "../src/release/documents.ts";
import { type BuildRequest, buildExecutables, type Executable, packageVersion, root, sourceCommit } from "./executables.ts";
import { shortTarget, type Target, targets } from "./hardened-runtime.ts";
import { provenance } from "./provenance.ts";
import { writeReleaseParts } from "./release-parts.ts";

const MEGABYTE = 1_000_000;

function targetsNamed(name: string | undefined): readonly (Target | undefined)[] {
  if (name === undefined) return [undefined];
  if (name === "all") return targets;
  const found = targets.find((target) => target === name || target === `bun-${name}`);
  if (found === undefined) throw new Error(`there is no target ${name}; known are all, ${targets.map(shortTarget).join(", ")}`);
  return [found];
}

function options(): readonly BuildRequest[] {
  const { values } = parseArgs({ options: { outdir: { type: "string" }, keys: { type: "string" }, target: { type: "string" }, version: { type: "string" } } });
  if (values.version !== undefined && !isVersion(values.version)) throw new Error(`${values.version} is no version: it is three numbers, such as 1.2.3`);
  const outdir = resolve(values.outdir ?? `${root}/dist`);
  return targetsNamed(values.target).map((target) => ({
    outdir: values.target === "all" && target !== undefined ? join(outdir, shortTarget(target)) : outdir,
    keys: values.keys === undefined ? undefined : resolve(values.keys),
    target,
    version: values.version,
  }));
}

/** The bundler's own messages when there are any, else the error's. */
function explain(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map((each) => Bun.inspect(each)).join("\n");
  return error instanceof Error ? error.message : String(error);
}

function writeDocuments({ outdir, target, version = packageVersion() }: BuildRequest, built: readonly string[]): void {
  const parts = partsOfExecutables();
  writeFileSync(join(outdir, "sbom.cdx.json"), billOfMaterials(parts));
  writeFileSync(join(outdir, "licences.txt"), licenceTexts(parts));
  writeFileSync(join(outdir, "provenance.json"), provenance({ root, built, commit: sourceCommit(), target }));
  writeReleaseParts(outdir, { version, target });
}

try {
  const startedAtMs = performance.now();
  const everything: Executable[] = [];
  for (const request of options()) {
    const built = await buildExecutables(request);
    writeDocuments(request, built.map(({ path }) => path));
    everything.push(...built);
  }
  const list = everything.map(({ path, bytes }) => `${relative(process.cwd(), path)} (${(bytes / MEGABYTE).toFixed(1)} MB)`);
  console.log(`cyberun: built ${list.join(" and ")} in ${((performance.now() - startedAtMs) / 1000).toFixed(1)} s`);
} catch (error) {
  console.error(`cyberun: the build failed: ${explain(error)}`);
  process.exitCode = 1;
}
