/** The handbook of a build: whoever imports `embedded-handbook/handbook.gz` gets the pages that were made of the documents. */
import type { BunPlugin } from "bun";
import { buildHandbook, packHandbook } from "../src/dashboard/handbook-build.ts";

export function embeddedHandbook(): BunPlugin {
  return {
    name: "embedded-handbook",
    setup(build) {
      build.onResolve({ filter: /\/embedded-handbook\/handbook\.gz$/ }, () => ({ path: "handbook.gz", namespace: "embedded-handbook" }));
      build.onLoad({ filter: /.*/, namespace: "embedded-handbook" }, () => ({ contents: packHandbook(buildHandbook()), loader: "file" }));
    },
  };
}
