/** The dashboard of a build: whoever imports `embedded-app/app.js` gets the script that is made from the sources now. */
import type { BunPlugin } from "bun";
import { buildApp } from "../src/dashboard/app-build.ts";

export function embeddedApp(): BunPlugin {
  return {
    name: "embedded-app",
    setup(build) {
      build.onResolve({ filter: /\/embedded-app\/app\.js$/ }, () => ({ path: "app.js", namespace: "embedded-app" }));
      build.onLoad({ filter: /.*/, namespace: "embedded-app" }, async () => ({ contents: await buildApp(), loader: "text" }));
    },
  };
}
