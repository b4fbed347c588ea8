/**
 * JSON for signed documents (RFC 8259), without the freedoms that let two readers see two documents.
 *
 * Refused, beyond what `JSON.parse` refuses: a repeated member name, invalid UTF-8, a byte order mark, a lone
 * surrogate, a number that is not a safe integer, nesting deeper than {@link DEPTH_MAX}, and the name `__proto__`.
 * Signed documents here carry whole numbers only, so fractions and exponents are refused as well.
 */

const DEPTH_MAX = 8;
const INTEGER = /-?(?:0|[1-9][0-9]*)(?![0-9.eE])/y;
/** Unrolled, so that a long string costs no backtracking frame per character: the naive form runs out of stack on one. */
const STRING = /"[^"\\\u0000-\u001f]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\u0000-\u001f]*)*"/y;
const SPACE = /[ \t\n\r]*/y;

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

export class StrictJsonError extends Error {
  override readonly name = "StrictJsonError";
}

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  document(): Json {
    const value = this.#value(0);
    this.#take(SPACE);
    if (this.#at !== this.#text.length) throw new StrictJsonError("there is text after the document");
    return value;
  }

  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  #skip(mark: string): boolean {
    this.#take(SPACE);
    if (!this.#text.startsWith(mark, this.#at)) return false;
    this.#at += mark.length;
    return true;
  }

  #value(depth: number): Json {
    if (depth > DEPTH_MAX) throw new StrictJsonError(`it is nested deeper than ${DEPTH_MAX} levels`);
    if (this.#skip("{")) return this.#object(depth);
    if (this.#skip("[")) return this.#array(depth);
    if (this.#skip("true")) return true;
    if (this.#skip("false")) return false;
    if (this.#skip("null")) return null;
    return this.#text[this.#at] === '"' ? this.#string() : this.#integer();
  }

  #object(depth: number): Json {
    const members = new Map<string, Json>();
    if (this.#skip("}")) return {};
    do {
      this.#take(SPACE);
      const name = this.#string();
      if (name === "__proto__") throw new StrictJsonError("the member name __proto__ is not allowed");
      if (members.has(name)) throw new StrictJsonError("a member name is repeated");
      if (!this.#skip(":")) throw new StrictJsonError("a colon is missing after a member name");
      members.set(name, this.#value(depth + 1));
    } while (this.#skip(","));
    if (!this.#skip("}")) throw new StrictJsonError("an object is not closed");
    return Object.fromEntries(members);
  }

  #array(depth: number): Json {
    const items: Json[] = [];
    if (this.#skip("]")) return items;
    do items.push(this.#value(depth + 1));
    while (this.#skip(","));
    if (!this.#skip("]")) throw new StrictJsonError("an array is not closed");
    return items;
  }

  #string(): string {
    const literal = this.#take(STRING);
    if (literal === undefined) throw new StrictJsonError("a string was expected");
    const value: unknown = JSON.parse(literal);
    if (typeof value !== "string" || !value.isWellFormed()) throw new StrictJsonError("a string has a lone surrogate");
    return value;
  }

  #integer(): number {
    const literal = this.#take(INTEGER);
    const value = Number(literal);
    if (literal === undefined || literal === "-0" || !Number.isSafeInteger(value)) {
      throw new StrictJsonError("a whole number within 53 bits was expected");
    }
    return value;
  }
}

function isStrictName(name: string): boolean {
  return name !== "__proto__" && name.isWellFormed();
}

function isStrict(value: unknown, depth: number): value is Json {
  if (depth > DEPTH_MAX) return false;
  if (typeof value === "number") return Number.isSafeInteger(value);
  if (typeof value === "string") return value.isWellFormed();
  if (typeof value !== "object" || value === null) return true;
  if (Array.isArray(value)) return value.every((item) => isStrict(item, depth + 1));
  return Object.entries(value).every(([name, item]) => isStrictName(name) && isStrict(item, depth + 1));
}

/**
 * The document, when `text` is spelled exactly as `JSON.stringify` would spell it again; undefined otherwise.
 *
 * What comes out unchanged has no space, no repeated name and no second spelling of a number, so only the values have to
 * be looked at. It is how our own signers write, and ten times faster than the reader, whose messages say what is wrong.
 */
function findCanonical(text: string): Json | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  return JSON.stringify(value) === text && isStrict(value, 0) ? value : undefined;
}

/** Parses `bytes` as one JSON document. Throws {@link StrictJsonError}, whose message names the rule that was broken. */
export function parseStrictJson(bytes: Uint8Array): Json {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new StrictJsonError("it is not valid UTF-8", { cause });
  }
  const canonical = findCanonical(text);
  return canonical === undefined ? new Reader(text).document() : canonical;
}
