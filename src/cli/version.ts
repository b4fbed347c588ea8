/** `cyberun version`. It imports nothing heavy, because scripts and people call it all the time. */
import { buildTime, version } from "../version.ts";
import type { Result } from "./context.ts";

/** What this build is. */
export function versionResult(): Result {
  const built = buildTime === 0 ? null : new Date(buildTime * 1_000).toISOString();
  return {
    data: { version, built_at: built, runtime: `bun ${Bun.version}`, platform: `${process.platform}-${process.arch}` },
    text: `cyberun ${version}${built === null ? "" : ` (built ${built})`}`,
  };
}

export async function showVersion(): Promise<Result> {
  return versionResult();
}
