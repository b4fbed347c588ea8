/**
 * Where the code of each command lies. It is loaded when the command runs, so that cheap ones stay cheap.
 *
 * Rule: total; a command without a loader does not compile.
 */
import type { CommandName } from "./commands.ts";
import type { Run } from "./context.ts";

export const loaders: Readonly<Record<CommandName, () => Promise<Run>>> = {
  "license inspect": async () => (await import("./license-inspect.ts")).licenseInspect,
  "verify-self": async () => (await import("./verify-self.ts")).verifySelf,
  version: async () => (await import("./version.ts")).showVersion,
  help: async () => (await import("./help.ts")).showHelp,
};
