/**
 * The command line as plain values: words, flags, and what is wrong with it.
 *
 * Rule: pure. Which command the words mean, and whether it takes those flags, is decided by `dispatch.ts`; a mistake
 * found here is reported together with those of the configuration.
 */
import { type SettingName, settingNames, settingOf } from "../config/table.ts";
import { type Mistake, unknownName } from "../config/sources.ts";
import { type OptionName, optionNames, optionOf } from "./options.ts";

/** A flag that some command takes. */
export type Flag =
  | { readonly kind: "setting"; readonly name: SettingName; readonly flag: string; readonly isSwitch: false }
  | { readonly kind: "option"; readonly name: OptionName; readonly flag: string; readonly isSwitch: boolean };

export const flags: readonly Flag[] = [
  ...settingNames.map((name) => ({ kind: "setting", name, flag: settingOf(name).flag, isSwitch: false }) as const),
  ...optionNames.map((name) => ({ kind: "option", name, flag: optionOf(name).flag, isSwitch: optionOf(name).placeholder === undefined }) as const),
];

export interface Arguments {
  /** What is no flag: the command's words, then its operands. */
  readonly words: readonly string[];
  readonly settings: ReadonlyMap<SettingName, string>;
  /** A switch's value is the empty text. */
  readonly options: ReadonlyMap<OptionName, string>;
  readonly mistakes: readonly Mistake[];
}

/** The name of a key: one in 64 begins with a hyphen, and no flag is as long. */
const thumbprintForm = /^[A-Za-z0-9_-]{43}$/;

const short: Readonly<Record<string, string>> = { "-h": "--help" };
/** Flags that people try before they know the commands. */
const words: Readonly<Record<string, string>> = { "--version": "version" };

const flagForm = /^--?[a-z][a-z-]*(?:=|$)/;

/** Splits `--name=value`; a flag alone has no value yet. */
function split(word: string): { readonly name: string; readonly value: string | undefined } {
  const at = word.indexOf("=");
  return at < 0 ? { name: short[word] ?? word, value: undefined } : { name: word.slice(0, at), value: word.slice(at + 1) };
}

class Parser {
  readonly words: string[] = [];
  readonly settings = new Map<SettingName, string>();
  readonly options = new Map<OptionName, string>();
  readonly mistakes: Mistake[] = [];
  readonly #rest: string[];

  constructor(argv: readonly string[]) {
    this.#rest = [...argv];
  }

  parse(): Arguments {
    for (let word = this.#rest.shift(); word !== undefined; word = this.#rest.shift()) {
      const meant = words[word];
      if (meant !== undefined) this.words.push(meant);
      else if (word === "--") this.words.push(...this.#rest.splice(0));
      else if (word.startsWith("-") && word !== "-" && !thumbprintForm.test(word)) this.#flag(word);
      else this.words.push(word);
    }
    return this;
  }

  #flag(word: string): void {
    const { name, value } = split(word);
    const flag = flags.find((candidate) => candidate.flag === name);
    if (flag === undefined) return this.#unknown(name, value);
    if (flag.isSwitch && value !== undefined) return this.#mistake(name, "takes no value");
    const text = flag.isSwitch ? "" : (value ?? this.#nextValue());
    if (text === undefined) return this.#mistake(name, "needs a value");
    if (flag.kind === "setting") this.#keep(flag, this.settings, flag.name, text);
    else this.#keep(flag, this.options, flag.name, text);
  }

  #keep<Name>({ flag, isSwitch }: Flag, values: Map<Name, string>, name: Name, text: string): void {
    if (values.has(name) && !isSwitch) this.#mistake(flag, "is given twice");
    values.set(name, text);
  }

  /** A forgotten value must not eat the next flag; a value that merely begins with a hyphen, as an id may, is one. */
  #nextValue(): string | undefined {
    return flagForm.test(this.#rest[0] ?? "") ? undefined : this.#rest.shift();
  }

  #unknown(name: string, value: string | undefined): void {
    this.mistakes.push({ where: name, ...unknownName(name, flags.map(({ flag }) => flag), "flag") });
    // Behind a command the next word is most likely its value, and a second complaint about that would only confuse.
    if (value === undefined && this.words.length > 0) this.#nextValue();
  }

  #mistake(where: string, problem: string): void {
    this.mistakes.push({ where, problem });
  }
}

export function parseArguments(argv: readonly string[]): Arguments {
  return new Parser(argv).parse();
}
