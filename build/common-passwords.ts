/**
 * `bun build/common-passwords.ts`: writes `src/identity/common-passwords.txt`, the list of what people choose first.
 *
 * The words are names, animals, clubs, places, months and the usual favourites; each also stands behind the openings
 * that people put before a word. Runs over the keyboard, repeats, years and digits at the end are rules in
 * `src/identity/common-passwords.ts`, so that they need no lines here.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const openings = ["", "my", "ilove", "the"];
const CHARACTERS_MIN = 4;

/** The text of the list: folded words, sorted, each once. */
export function commonPasswords(words: string): string {
  const all = words
    .normalize("NFKC")
    .toLowerCase()
    .split(/\s+/)
    // Digits at the end are a rule's, unless nothing else would be left.
    .map((word) => (/^\D{4,}\d+$/.test(word) ? word.replace(/\d+$/, "") : word))
    .flatMap((word) => openings.map((opening) => opening + word))
    .filter((word) => word.length >= CHARACTERS_MIN);
  return `${[...new Set(all)].toSorted().join("\n")}\n`;
}

if (import.meta.main) {
  const root = join(import.meta.dirname, "..");
  const words = readFileSync(join(root, "build/common-password-words.txt"), "utf8");
  writeFileSync(join(root, "src/identity/common-passwords.txt"), commonPasswords(words));
}
