/**
 * Where a command talks: standard output for what was asked for, standard error for everything else, standard input.
 *
 * Rule: nobody is asked anything unless a person sits at a terminal, and what is typed as a password is not shown.
 */
import { Fault } from "../fault.ts";
import { writeOut } from "./write-out.ts";

export interface Terminal {
  out(text: string): void;
  err(text: string): void;
  /** Whether a person can be asked. */
  readonly isInteractive: boolean;
  /** All of standard input, at most {@link INPUT_BYTES_MAX}. */
  readInput(): Promise<string>;
  /** Standard input as it comes, of any length. */
  inputChunks(): AsyncIterable<Uint8Array>;
  /** Asks one question after the other without showing the answers. Undefined when it was broken off. */
  askHidden(questions: readonly string[]): Promise<readonly string[] | undefined>;
  /** Asks one question whose answer may be seen. Undefined when it was broken off. */
  ask(question: string): Promise<string | undefined>;
}

/** Thrown when a person breaks off at a question. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";

  constructor() {
    super("interrupted");
  }
}

const INPUT_BYTES_MAX = 65_536;
const CONTROL_C = "\u0003";
const CONTROL_D = "\u0004";

async function readInput(): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of Bun.stdin.stream()) {
    bytes += part.length;
    if (bytes > INPUT_BYTES_MAX) throw new Fault("too_large", `Standard input is longer than ${INPUT_BYTES_MAX} bytes.`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}

/** What was typed so far after one more key, and whether that was the last. */
function typed(before: string, key: string): { readonly text: string | undefined; readonly isDone: boolean } {
  if (key === CONTROL_C || (key === CONTROL_D && before === "")) return { text: undefined, isDone: true };
  if (key === "\r" || key === "\n" || key === CONTROL_D) return { text: before, isDone: true };
  if (key === "\u007f" || key === "\b") return { text: [...before].slice(0, -1).join(""), isDone: false };
  return { text: key < " " ? before : before + key, isDone: false };
}

/** What a terminal in raw mode has to be told to show the key. */
function echoOf(before: string, after: string): string {
  if (after.length > before.length) return after.slice(before.length);
  return after.length < before.length ? "\b \b" : "";
}

/** Keys as they are typed, up to the end of a line; undefined when it was broken off. `show` is told what to show of each. */
function typedLine(show: (text: string) => void): Promise<string | undefined> {
  const { stdin } = process;
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  let text = "";
  const onKeys = (chunk: string) => {
    const keys = [...chunk];
    for (const [index, key] of keys.entries()) {
      const next = typed(text, key);
      if (!next.isDone) {
        const after = next.text ?? text;
        show(echoOf(text, after));
        text = after;
        continue;
      }
      stdin.off("data", onKeys).pause();
      // What was pasted behind the line belongs to the next question.
      const rest = keys.slice(index + 1).join("");
      if (rest !== "") stdin.unshift(rest);
      return resolve(next.text);
    }
  };
  stdin.on("data", onKeys).once("end", () => resolve(undefined)).resume();
  return promise;
}

/**
 * One question after the other in raw mode, so that the terminal shows nothing by itself from before the first one until
 * after the last answer, and Ctrl-C is a key: whoever asked still ends what it has open.
 */
async function askEach(questions: readonly string[], show: (text: string) => void): Promise<readonly string[] | undefined> {
  const { stdin, stderr } = process;
  stdin.setRawMode(true);
  stdin.setEncoding("utf8");
  try {
    const answers: string[] = [];
    for (const question of questions) {
      stderr.write(question);
      const answer = await typedLine(show);
      stderr.write("\n");
      if (answer === undefined) return undefined;
      answers.push(answer);
    }
    return answers;
  } finally {
    stdin.setRawMode(false);
  }
}

async function askHidden(questions: readonly string[]): Promise<readonly string[] | undefined> {
  return await askEach(questions, () => {});
}

async function ask(question: string): Promise<string | undefined> {
  return (await askEach([question], (text) => void process.stderr.write(text)))?.[0];
}

/** The streams of this process. */
export function processTerminal(): Terminal {
  return {
    out: (text) => void writeOut(text),
    err: (text) => void process.stderr.write(text),
    isInteractive: process.stdin.isTTY === true && process.stderr.isTTY === true,
    readInput,
    inputChunks: () => Bun.stdin.stream(),
    askHidden,
    ask,
  };
}
