/**
 * Patterns in which `*` stands for any characters, `\*` for a star, and `\\` for a backslash.
 *
 * @module
 */

/**
 * Whether a text matches a pattern as a whole. Takes time in proportion to the text, whatever the
 * pattern is, unlike a regular expression.
 */
export function matchesPattern(pattern: string, text: string): boolean {
  if (!/[*\\]/.test(pattern)) return text === pattern;
  const parts = [""];
  for (const [token] of pattern.matchAll(/\\[\\*]|\\|\*|[^\\*]+/g)) {
    if (token === "*") parts.push("");
    else parts[parts.length - 1] += token.startsWith("\\") ? token.at(-1)! : token;
  }
  if (parts.length === 1) return text === parts[0];
  const first = parts[0]!;
  const last = parts.at(-1)!;
  const end = text.length - last.length;
  if (!text.startsWith(first) || !text.endsWith(last) || first.length > end) return false;
  let at = first.length;
  for (const part of parts.slice(1, -1)) {
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return at <= end;
}
