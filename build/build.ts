/**
 * `bun run build`: leaves `dist/cyberun` and `dist/cyberun-vendor`, and beside them what they carry of others (`sbom.cdx.json`,
 * `licences.txt`) and where they come from (`provenance.json`).
 *
 *     --outdir DIR    where to put them (default dist)
 *     --keys DIR      embed the public keys of this folder instead of embedded-keys/
 *     --target NAME   build for another platform, such as bun-linux-arm64 (default: this one)
 */
import { writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import { billOfMaterials, licenceTexts, partsOfExecutables } from "./bill-of-materials.ts";
import { type BuildRequest, buildExecutables, root, sourceCommit } from "./executables.ts";
import { type Target, targets } from "./hardened-runtime.ts";
import { provenance } from "./provenance.ts";

const MEGABYTE = 1_000_000;

function targetNamed(name: string | undefined): Target | undefined {
  const found = targets.find((target) => target === name);
  if (name !== undefined && found === undefined) throw new Error(`there is no target ${name}; known are ${targets.join(", ")}`);
  return found;
}

function options(): BuildRequest {
  const { values } = parseArgs({ options: { outdir: { type: "string" }, keys: { type: "string" }, target: { type: "string" } } });
  return {
    outdir: resolve(values.outdir ?? `${root}/dist`),
    keys: values.keys === undefined ? undefined : resolve(values.keys),
    target: targetNamed(values.target),
  };
}

/** The bundler's own messages when there are any, else the error's. */
function explain(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map((each) => Bun.inspect(each)).join("\n");
  return error instanceof Error ? error.message : String(error);
}

function writeDocuments({ outdir, target }: BuildRequest, built: readonly string[]): void {
  const parts = partsOfExecutables();
  writeFileSync(join(outdir, "sbom.cdx.json"), billOfMaterials(parts));
  writeFileSync(join(outdir, "licences.txt"), licenceTexts(parts));
  writeFileSync(join(outdir, "provenance.json"), provenance({ root, built, commit: sourceCommit(), target }));
}

try {
  const startedAtMs = performance.now();
  const request = options();
  const built = await buildExecutables(request);
  writeDocuments(request, built.map(({ path }) => path));
  const list = built.map(({ path, bytes }) => `${relative(process.cwd(), path)} (${(bytes / MEGABYTE).toFixed(1)} MB)`);
  console.log(`cyberun: built ${list.join(" and ")} in ${((performance.now() - startedAtMs) / 1000).toFixed(1)} s`);
} catch (error) {
  console.error(`cyberun: the build failed: ${explain(error)}`);
  process.exitCode = 1;
}
