/**
 * Where a command talks: standard output for what was asked for, standard error for everything else, standard input.
 *
 * Rule: nobody is asked anything unless a person sits at a terminal, and what is typed as a password is not shown.
 */
import { Fault } from "../fault.ts";

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

/** Keys as they are typed, up to the end of a line; undefined when it was broken off. */
function typedLine(): Promise<string | undefined> {
  const { stdin } = process;
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  let text = "";
  const onKeys = (chunk: string) => {
    const keys = [...chunk];
    for (const [index, key] of keys.entries()) {
      const next = typed(text, key);
      if (!next.isDone) {
        text = next.text ?? text;
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

/** Nothing is shown from before the first question until after the last answer, also of what is typed between them. */
async function askHidden(questions: readonly string[]): Promise<readonly string[] | undefined> {
  const { stdin, stderr } = process;
  stdin.setRawMode(true);
  stdin.setEncoding("utf8");
  try {
    const answers: string[] = [];
    for (const question of questions) {
      stderr.write(question);
      const answer = await typedLine();
      stderr.write("\n");
      if (answer === undefined) return undefined;
      answers.push(answer);
    }
    return answers;
  } finally {
    stdin.setRawMode(false);
  }
}

/** The terminal itself shows what is typed and lets it be corrected; Ctrl-C ends the process. */
async function ask(question: string): Promise<string | undefined> {
  process.stdin.setEncoding("utf8");
  process.stderr.write(question);
  return await typedLine();
}

/** The streams of this process. */
export function processTerminal(): Terminal {
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    isInteractive: process.stdin.isTTY === true && process.stderr.isTTY === true,
    readInput,
    inputChunks: () => Bun.stdin.stream(),
    askHidden,
    ask,
  };
}
