/**
 * What somebody may have meant who has mistyped.
 *
 * @module
 */

/**
 * The word of those known that takes the fewest slips to become `word`: a letter too many, one missing,
 * another one, or two that have changed places; undefined if none takes only a few for its length.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { closestString } from "./closest_string.ts";
 *
 * assertEquals(closestString("prot", ["port", "quiet"]), "port");
 * assertEquals(closestString("nonsense", ["port", "quiet"]), undefined);
 * ```
 */
export function closestString(word: string, known: readonly string[]): string | undefined {
  let least = Math.max(1, Math.floor(word.length / 3)) + 1;
  let found: string | undefined;
  for (const each of known) {
    // What is much longer is not looked at closely: it takes too many.
    if (Math.abs(each.length - word.length) >= least) continue;
    const slips = slipsBetween(word, each);
    if (slips < least) [least, found] = [slips, each];
  }
  return found;
}

/** The distance of Damerau and Levenshtein, where no letter slips twice. */
function slipsBetween(a: string, b: string): number {
  // Between the beginnings of both, of each length.
  const slips = Array.from({ length: a.length + 1 }, (_, i) => [i]);
  for (let j = 1; j <= b.length; j++) slips[0]![j] = j;
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      const other = a[i - 1] === b[j - 1] ? 0 : 1;
      let least = Math.min(
        slips[i - 1]![j]! + 1,
        slips[i]![j - 1]! + 1,
        slips[i - 1]![j - 1]! + other,
      );
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        least = Math.min(least, slips[i - 2]![j - 2]! + 1);
      }
      slips[i]![j] = least;
    }
  }
  return slips[a.length]![b.length]!;
}
