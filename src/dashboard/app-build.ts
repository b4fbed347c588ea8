/**
 * Makes the dashboard's one script from its sources: when an executable is built, and when the sources are run as they are.
 *
 * Rule: nothing of a page is decided here. What is made is the same for the same sources.
 */
import { join } from "node:path";

/** Throws when the sources do not build, with the bundler's messages. */
export async function buildApp(): Promise<string> {
  const { outputs } = await Bun.build({
    entrypoints: [join(import.meta.dir, "app", "main.tsx")],
    target: "browser",
    format: "esm",
    minify: true,
    define: { "process.env.NODE_ENV": '"production"' },
  });
  const [script] = outputs;
  if (script === undefined) throw new Error("the dashboard's script was not made");
  return await script.text();
}
