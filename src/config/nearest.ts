/** Which known name a mistyped one was meant to be. Pure. */

/** Further apart than so many edits, a suggestion would be a guess. */
const EDITS_MAX = 3;

/** Edits (insert, remove, replace, swap of neighbours) between two names: the restricted Damerau-Levenshtein distance. */
function edits(a: string, b: string): number {
  let before: readonly number[] = [];
  let last: readonly number[] = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const line = [row];
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1];
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      const replaced = (last[column - 1] ?? 0) + (same ? 0 : 1);
      const best = Math.min((last[column] ?? 0) + 1, (line[column - 1] ?? 0) + 1, replaced);
      line.push(swapped ? Math.min(best, (before[column - 2] ?? 0) + 1) : best);
    }
    before = last;
    last = line;
  }
  return last[b.length] ?? 0;
}

/** The known name closest to `name`, or undefined when none is close. */
export function findNearest(name: string, known: readonly string[]): string | undefined {
  const limit = Math.min(EDITS_MAX, Math.floor(name.length / 3));
  const [best] = known
    .map((candidate) => ({ candidate, distance: edits(name, candidate) }))
    .filter(({ distance }) => distance <= limit)
    .sort((one, other) => one.distance - other.distance);
  return best?.candidate;
}
