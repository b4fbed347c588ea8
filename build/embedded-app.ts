/** The dashboard of a build: whoever imports `embedded-app/app.js` gets the script that was made for it. */
import type { BunPlugin } from "bun";

/** Small and in signs that are one byte each: the text is in the executable twice, as source and beside its bytecode. */
function packed(script: string): string {
  return Buffer.from(Bun.gzipSync(Buffer.from(script), { level: 9 })).toString("base64");
}

/** `script` is made before the build that takes it in: a build within a build never ends. */
export function embeddedApp(script: string): BunPlugin {
  return {
    name: "embedded-app",
    setup(build) {
      build.onResolve({ filter: /\/embedded-app\/app\.js$/ }, () => ({ path: "app.js", namespace: "embedded-app" }));
      build.onLoad({ filter: /.*/, namespace: "embedded-app" }, () => ({ contents: packed(script), loader: "text" }));
    },
  };
}
