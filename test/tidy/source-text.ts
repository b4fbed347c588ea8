/**
 * A TypeScript file as three texts of the same length: code without comments and without the content of literals,
 * code without comments, and comments alone. A rule looks at the one in which its word can mean nothing else.
 *
 * A small scanner instead of a parser: it knows comments, strings, templates with nested code, and regular expressions.
 */

export interface SourceText {
  /** Comments and the content of strings, templates and regular expressions are blanks; offsets and lines are kept. */
  readonly code: string;
  /** Comments are blanks. */
  readonly withLiterals: string;
  /** Everything but comments is blank. */
  readonly comments: string;
}

type Kind = "code" | "literal" | "comment";

interface Span {
  readonly kind: Kind;
  readonly from: number;
  readonly to: number;
}

/** A slash after one of these begins a regular expression; after a name, a number or a closing bracket it divides. */
const beforeRegex = /(?:^|[([{,;:=!&|?+\-*%<>~^}]|\b(?:return|typeof|case|in|of|void|delete|await|yield|else|do))\s*$/;
const LOOK_BACK = 40;

/** The end of a literal that begins at `from` with `quote` and stands on one line or is a template's text. */
function endOfQuoted(text: string, from: number, quote: string): number {
  for (let at = from + 1; at < text.length; at += 1) {
    if (text[at] === "\\") at += 1;
    else if (text[at] === quote) return at + 1;
  }
  return text.length;
}

function endOfRegex(text: string, from: number): number {
  let inClass = false;
  for (let at = from + 1; at < text.length && text[at] !== "\n"; at += 1) {
    if (text[at] === "\\") at += 1;
    else if (text[at] === "[") inClass = true;
    else if (text[at] === "]") inClass = false;
    else if (text[at] === "/" && !inClass) return at + 1;
  }
  return from + 1;
}

/** Where a template's text that begins at `from` ends: behind its backtick, or behind the `${` of nested code. */
function endOfTemplateText(text: string, from: number): { readonly to: number; readonly opensCode: boolean } {
  for (let at = from; at < text.length; at += 1) {
    if (text[at] === "\\") at += 1;
    else if (text[at] === "`") return { to: at + 1, opensCode: false };
    else if (text.startsWith("${", at)) return { to: at + 2, opensCode: true };
  }
  return { to: text.length, opensCode: false };
}

function endOfComment(text: string, from: number): number {
  const end = text[from + 1] === "/" ? text.indexOf("\n", from) : text.indexOf("*/", from + 2) + 2;
  return end < from + 2 ? text.length : end;
}

/** The literal or comment that begins at `at`, if one does. Templates are handled by {@link spansOf}. */
function spanAt(text: string, at: number): Span | undefined {
  const head = text.slice(at, at + 2);
  if (head === "//" || head === "/*") return { kind: "comment", from: at, to: endOfComment(text, at) };
  if (head[0] === '"' || head[0] === "'") return { kind: "literal", from: at, to: endOfQuoted(text, at, head[0]) };
  if (head[0] !== "/" || !beforeRegex.test(text.slice(Math.max(0, at - LOOK_BACK), at))) return undefined;
  const to = endOfRegex(text, at);
  return to > at + 1 ? { kind: "literal", from: at, to } : undefined;
}

function spansOf(text: string): readonly Span[] {
  const spans: Span[] = [];
  /** Depth of braces in each piece of code nested in a template. */
  const nested: number[] = [];
  const readTemplate = (from: number, textFrom: number): number => {
    const { to, opensCode } = endOfTemplateText(text, textFrom);
    spans.push({ kind: "literal", from, to });
    if (opensCode) nested.push(0);
    return to;
  };
  for (let at = 0; at < text.length; ) {
    const depth = nested.at(-1);
    const span = spanAt(text, at);
    if (span !== undefined) {
      spans.push(span);
      at = span.to;
    } else if (text[at] === "`") {
      at = readTemplate(at, at + 1);
    } else if (text[at] === "}" && depth === 0) {
      nested.pop();
      at = readTemplate(at, at + 1);
    } else {
      if (depth !== undefined && text[at] === "{") nested.splice(-1, 1, depth + 1);
      if (depth !== undefined && text[at] === "}") nested.splice(-1, 1, depth - 1);
      at += 1;
    }
  }
  return spans;
}

function blank(text: string): string {
  return text.replace(/[^\n]/g, " ");
}

/** The first and last characters stay, so that a string is still seen to be a value. */
function blankContent(literal: string): string {
  return literal.length <= 2 ? literal : `${literal[0]}${blank(literal.slice(1, -1))}${literal.at(-1)}`;
}

/** Takes `text` apart. */
export function readSource(text: string): SourceText {
  let [code, withLiterals, comments] = ["", "", ""];
  let at = 0;
  const append = (part: string, kind: Kind) => {
    code += kind === "code" ? part : kind === "literal" ? blankContent(part) : blank(part);
    withLiterals += kind === "comment" ? blank(part) : part;
    comments += kind === "comment" ? part : blank(part);
  };
  for (const { kind, from, to } of spansOf(text)) {
    append(text.slice(at, from), "code");
    append(text.slice(from, to), kind);
    at = to;
  }
  append(text.slice(at), "code");
  return { code, withLiterals, comments };
}

/** The line number of an offset, from 1. */
export function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split("\n").length;
}
