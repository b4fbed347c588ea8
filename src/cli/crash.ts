/**
 * The last word of a process that met a bug outside of any request: one redacted line, and an end that a service manager
 * notices. The runtime's own report would print source text and values as they are.
 */
import { redact } from "../log.ts";
import { EXIT_BUG } from "./exit-codes.ts";

/** From now on a bug that nothing caught ends the process. */
export function endOnBugs(): void {
  const end = (error: unknown) => {
    process.stderr.write(`${JSON.stringify({ level: "error", event: "process.bug", error: redact(error) })}\n`, () => process.exit(EXIT_BUG));
  };
  process.on("uncaughtException", end);
  process.on("unhandledRejection", end);
}
