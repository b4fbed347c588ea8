/** Help: printed from the tables of commands, settings and options, so that it cannot say anything else than they do. */
import { defaultShown, settingOf } from "../config/table.ts";
import { Fault } from "../fault.ts";
import { findNearest } from "../config/nearest.ts";
import { type CommandName, commandNames, commandOf } from "./commands.ts";
import type { Context, Result } from "./context.ts";
import { optionOf } from "./options.ts";

const WIDTH = 100;

/** A flag as help, docs and `--json` describe it. */
export interface FlagHelp {
  readonly flag: string;
  readonly placeholder: string;
  /** Null for flags of one call only. */
  readonly variable: string | null;
  readonly default: string;
  readonly help: string;
}

/** Every flag that the command takes. */
export function flagsOf(name: CommandName): readonly FlagHelp[] {
  const { settings, options, words = {} } = commandOf(name);
  return [
    ...settings.map(settingOf).map((row) => ({
      flag: row.flag,
      placeholder: row.kind.placeholder,
      variable: row.variable,
      default: defaultShown(row),
      help: row.help,
    })),
    ...[...options, "help" as const].map((option) => ({ ...optionOf(option), ...words[option] })).map((row) => ({
      flag: row.flag,
      placeholder: row.placeholder ?? "",
      variable: null,
      default: row.shownDefault,
      help: row.help,
    })),
  ];
}

/** `text` in lines of at most {@link WIDTH} characters, each with `indent` spaces before it. */
function wrapped(text: string, indent: number): string {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last === undefined || indent + last.length + 1 + word.length > WIDTH) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines.map((line) => " ".repeat(indent) + line).join("\n");
}

export function usageOf(name: CommandName): string {
  const { operands = [], hasFreeOperands = false } = commandOf(name);
  return ["cyberun", name, ...operands.map((operand) => (hasFreeOperands ? `[${operand}]` : operand)), "[flags]"].join(" ");
}

function flagLines({ flag, placeholder, variable, default: shown, help }: FlagHelp): string {
  const head = placeholder === "" ? flag : `${flag} ${placeholder}`;
  return `  ${head}\n${wrapped(`${help}. [${variable ?? "no variable"}; default: ${shown}]`, 6)}`;
}

function commandHelp(name: CommandName): string {
  const { purpose, notes = [] } = commandOf(name);
  return [`${purpose}.`, `Usage: ${usageOf(name)}`, ...notes.map((note) => wrapped(note, 0)), `Flags:\n${flagsOf(name).map(flagLines).join("\n")}`].join("\n\n");
}

function listed(names: readonly CommandName[]): string {
  const width = Math.max(...names.map((name) => name.length));
  return names.map((name) => `  ${name.padEnd(width)}   ${commandOf(name).purpose}`).join("\n");
}

const overview = (names: readonly CommandName[]) =>
  [
    "cyberun: the control plane of a self-hosted deployment in one executable.",
    "Usage: cyberun COMMAND [flags]",
    `Commands:\n${listed(names)}`,
    "A flag goes before its CYBERUN_ variable, that before the config file (--config FILE), that before the default.\ncyberun help COMMAND shows a command's flags.",
  ].join("\n\n");

function json(name: CommandName): Readonly<Record<string, unknown>> {
  const { purpose, notes = [] } = commandOf(name);
  return { command: name, purpose, usage: usageOf(name), notes, flags: flagsOf(name) };
}

/** Help on the words: a command, a group of commands, or everything. Throws Fault `not_found` for words that are neither. */
export function helpFor(words: readonly string[]): Result {
  const asked = words.join(" ");
  const name = commandNames.find((candidate) => candidate === asked);
  if (name !== undefined) return { data: json(name), text: commandHelp(name) };
  const group = commandNames.filter((candidate) => asked === "" || candidate.startsWith(`${asked} `));
  if (group.length === 0) throw unknownCommand(words);
  return { data: { commands: group.map(json) }, text: overview(group) };
}

export function unknownCommand(words: readonly string[]): Fault {
  const asked = words.join(" ");
  const group = commandNames.some((name) => name.startsWith(`${asked} `));
  if (group) return new Fault("invalid_request", `cyberun ${asked} needs one more word.`, { hint: `cyberun help ${asked} lists its commands.` });
  const isLong = commandNames.some((name) => name.startsWith(`${words.slice(0, 2).join(" ")} `));
  const meant = words.slice(0, isLong ? 3 : 2).join(" ");
  const nearest = findNearest(meant, commandNames) ?? findNearest(words[0] ?? "", commandNames);
  return new Fault("invalid_request", `There is no command ${JSON.stringify(meant)}.`, {
    hint: nearest === undefined ? "cyberun help lists the commands." : `Did you mean cyberun ${nearest}?`,
  });
}

export async function showHelp({ operands }: Context): Promise<Result> {
  return helpFor(operands);
}
