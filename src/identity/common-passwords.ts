/**
 * Passwords that are guessed first: a list inside the executable, and the habits by which people bend a word.
 *
 * Guessing through the door is slow, so what counts is not how long a search takes but whether the password is among
 * the first few thousand that anybody tries (NIST SP 800-63B section 5.1.1.2). No network is asked.
 */
import list from "./common-passwords.txt" with { type: "text" };

const habits: Readonly<Record<string, string>> = { "@": "a", "4": "a", "3": "e", "1": "i", "!": "i", "0": "o", $: "s", "5": "s", "7": "t" };
/** What people hang on when they are asked for a digit and a sign. */
const ENDING = /[^\p{L}]{1,6}$/u;
const UNIT_CHARACTERS_MAX = 4;
const RUN_CHARACTERS_MIN = 3;
const rows = ["1234567890", "0123456789", "qwertyuiop", "qwertzuiop", "azertyuiop", "asdfghjkl", "zxcvbnm", "yxcvbnm", "abcdefghijklmnopqrstuvwxyz"];
const runs = rows.flatMap((row) => [row, [...row].reverse().join("")]);

let known: ReadonlySet<string> | undefined;

function isListed(text: string): boolean {
  known ??= new Set(list.split("\n"));
  return text !== "" && known.has(text);
}

/** `text` without the signs that stand for letters. */
function plain(text: string): string {
  return text.replace(/[@43!10$57]/g, (sign) => habits[sign] ?? sign);
}

/** The shortest text that `text` is repetitions of. */
function unitOf(text: string): string {
  return text.slice(0, (text + text).indexOf(text, 1));
}

/** The length of the longest run over a row of the keyboard, or of one and the same sign, that `text` begins with. */
function runLength(text: string): number {
  let same = 1;
  while (same < text.length && text.charAt(same) === text.charAt(0)) same += 1;
  let length = same;
  while (length < text.length && runs.some((run) => run.includes(text.slice(0, length + 1)))) length += 1;
  return length;
}

/** Whether `text` is nothing but runs: `qwerty123`, `1234asdf`, `aaa111`. */
function isRuns(text: string): boolean {
  let rest = text;
  while (rest !== "") {
    const length = runLength(rest);
    if (length < RUN_CHARACTERS_MIN) return false;
    rest = rest.slice(length);
  }
  return true;
}

/** Eight digits that are a day of somebody's life, in any order of day, month and year. */
function isDate(text: string): boolean {
  const [day, month, year] = ["(0[1-9]|[12]\\d|3[01])", "(0[1-9]|1[0-2])", "(19|20)\\d\\d"];
  return new RegExp(`^(${day}${month}${year}|${month}${day}${year}|${year}${month}${day})$`).test(text);
}

/** True when `password` is one that everybody guesses, in whatever case and with the usual signs and endings. */
export function isCommonPassword(password: string): boolean {
  const folded = password.normalize("NFKC").toLowerCase().trim();
  const unit = unitOf(folded);
  if (unit.length <= UNIT_CHARACTERS_MAX || isListed(unit) || isRuns(folded) || isDate(folded)) return true;
  const stem = folded.replace(ENDING, "");
  return [folded, plain(folded), stem, plain(stem), plain(folded).replace(ENDING, "")].some(isListed);
}
