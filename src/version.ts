/** What this build is. The three values are stamped by `build/build.ts`; run from source they say so. */

declare const __CYBERUN_VERSION__: string | undefined;
declare const __CYBERUN_BUILD_TIME__: number | undefined;

/** Semantic version, or `0.0.0-source` when run without a build. */
export const version: string = typeof __CYBERUN_VERSION__ === "string" ? __CYBERUN_VERSION__ : "0.0.0-source";

/**
 * Epoch seconds of the release (of its last commit, so that builds stay reproducible); 0 when run from source.
 * No honest clock can stand before it, so it is the clock guard's floor that needs no state.
 */
export const buildTime: number = typeof __CYBERUN_BUILD_TIME__ === "number" ? __CYBERUN_BUILD_TIME__ : 0;
