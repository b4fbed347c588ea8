/**
 * `bun build/client.ts`: makes the package `@cyberun/client`. With `--types` the generated half is written anew, from the OpenAPI document of
 * the sources as they serve it.
 *
 * Rule: what is published is what the tests have used; `client/dist` is made here and nowhere kept.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { operationTypes, routeTable } from "./client-types.ts";
import { root } from "./executables.ts";

const client = join(root, "client");
const WAIT_MS = 50;
const WAIT_MS_MAX = 30_000;

/** The document of a trial that is started for it. */
async function servedDocument(): Promise<unknown> {
  const folder = mkdtempSync(join(tmpdir(), "cyberun-document-"));
  const readyFile = join(folder, "ready.json");
  const ports = ["license", "api", "gateway", "issuer"].flatMap((role) => [`--${role}-port`, "0"]);
  const server = Bun.spawn([process.execPath, join(root, "src/main.ts"), "trial", "--data-dir", join(folder, "data"), "--ready-file", readyFile, ...ports], { stdout: "ignore", stderr: "pipe" });
  try {
    const lastAtMs = performance.now() + WAIT_MS_MAX;
    while (!(await Bun.file(readyFile).exists())) {
      if (performance.now() > lastAtMs || server.exitCode !== null) throw new Error("the trial did not start");
      await Bun.sleep(WAIT_MS);
    }
    const { api }: { readonly api: string } = await Bun.file(readyFile).json();
    return await (await fetch(`${api}/api/v1/openapi.json`)).json();
  } finally {
    server.kill();
    await server.exited;
    rmSync(folder, { recursive: true, force: true });
  }
}

async function writeTypes(): Promise<void> {
  const document = await servedDocument();
  writeFileSync(join(client, "operations.d.ts"), operationTypes(document));
  writeFileSync(join(client, "src/routes.ts"), routeTable(document));
}

/** Bundles the three entries into `outdir`, with all of our own inside and jose left to the package's user. */
export async function buildClient(outdir: string): Promise<void> {
  await Bun.build({
    entrypoints: ["api", "lease", "tokens"].map((name) => join(client, "src", `${name}.ts`)),
    outdir,
    target: "node",
    format: "esm",
    external: ["jose"],
    define: { __CYBERUN_BUILD_TIME__: "0" },
  });
}

if (import.meta.main) {
  if (process.argv.includes("--types")) await writeTypes();
  await buildClient(join(client, "dist"));
}
