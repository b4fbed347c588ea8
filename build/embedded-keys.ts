/**
 * The trusted keys of a build: whatever imports from `embedded-keys/` gets the files of the chosen folder instead.
 *
 * Rule: the trust of an executable is decided here, at build time, and nowhere else. A folder that the executable would
 * refuse at its start, above all one with a private key in it, already fails the build.
 * It must not know what the keys are used for.
 */
import { existsSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { BunPlugin } from "bun";
import { readTrustedKeys } from "../src/license/trusted-keys.ts";

/** Throws a sentence when the executable would refuse what `folder` holds. */
export function checkEmbeddedKeys(folder: string): void {
  const file = join(folder, "license-keys.json");
  if (!existsSync(file)) throw new Error(`${folder} has no license-keys.json: name a folder with the public keys to embed`);
  readTrustedKeys(JSON.parse(readFileSync(file, "utf8")));
}

/** Answers every import from `embedded-keys/` with the file of the same name in `folder`; a missing `.lic` is an empty text. */
export function embeddedKeys(folder: string): BunPlugin {
  return {
    name: "embedded-keys",
    setup(build) {
      build.onResolve({ filter: /\/embedded-keys\/[^/]+$/ }, ({ path }) => ({ path: basename(path), namespace: "embedded-keys" }));
      build.onLoad({ filter: /.*/, namespace: "embedded-keys" }, ({ path }) => {
        const file = join(folder, path);
        if (path.endsWith(".json")) return { contents: readFileSync(file, "utf8"), loader: "json" };
        return { contents: existsSync(file) ? readFileSync(file, "utf8") : "", loader: "text" };
      });
    },
  };
}
