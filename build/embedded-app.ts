/** The dashboard of a build: whoever imports `embedded-app/app.gz` gets the script that was made for it. */
import type { BunPlugin } from "bun";

/** A file and no text: a text is in the executable twice, as source and beside its bytecode. */
function packed(script: string): Uint8Array {
  return Bun.gzipSync(Buffer.from(script), { level: 9 });
}

/** `script` is made before the build that takes it in: a build within a build never ends. */
export function embeddedApp(script: string): BunPlugin {
  return {
    name: "embedded-app",
    setup(build) {
      build.onResolve({ filter: /\/embedded-app\/app\.gz$/ }, () => ({ path: "app.gz", namespace: "embedded-app" }));
      build.onLoad({ filter: /.*/, namespace: "embedded-app" }, () => ({ contents: packed(script), loader: "file" }));
    },
  };
}
