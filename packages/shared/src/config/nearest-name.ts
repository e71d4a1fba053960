const LONGEST_NAME = 100;

/**
 * The name that someone most likely meant: equal but for case and separators (`max_size` for `maxSize`), else the one
 * with the fewest slips of the keyboard, provided that they are few for its length. `undefined` when none is near.
 */
export function nearestName(typed: string, names: Iterable<string>): string | undefined {
  // What was pasted is no slip.
  if (typed.length > LONGEST_NAME) return undefined;
  let best: string | undefined;
  let bestSlips = Infinity;
  for (const name of names) {
    if (plain(name) === plain(typed)) return name;
    const slips = slipsBetween(typed.toLowerCase(), name.toLowerCase());
    if (slips < bestSlips) [best, bestSlips] = [name, slips];
  }
  if (best === undefined) return undefined;
  // A third of the name wrong is still a slip; more is another word.
  return bestSlips <= Math.max(1, Math.floor(Math.max(typed.length, best.length) / 3)) ? best : undefined;
}

function plain(name: string): string {
  return name.toLowerCase().replace(/[-_. ]/g, '');
}

/**
 * Damerau–Levenshtein distance (optimal string alignment): insertions, deletions, substitutions and swaps of
 * neighbours, each counting one.
 */
export function slipsBetween(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + (same ? 0 : 1));
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) cost = Math.min(cost, beforeLast[j - 2]! + 1);
      row.push(cost);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length]!;
}
