/**
 * Functions of a file: where they begin, how long they are, how many parameters they take.
 *
 * Works on code without comments and literals (`source-text.ts`). A pair of braces is a function's body when what stands
 * before it says so; types, classes, object literals and plain blocks are told apart by the same words.
 */
import { lineAt } from "./source-text.ts";

export interface FunctionSpan {
  readonly line: number;
  /** From the line of its head to the line of its closing brace. */
  readonly lines: number;
}

const closers: Readonly<Record<string, string>> = { ")": "(", "]": "[", "}": "{" };

/** Offset of the bracket that the closing one at `at` belongs to, or -1. */
function openingOf(code: string, at: number): number {
  let depth = 0;
  const [close, open] = [code[at] ?? "", closers[code[at] ?? ""] ?? ""];
  for (let back = at; back >= 0; back -= 1) {
    if (code[back] === close) depth += 1;
    else if (code[back] === open && --depth === 0) return back;
  }
  return -1;
}

/** True for a closing brace that belongs to a type between a head and its body, as in `): Promise<{ a: string }> {`. */
function endsType(code: string, brace: number, body: number): boolean {
  const between = code.slice(brace + 1, body);
  return /^[\s>|&\[\]\w,.]*$/.test(between) && !between.includes("\n");
}

/** The text from the last statement's end to `body`: what says what the brace at `body` opens. */
function headOf(code: string, body: number): string {
  for (let at = body - 1; at >= 0; at -= 1) {
    const character = code[at] ?? "";
    if (character === ")" || character === "]" || (character === "}" && endsType(code, at, body))) at = Math.max(openingOf(code, at), 0);
    else if (";{}([,".includes(character)) return code.slice(at + 1, body).trim();
  }
  return code.slice(0, body).trim();
}

const notFunction = /^(?:(?:export|declare|abstract|default)\s+)*(?:class|interface|type|namespace|enum|module|import|export\s*$)\b/;
const control = /^(?:\w+:\s*)?(?:\}?\s*else\s+)?(?:if|for|while|switch|try|do|else|finally|catch|with)\b/;

function isFunctionHead(head: string): boolean {
  if (head.endsWith("=>")) return true;
  if (notFunction.test(head) || control.test(head)) return false;
  if (/[=(,:[?&|]$|\b(?:return|satisfies|as|default|yield|await|new)$/.test(head)) return false;
  return head.includes("(");
}

/** Every function with a body in braces, inner ones as well. */
export function functionsOf(code: string): readonly FunctionSpan[] {
  const open: number[] = [];
  const found: FunctionSpan[] = [];
  for (let at = 0; at < code.length; at += 1) {
    if (code[at] === "{") open.push(at);
    if (code[at] !== "}") continue;
    const body = open.pop() ?? 0;
    const head = headOf(code, body);
    if (!isFunctionHead(head)) continue;
    const line = lineAt(code, code.lastIndexOf(head, body));
    found.push({ line, lines: lineAt(code, at) - line + 1 });
  }
  return found.toSorted((left, right) => left.line - right.line);
}

export interface ParameterList {
  readonly line: number;
  readonly count: number;
}

function endOfParentheses(code: string, from: number): number {
  let depth = 0;
  for (let at = from; at < code.length; at += 1) {
    if ("([{".includes(code[at] ?? "")) depth += 1;
    else if (")]}".includes(code[at] ?? "") && --depth === 0) return at;
  }
  return code.length;
}

/** The number of entries between brackets; commas inside nested brackets or type arguments separate nothing here. */
function countEntries(list: string): number {
  const flat = list.replaceAll("=>", "  ");
  let [depth, commas] = [0, 0];
  for (const character of flat) {
    if ("([{<".includes(character)) depth += 1;
    else if (")]}>".includes(character)) depth -= 1;
    else if (character === "," && depth === 0) commas += 1;
  }
  const trimmed = flat.trim();
  if (trimmed === "") return 0;
  return trimmed.endsWith(",") ? commas : commas + 1;
}

/** The parameter lists of declarations, constructors and arrows. */
export function parameterListsOf(code: string): readonly ParameterList[] {
  const found: ParameterList[] = [];
  for (let at = code.indexOf("("); at >= 0; at = code.indexOf("(", at + 1)) {
    const end = endOfParentheses(code, at);
    const isDeclared = /\b(?:function\s*\*?\s*[\w$]*\s*(?:<[^()]*>)?|constructor)\s*$/.test(code.slice(Math.max(0, at - 200), at));
    const isArrow = /^\s*(?::[^=;{}()]*(?:\{[^{}]*\}[^=;{}()]*)?)?=>/.test(code.slice(end + 1, end + 300));
    if (isDeclared || isArrow) found.push({ line: lineAt(code, at), count: countEntries(code.slice(at + 1, end)) });
  }
  return found;
}
