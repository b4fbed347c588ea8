/**
 * The table of commands: dispatch, help and `docs/cli.md` are made from it.
 *
 * Rule: no row, no command; the code of each is found by `loaders.ts`. It must not import any of them.
 */
import type { SettingName } from "../config-settings.ts";
import type { OptionName } from "./options.ts";

export interface CommandRow {
  readonly purpose: string;
  /** Names of the operands, all of them needed. */
  readonly operands?: readonly string[];
  /** The last operand may be left out or be several words. */
  readonly hasFreeOperands?: boolean;
  readonly settings: readonly SettingName[];
  readonly options: readonly OptionName[];
  readonly isTrial?: boolean;
  /** Paragraphs under the usage line. */
  readonly notes?: readonly string[];
}

export const commands = {
  "license inspect": {
    purpose: "Read a license file and say whether this build accepts it; needs no server",
    operands: ["FILE"],
    settings: [],
    options: ["json"],
  },
  "verify-self": {
    purpose: "Compare this executable with the sums its vendor published",
    settings: [],
    options: ["json", "sums"],
    notes: [
      "It shows damage and clumsy changes. Whoever can replace the executable can make it say anything, so compare the sum with another computer's tools too.",
    ],
  },
  version: {
    purpose: "Print version and build time",
    settings: [],
    options: ["json"],
  },
  help: {
    purpose: "Explain a command",
    operands: ["COMMAND"],
    hasFreeOperands: true,
    settings: [],
    options: ["json"],
  },
} as const satisfies Record<string, CommandRow>;

export type CommandName = keyof typeof commands;

export function commandOf(name: CommandName): CommandRow {
  return commands[name];
}

const names: readonly string[] = Object.keys(commands);

export const commandNames: readonly CommandName[] = names.filter((name): name is CommandName => Object.hasOwn(commands, name));

export interface Resolved {
  readonly name: CommandName;
  readonly operands: readonly string[];
}

/** The command that the words begin with, the longest that fits, and the words behind it. */
export function findCommand(words: readonly string[]): Resolved | undefined {
  for (const length of [2, 1]) {
    const asked = words.slice(0, length).join(" ");
    const name = commandNames.find((candidate) => candidate === asked);
    if (name !== undefined) return { name, operands: words.slice(length) };
  }
  return undefined;
}
