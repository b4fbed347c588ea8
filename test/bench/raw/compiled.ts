/** Builds a raw loop into an executable, with the switches of the product's own build. */
import { join } from "node:path";

/** `name` is a file of this folder, without its ending. Gives the executable's path in `folder`. */
export async function compileRaw(name: string, folder: string): Promise<string> {
  const outfile = join(folder, name);
  await Bun.build({
    entrypoints: [join(import.meta.dir, `${name}.ts`)],
    target: "bun",
    format: "esm",
    bytecode: true,
    minify: { syntax: true, whitespace: true, identifiers: false },
    define: { "process.env.NODE_ENV": '"production"' },
    compile: { outfile, autoloadDotenv: false, autoloadBunfig: false, autoloadTsconfig: false, autoloadPackageJson: false },
  });
  return outfile;
}
