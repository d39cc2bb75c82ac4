import { assert, assertEquals, assertLess, assertStrictEquals } from "@std/assert";
import { fc } from "../tests/support/npm_packages.ts";
import { matchesPattern } from "./pattern.ts";

const MATCHES: [pattern: string, texts: string[], others: string[]][] = [
  ["", [""], ["a"]],
  ["*", ["", "a", "a\nb", "*", "\\"], []],
  ["ab", ["ab"], ["", "a", "abc", "xab"]],
  ["a*", ["a", "ab", "a*"], ["", "ba"]],
  ["*a", ["a", "ba", "aba"], ["ab"]],
  ["a*a", ["aa", "aba"], ["a", "ab"]],
  ["*ab*ab*", ["abab", "xabxabx"], ["ab", "aab"]],
  ["a**b", ["ab", "axb"], ["a", "b"]],
  ["\\*", ["*"], ["", "a", "\\*", "**"]],
  ["a\\**", ["a*", "a*b"], ["a", "ab"]],
  ["a\\b", ["a\\b"], ["ab"]],
  ["a\\\\b", ["a\\b"], ["a\\\\b"]],
  ["a\\\\*", ["a\\", "a\\b"], ["a*", "a"]],
  ["a\\\\\\*", ["a\\*"], ["a\\", "a\\b"]],
  ["\\", ["\\"], [""]],
  ["a.c|[b]^$", ["a.c|[b]^$"], ["abc"]],
  ["😀*", ["😀", "😀😀"], ["😁"]],
];

Deno.test("matchesPattern() lets a star stand for any characters, and no other character", () => {
  for (const [pattern, texts, others] of MATCHES) {
    for (const text of texts) assert(matchesPattern(pattern, text), `${pattern} matches ${text}`);
    for (const text of others) assert(!matchesPattern(pattern, text), `${pattern}, not ${text}`);
  }
});

/** The obvious matcher, which may take exponential time. */
function plainMatches(pattern: string, text: string): boolean {
  if (pattern === "") return text === "";
  const isEscaped = /^\\[\\*]/.test(pattern);
  if (pattern[0] === "*") {
    return plainMatches(pattern.slice(1), text) ||
      (text !== "" && plainMatches(pattern, text.slice(1)));
  }
  const [char, rest] = isEscaped ? [pattern[1], pattern.slice(2)] : [pattern[0], pattern.slice(1)];
  return text[0] === char && plainMatches(rest, text.slice(1));
}

Deno.test("matchesPattern() agrees with a plain matcher", () => {
  const text = (characters: string[], maxLength: number) =>
    fc.array(fc.constantFrom(...characters), { maxLength }).map((parts) => parts.join(""));
  let matched = 0;
  fc.assert(
    fc.property(text(["a", "b", "*", "\\"], 8), text(["a", "b", "*", "\\"], 8), (pattern, text) => {
      const matches = plainMatches(pattern, text);
      matched += Number(matches);
      assertStrictEquals(matchesPattern(pattern, text), matches);
    }),
    { seed: 7, numRuns: 20_000 },
  );
  assertLess(500, matched);
});

Deno.test("matchesPattern() takes little time with many stars", () => {
  const start = performance.now();
  const results = ["*a".repeat(1000) + "*b", "*".repeat(10_000) + "b", "a*".repeat(1000) + "\\*"]
    .map((pattern) => matchesPattern(pattern, "a".repeat(1 << 20)));
  assertEquals(results, [false, false, false]);
  assertLess(performance.now() - start, 5000);
});
