/**
 * `cyberun-vendor`, the signing desk's own tool: finds the command, runs it, prints its answer.
 *
 * Rule: thin. It works offline on files alone and is never shipped to customers; nothing in `src` imports this folder.
 * Exit codes: see {@link exitCodes}; a failure never exits 0.
 */
import { Fault, faultCodes } from "../fault.ts";
import { version } from "../version.ts";
import { type Option, type Options, parseArguments } from "./arguments.ts";
import type { Command, Desk } from "./command.ts";
import { inspect } from "./inspect.ts";
import { bundle } from "./bundle.ts";
import { createKey, listKeysCommand } from "./keys.ts";
import { createReleaseKey, createRoot, revokeReleaseKey } from "./release-keys.ts";
import { revoke } from "./revoke.ts";
import { showTemplates } from "./show-templates.ts";
import { sign } from "./sign.ts";

export const commands: readonly Command[] = [createKey, listKeysCommand, sign, revoke, inspect, showTemplates, createRoot, createReleaseKey, revokeReleaseKey, bundle];

/** Every way a run can end. */
export const exitCodes: Readonly<Record<number, string>> = {
  0: "done",
  [faultCodes.internal.exit]: "a bug in this tool",
  [faultCodes.invalid_request.exit]: "the command line, or a file it names, is wrong",
  [faultCodes.unavailable.exit]: "a file cannot be read or written",
  [faultCodes.not_found.exit]: "a file or key is not there",
  [faultCodes.conflict.exit]: "the file to write exists already",
  [faultCodes.invalid_license.exit]: "the license or revocation is refused; the reason's word is in the answer",
};

const everyCommand: Options = {
  json: { kind: "switch", says: "answer with one JSON object, errors too" },
  help: { kind: "switch", says: "show this" },
};

const COMMAND_WIDTH = 24;

/** Where the answer goes. */
export interface Terminal {
  out(text: string): void;
  error(text: string): void;
}

function optionLine([name, option]: readonly [string, Option]): string {
  const left = `  --${name}${option.placeholder === undefined ? "" : ` ${option.placeholder}`}`;
  const fallback = option.default === undefined ? "" : ` (default: ${option.default})`;
  return left.length < 32 ? `${left.padEnd(32)} ${option.says}${fallback}` : `${left}\n${" ".repeat(33)}${option.says}${fallback}`;
}

/** The help of one command. Pure. */
export function commandHelp(command: Command): string {
  return [
    `cyberun-vendor ${[command.name, ...command.operands].join(" ")} [OPTIONS]`,
    "",
    command.summary,
    "",
    ...Object.entries({ ...command.options, ...everyCommand }).map(optionLine),
    ...(command.notes === undefined ? [] : ["", ...command.notes]),
  ].join("\n");
}

/** The help of the tool. Pure. */
export function vendorHelp(): string {
  return [
    `cyberun-vendor ${version}: makes keys, signs and revokes licenses, signs releases, offline.`,
    "",
    ...commands.map(({ name, summary }) => `  ${name.padEnd(COMMAND_WIDTH)} ${summary}`),
    `  ${"help COMMAND".padEnd(COMMAND_WIDTH)} Show what a command takes.`,
    `  ${"version".padEnd(COMMAND_WIDTH)} Show which build this is.`,
    "",
    "Exit codes",
    ...Object.entries(exitCodes).map(([code, meaning]) => `  ${code}  ${meaning}`),
  ].join("\n");
}

function findCommand(argv: readonly string[]): Command | undefined {
  return commands.find(({ name }) => name.split(" ").every((word, at) => argv[at] === word));
}

function unknownCommand(argv: readonly string[]): Fault {
  const names = commands.map(({ name }) => name).join(", ");
  return new Fault("invalid_request", argv.length === 0 ? "There is no command." : `There is no command "${argv[0]}".`, {
    hint: `The commands are: ${names}, help, version.`,
  });
}

function help(words: readonly string[]): string {
  const command = findCommand(words);
  if (command === undefined && words.length > 0) throw unknownCommand(words);
  return command === undefined ? vendorHelp() : commandHelp(command);
}

/** What the run prints. Throws a Fault. */
function answerTo(argv: readonly string[], desk: Desk, asJson: boolean): string {
  const [first, ...rest] = argv;
  if (first === "help" || first === "--help" || first === "-h") return help(rest);
  if (first === "version" || first === "--version") return asJson ? JSON.stringify({ version }) : `cyberun-vendor ${version}`;
  const command = findCommand(argv);
  if (command === undefined) throw unknownCommand(argv);
  if (argv.includes("--help") || argv.includes("-h")) return commandHelp(command);
  const words = argv.slice(command.name.split(" ").length);
  const answer = command.run(desk, parseArguments(words, { ...command.options, ...everyCommand }, command.operands));
  return asJson ? JSON.stringify(answer.json, null, 2) : answer.text;
}

function mistakesOf(fault: Fault): readonly string[] {
  const { mistakes } = fault.details ?? {};
  return Array.isArray(mistakes) && mistakes.length > 1 ? mistakes.map((mistake) => `  - ${String(mistake)}`) : [];
}

function shownFault(fault: Fault, asJson: boolean): string {
  if (asJson) {
    return JSON.stringify({ error_code: fault.code, error_message: fault.message, hint: fault.hint, details: fault.details }, null, 2);
  }
  return [fault.message, ...mistakesOf(fault), ...(fault.hint === undefined ? [] : [fault.hint])].join("\n");
}

/** Runs one command line and returns the exit code. Answers go to `out`, refusals to `error`. */
export function runVendor(argv: readonly string[], desk: Desk, terminal: Terminal): number {
  const asJson = argv.includes("--json");
  try {
    terminal.out(`${answerTo(argv, desk, asJson)}\n`);
    return 0;
  } catch (error) {
    if (error instanceof Fault) {
      terminal.error(`${shownFault(error, asJson)}\n`);
      return error.exitCode;
    }
    // A bug: all of it, so that it can be reported. No secret is ever part of a message here.
    terminal.error(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    return faultCodes.internal.exit;
  }
}
