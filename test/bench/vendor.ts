/** A vendor for one run: throw-away keys, an executable that trusts them, and licenses, all by the product's own tools. */
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import { buildExecutables } from "../../build/executables.ts";
import { run } from "./processes.ts";

const keysShape = Compile(Type.Object({ keys: Type.Array(Type.Object({ x: Type.String(), purpose: Type.String() })) }));

export interface Vendor {
  /** The product, built with this vendor's public keys. */
  readonly executable: string;
  /** JWK `x` member of the public key. */
  readonly publicX: string;
  /** Signs a license of the deployment `bench` with this sequence and these flags (`--feature …`, `--quota …`); gives the file's path. */
  sign(sequence: number, flags: readonly string[]): Promise<string>;
}

function publicXIn(folder: string): string {
  const content: unknown = JSON.parse(readFileSync(join(folder, "license-keys.json"), "utf8"));
  const key = keysShape.Check(content) ? content.keys.find(({ purpose }) => purpose === "license") : undefined;
  if (key === undefined) throw new Error("the vendor's keys were not made");
  return key.x;
}

/** Makes the keys and builds the executable; takes a second or two. `tool` is `cyberun-vendor`. */
export async function throwAwayVendor(tool: string, folder: string): Promise<Vendor> {
  const keys = join(folder, "keys");
  const secret = join(folder, "private");
  for (const directory of [keys, secret]) mkdirSync(directory, { recursive: true, mode: 0o700 });
  const where = ["--keys-dir", keys, "--private-dir", secret];
  await run([tool, "keys", "create", "--purpose", "license", ...where], folder);
  const [built] = await buildExecutables({ outdir: join(folder, "dist"), keys, programs: ["cyberun"] });
  if (built === undefined) throw new Error("nothing was built");
  return {
    executable: built.path,
    publicX: publicXIn(keys),
    async sign(sequence, flags) {
      const path = join(folder, `${sequence}.lic`);
      const names = ["--customer-id", "bench", "--customer-name", "Bench", "--deployment-id", "bench"];
      const terms = ["--template", "enterprise", "--sequence", String(sequence), "--days", "30", ...flags];
      await run([tool, "sign", ...terms, ...names, ...where, "--out", path], folder);
      return path;
    },
  };
}
