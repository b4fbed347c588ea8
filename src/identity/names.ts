/** Names that people give: to themselves, to teams, to keys. */
import { invalidField } from "../fault.ts";

const NAME_CHARACTERS_MAX = 100;
/** Longer text is not worth normalising: no name of 100 characters needs so many UTF-16 units. */
const UNITS_MAX = 1_000;
/** Control characters and line ends would forge lines in logs and mails; bidirectional overrides make a name read as another. */
const FORBIDDEN = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\u202A-\u202E\u2066-\u2069]/u;

/** `text` trimmed and in one Unicode form (NFC). Throws Fault `invalid_request` naming `field`. */
export function requireName(field: string, text: string): string {
  const name = text.slice(0, UNITS_MAX).normalize("NFC").trim();
  const characters = text.length > UNITS_MAX ? Infinity : [...name].length;
  if (characters < 1 || characters > NAME_CHARACTERS_MAX) throw invalidField(field, `has 1 to ${NAME_CHARACTERS_MAX} characters`);
  if (FORBIDDEN.test(name)) throw invalidField(field, "may not contain control characters or marks that change the direction of writing");
  return name;
}

/** `text` as a name, cut to what a name may have; undefined when nothing is left. For names that other sites tell, which nobody here can correct. */
export function findName(text: string): string | undefined {
  const name = text.slice(0, UNITS_MAX).toWellFormed().normalize("NFC").replace(new RegExp(FORBIDDEN, "gu"), " ").trim();
  return [...name].slice(0, NAME_CHARACTERS_MAX).join("").trim() || undefined;
}
