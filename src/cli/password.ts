/** Where a password comes from, or a code: a file, standard input, or a person at the terminal. Never from the command line. */
import { Fault } from "../fault.ts";
import type { Context } from "./context.ts";
import { readNamedFile } from "./files.ts";
import { Interrupted } from "./terminal.ts";

const PASSWORD_FILE_BYTES_MAX = 4_096;

/** The first line. A password may hold anything else, also spaces at its ends. */
function firstLine(text: string): string {
  return text.split(/\r?\n/, 1)[0] ?? "";
}

async function askedTwice({ terminal }: Context): Promise<string> {
  const answers = await terminal.askHidden(["New password: ", "The same again: "]);
  if (answers === undefined) throw new Interrupted();
  const [first = "", again] = answers;
  if (first === again) return first;
  throw new Fault("invalid_request", "The two passwords differ.", { hint: "Run the command again." });
}

async function askedOnce({ terminal }: Context, question: string): Promise<string> {
  const answers = await terminal.askHidden([question]);
  if (answers === undefined) throw new Interrupted();
  return answers[0] ?? "";
}

function lineIn(file: string): string {
  return firstLine(readNamedFile(file, PASSWORD_FILE_BYTES_MAX).toString("utf8"));
}

/** The password that the call names a source for; `ask` where a person sits. */
async function passwordBy(context: Context, ask: (context: Context) => Promise<string>): Promise<string> {
  const { options, terminal } = context;
  const file = options.get("passwordFile");
  const isStdin = options.has("passwordStdin");
  if (file !== undefined && isStdin) throw new Fault("invalid_request", "--password-file and --password-stdin exclude each other.");
  if (file !== undefined) return lineIn(file);
  if (isStdin) return firstLine(await terminal.readInput());
  if (terminal.isInteractive) return await ask(context);
  throw new Fault("invalid_request", "A password is missing, and nobody can be asked for it here.", {
    hint: "Give it with --password-file FILE or --password-stdin; a password never stands on a command line.",
  });
}

/** A new password. Throws Fault `invalid_request` when the call names no source for it, or two. */
export async function readPassword(context: Context): Promise<string> {
  return await passwordBy(context, askedTwice);
}

/** The password of somebody who signs in. Throws as {@link readPassword}. */
export async function readOwnPassword(context: Context): Promise<string> {
  return await passwordBy(context, (asking) => askedOnce(asking, "Password: "));
}

/** A code of the second factor; of the account's `methods` a passkey needs a browser. Throws Fault `second_factor_required` when there is no source for it. */
export async function readCode(context: Context, methods: readonly unknown[]): Promise<string> {
  const file = context.options.get("codeFile");
  if (file !== undefined) return lineIn(file);
  if (context.terminal.isInteractive) return await askedOnce(context, methods.includes("totp") ? "Code of the second factor: " : "Recovery code (a passkey needs a browser): ");
  throw new Fault("second_factor_required", "This account has a second factor, and nobody can be asked for its code here.", { hint: "Give a code, or a recovery code, with --code-file FILE." });
}
