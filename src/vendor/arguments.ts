/**
 * The command line of `cyberun-vendor`: options by table, every mistake collected and told at once.
 *
 * Rule: nothing is opened or written while there is a mistake. It must not know what the commands do. There is no
 * environment variable and no configuration file here: what a license says is on the line that signed it.
 */
import { parseArgs } from "node:util";
import { Fault } from "../fault.ts";

/** `value` is given once, `list` as often as one likes, `switch` takes no value. */
export interface Option {
  readonly kind: "value" | "list" | "switch";
  /** What stands for the value in the help: `FILE`, `N`. */
  readonly placeholder?: string;
  readonly default?: string;
  readonly says: string;
}

export type Options = Readonly<Record<string, Option>>;

/** The mistakes of one command line. */
export class Mistakes {
  readonly #sentences: string[] = [];

  add(sentence: string): void {
    this.#sentences.push(sentence);
  }

  /** Throws one Fault with all of them, when there are any. */
  refuse(): void {
    const [first, ...more] = this.#sentences;
    if (first === undefined) return;
    const message = more.length === 0 ? first : `The command line has ${this.#sentences.length} mistakes.`;
    throw new Fault("invalid_request", message, {
      hint: "cyberun-vendor help COMMAND shows what the command takes.",
      details: { mistakes: [...this.#sentences] },
    });
  }
}

/** What was given, by option name. Defaults are filled in. */
export interface Arguments {
  readonly operands: readonly string[];
  /** Undefined when the option is absent and has no default. */
  value(name: string): string | undefined;
  list(name: string): readonly string[];
  has(name: string): boolean;
  readonly mistakes: Mistakes;
}

interface Given {
  readonly values: Map<string, string[]>;
  readonly operands: string[];
}

interface Token {
  readonly name: string;
  readonly rawName: string;
  readonly value?: string | undefined;
  readonly inlineValue?: boolean | undefined;
}

function takeOption(token: Token, option: Option | undefined, given: Given): string | undefined {
  const { name, rawName, value } = token;
  if (option === undefined) return `There is no option ${rawName}.`;
  const earlier = given.values.get(name) ?? [];
  if (option.kind !== "list" && earlier.length > 0) return `${rawName} is given more than once.`;
  given.values.set(name, [...earlier, value ?? ""]);
  if (option.kind === "switch") return value === undefined ? undefined : `${rawName} takes no value.`;
  if (value === undefined || value === "") return `${rawName} needs a value: ${rawName} ${option.placeholder ?? "VALUE"}.`;
  // A forgotten value must not swallow the next option.
  if (token.inlineValue !== true && value.startsWith("--")) return `${rawName} needs a value, but ${value} follows it.`;
  return undefined;
}

function typesOf(options: Options): Record<string, { type: "string" | "boolean"; multiple: boolean }> {
  return Object.fromEntries(
    Object.entries(options).map(([name, { kind }]) => [name, { type: kind === "switch" ? "boolean" : "string", multiple: true }]),
  );
}

function refuseOperands(operands: readonly string[], wanted: readonly string[], mistakes: Mistakes): void {
  for (const name of wanted.slice(operands.length)) if (!name.startsWith("[")) mistakes.add(`${name} is missing.`);
  for (const extra of operands.slice(wanted.length)) mistakes.add(`"${extra}" is one word too many.`);
}

/** Reads `argv` by the tables. Mistakes are collected in the result, so that the command can add its own. */
export function parseArguments(argv: readonly string[], options: Options, operandNames: readonly string[]): Arguments {
  const mistakes = new Mistakes();
  const given: Given = { values: new Map(), operands: [] };
  const { tokens } = parseArgs({ args: [...argv], options: typesOf(options), strict: false, allowPositionals: true, tokens: true });
  for (const token of tokens) {
    if (token.kind === "positional") given.operands.push(token.value);
    if (token.kind !== "option") continue;
    const mistake = takeOption(token, Object.hasOwn(options, token.name) ? options[token.name] : undefined, given);
    if (mistake !== undefined) mistakes.add(mistake);
  }
  refuseOperands(given.operands, operandNames, mistakes);
  return {
    mistakes,
    operands: given.operands,
    value: (name) => given.values.get(name)?.[0] ?? options[name]?.default,
    list: (name) => given.values.get(name) ?? [],
    has: (name) => given.values.has(name),
  };
}
