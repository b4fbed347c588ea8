/** What cannot be taken back is asked about first, where somebody can be asked; elsewhere `--yes` says that it is meant. */
import { Fault } from "../fault.ts";
import type { Context } from "./context.ts";
import { shownCell } from "./text-table.ts";
import { Interrupted } from "./terminal.ts";

/** Throws Fault `invalid_request` where {@link confirm} could not ask: before anything else is done or asked. */
export function requireConfirmable({ options, terminal }: Context): void {
  if (options.has("yes") || terminal.isInteractive) return;
  throw new Fault("invalid_request", "This cannot be taken back, and nobody can be asked here whether it is meant.", { hint: "Say so with --yes. Nothing was done." });
}

/** Asks `question`, one sentence. Throws Interrupted for every answer but yes. */
export async function confirm(context: Context, question: string): Promise<void> {
  requireConfirmable(context);
  if (context.options.has("yes")) return;
  const answer = await context.terminal.ask(`${shownCell(question)}\nType yes to go on: `);
  if (answer?.trim().toLowerCase() === "yes") return;
  context.terminal.err("Nothing was done.\n");
  throw new Interrupted();
}
