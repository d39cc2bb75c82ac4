/**
 * Finds the end of a JSON string without parsing it.
 *
 * @module
 */

const SPACE = 0x20;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const ZERO = 0x30;
const ONE = 0x31;
const LOWER_U = 0x75;

/** The second characters of the short escapes that `JSON.stringify()` writes. */
const SHORT_ESCAPES = new Set([...'"\\bfnrt'].map((char) => char.charCodeAt(0)));
/** The digits that it writes after `\u000`; the other control characters have a short escape. */
const DIGITS_AFTER_0 = new Set([..."01234567bef"].map((char) => char.charCodeAt(0)));
const DIGITS_AFTER_1 = new Set([..."0123456789abcdef"].map((char) => char.charCodeAt(0)));

/** The number of bytes after the end of the text that must exist, since the scan reads them. */
export const SCAN_MARGIN = 4;

/**
 * Returns the index of the closing quote of the string whose text begins at `at`, or −1 if the
 * string is not exactly as `JSON.stringify()` writes it.
 *
 * @param bytes the text, followed by a 0 and in all {@linkcode SCAN_MARGIN} bytes.
 * @param view a view of the same bytes.
 */
export function canonicalStringEnd(bytes: Uint8Array, view: DataView, at: number): number {
  let i = at;
  while (true) {
    while (isPlain(view.getInt32(i, true))) i += 4;
    const byte = bytes[i]!;
    if (byte === QUOTE) return i;
    if (byte < SPACE) return -1;
    if (byte !== BACKSLASH) {
      i++;
      continue;
    }
    const length = escapeLength(bytes, i);
    if (length === 0) return -1;
    i += length;
  }
}

/**
 * Whether none of four bytes is a quote, a backslash or a control character: the well-known test
 * for a zero byte in a word, once for each. May return false for no reason, but never true.
 */
function isPlain(word: number): boolean {
  const quotes = word ^ 0x22222222;
  const backslashes = word ^ 0x5c5c5c5c;
  const found = ((quotes - 0x01010101) & ~quotes) |
    ((backslashes - 0x01010101) & ~backslashes) |
    ((word - 0x20202020) & ~word);
  return (found & 0x80808080) === 0;
}

/** Returns the length of the escape at `at`, or 0 if `JSON.stringify()` would not write it. */
function escapeLength(bytes: Uint8Array, at: number): number {
  if (SHORT_ESCAPES.has(bytes[at + 1]!)) return 2;
  const isControl = bytes[at + 1] === LOWER_U && bytes[at + 2] === ZERO && bytes[at + 3] === ZERO &&
    (bytes[at + 4] === ZERO && DIGITS_AFTER_0.has(bytes[at + 5]!) ||
      bytes[at + 4] === ONE && DIGITS_AFTER_1.has(bytes[at + 5]!));
  return isControl ? 6 : 0;
}
