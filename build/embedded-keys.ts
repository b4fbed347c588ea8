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
import { isKeyList } from "../src/release/documents.ts";
import { findMinisignKey } from "../src/release/minisign.ts";

/** Throws a sentence when the executable would refuse what `folder` holds. */
export function checkEmbeddedKeys(folder: string): void {
  const file = join(folder, "license-keys.json");
  if (!existsSync(file)) throw new Error(`${folder} has no license-keys.json: name a folder with the public keys to embed`);
  readTrustedKeys(JSON.parse(readFileSync(file, "utf8")));
  checkReleaseRoots(join(folder, "release-roots.json"));
}

function checkReleaseRoots(file: string): void {
  if (!existsSync(file)) return;
  const { roots, known }: { readonly roots?: unknown; readonly known?: unknown } = JSON.parse(readFileSync(file, "utf8"));
  const isGood = Array.isArray(roots) && roots.every((key) => typeof key === "string" && findMinisignKey(key) !== undefined) && (known === undefined || isKeyList(known));
  if (!isGood) throw new Error(`${file} is refused: roots are public keys as cyberun-vendor release-keys create-root writes them, and known is their list`);
}

/** Answers every import from `embedded-keys/` with the file of the same name in `folder`; a missing `.lic` is an empty text. */
export function embeddedKeys(folder: string): BunPlugin {
  return {
    name: "embedded-keys",
    setup(build) {
      build.onResolve({ filter: /\/embedded-keys\/[^/]+$/ }, ({ path }) => ({ path: basename(path), namespace: "embedded-keys" }));
      build.onLoad({ filter: /.*/, namespace: "embedded-keys" }, ({ path }) => {
        const file = join(folder, path);
        // A folder without root keys makes an executable that takes no release for its vendor's.
        if (path === "release-roots.json" && !existsSync(file)) return { contents: '{"roots":[]}', loader: "json" };
        if (path.endsWith(".json")) return { contents: readFileSync(file, "utf8"), loader: "json" };
        return { contents: existsSync(file) ? readFileSync(file, "utf8") : "", loader: "text" };
      });
    },
  };
}
