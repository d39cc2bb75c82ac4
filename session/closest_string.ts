/**
 * Suggests the closest known word for a typo.
 *
 * @module
 */

/**
 * Returns the known word with the fewest slips from `word`: a letter too many, a missing one, another one,
 * or two swapped ones. It is undefined if all known words have many slips for the length of `word`.
 */
export function closestString(word: string, known: readonly string[]): string | undefined {
  let least = Math.max(1, Math.floor(word.length / 3)) + 1;
  let closest: string | undefined;
  for (const each of known) {
    if (Math.abs(each.length - word.length) >= least) continue;
    const slips = countSlips(word, each);
    if (slips < least) [least, closest] = [slips, each];
  }
  return closest;
}

/** Returns the Damerau–Levenshtein distance, in which no letter slips twice. */
function countSlips(a: string, b: string): number {
  // The distances of all beginnings of `a` from all beginnings of `b`.
  const slips = Array.from({ length: a.length + 1 }, (_, i) => [i]);
  for (let j = 1; j <= b.length; j++) slips[0]!.push(j);
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      const isOther = a[i - 1] !== b[j - 1];
      const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      slips[i]![j] = Math.min(
        slips[i - 1]![j]! + 1,
        slips[i]![j - 1]! + 1,
        slips[i - 1]![j - 1]! + Number(isOther),
        isSwapped ? slips[i - 2]![j - 2]! + 1 : Infinity,
      );
    }
  }
  return slips[a.length]![b.length]!;
}
