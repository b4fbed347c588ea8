/** Where a new password comes from: a file, standard input, or a person at the terminal. Never from the command line. */
import { Fault } from "../fault.ts";
import type { Context } from "./context.ts";
import { readNamedFile } from "./files.ts";
import { Interrupted } from "./terminal.ts";

const PASSWORD_FILE_BYTES_MAX = 4_096;

/** The first line. A password may hold anything else, also spaces at its ends. */
function firstLine(text: string): string {
  return text.split(/\r?\n/, 1)[0] ?? "";
}

async function asked({ terminal }: Context): Promise<string> {
  const answers = await terminal.askHidden(["New password: ", "The same again: "]);
  if (answers === undefined) throw new Interrupted();
  const [first = "", again] = answers;
  if (first === again) return first;
  throw new Fault("invalid_request", "The two passwords differ.", { hint: "Run the command again." });
}

/** The password that the call names a source for. Throws Fault `invalid_request` when it names none or two. */
export async function readPassword(context: Context): Promise<string> {
  const { options, terminal } = context;
  const file = options.get("passwordFile");
  const isStdin = options.has("passwordStdin");
  if (file !== undefined && isStdin) throw new Fault("invalid_request", "--password-file and --password-stdin exclude each other.");
  if (file !== undefined) return firstLine(readNamedFile(file, PASSWORD_FILE_BYTES_MAX).toString("utf8"));
  if (isStdin) return firstLine(await terminal.readInput());
  if (terminal.isInteractive) return await asked(context);
  throw new Fault("invalid_request", "A password is missing, and nobody can be asked for it here.", {
    hint: "Give it with --password-file FILE or --password-stdin; a password never stands on a command line.",
  });
}
