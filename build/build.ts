/**
 * `bun run build`: leaves `dist/cyberun` and `dist/cyberun-vendor`.
 *
 *     --outdir DIR    where to put them (default dist)
 *     --keys DIR      embed the public keys of this folder instead of embedded-keys/
 *     --target NAME   build for another platform, such as bun-linux-arm64 (default: this one)
 */
import { relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import { type BuildRequest, buildExecutables, root } from "./executables.ts";
import { type Target, targets } from "./hardened-runtime.ts";

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

try {
  const startedAtMs = performance.now();
  const built = await buildExecutables(options());
  const list = built.map(({ path, bytes }) => `${relative(process.cwd(), path)} (${(bytes / MEGABYTE).toFixed(1)} MB)`);
  console.log(`cyberun: built ${list.join(" and ")} in ${((performance.now() - startedAtMs) / 1000).toFixed(1)} s`);
} catch (error) {
  console.error(`cyberun: the build failed: ${explain(error)}`);
  process.exitCode = 1;
}
