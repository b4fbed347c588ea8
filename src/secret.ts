/**
 * A value that must not be seen: it prints, serialises and logs as dots, so that showing it takes a word of its own.
 *
 * Rule: wrap at the door, `reveal()` only where the secret is used. It must not know what it holds.
 */
import { inspect } from "node:util";

const DOTS = "•••";

export class Secret {
  readonly #value: string;
  readonly #shown: string;

  /** `shown` stands for it in messages, such as a URL whose password is dots. */
  constructor(value: string, shown: string = DOTS) {
    this.#value = value;
    this.#shown = shown;
  }

  /** The secret itself. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return this.#shown;
  }

  toJSON(): string {
    return this.#shown;
  }

  [inspect.custom](): string {
    return this.#shown;
  }
}

/** A URL as a Secret that shows all of it but its password and the values of its query. */
export function secretUrl(text: string): Secret {
  const url = new URL(text);
  if (url.password !== "") url.password = "REDACTED";
  for (const name of new Set(url.searchParams.keys())) url.searchParams.set(name, "REDACTED");
  return new Secret(text, url.href.replaceAll("REDACTED", DOTS));
}
