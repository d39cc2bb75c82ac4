/**
 * Finds where a JSON string ends, without parsing it.
 *
 * @module
 */

const SPACE = 0x20;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const ZERO = 0x30;
const ONE = 0x31;
const LOWER_U = 0x75;

/** After a backslash: the escapes of two characters that JSON.stringify writes. */
const SHORT_ESCAPES = new Set([...'"\\bfnrt'].map((char) => char.charCodeAt(0)));
/** The second digits that it writes after `\u000`: of the others, some have a short escape. */
const DIGITS_AFTER_0 = new Set([..."01234567bef"].map((char) => char.charCodeAt(0)));
const DIGITS_AFTER_1 = new Set([..."0123456789abcdef"].map((char) => char.charCodeAt(0)));

/** How many bytes behind the end of the text must be there to be read. */
export const SCAN_MARGIN = 4;

/**
 * Returns where the string whose text begins at `at` has its closing quote; or −1 if the string is not
 * valid, or is spelled in another way than JSON.stringify spells it, so that its text as it stands cannot
 * be used in its stead.
 *
 * @param view of the same bytes; behind their text is a 0, and {@linkcode SCAN_MARGIN} bytes in all.
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
 * Whether none of four bytes is a quote, a backslash or a control character: the well-known test for a
 * zero byte in a word, once for each. It may say no without reason, never yes.
 */
function isPlain(word: number): boolean {
  const quotes = word ^ 0x22222222;
  const backslashes = word ^ 0x5c5c5c5c;
  const found = ((quotes - 0x01010101) & ~quotes) |
    ((backslashes - 0x01010101) & ~backslashes) |
    ((word - 0x20202020) & ~word);
  return (found & 0x80808080) === 0;
}

/** The length of the escape at `at`; 0 if JSON.stringify would not write it. */
function escapeLength(bytes: Uint8Array, at: number): number {
  if (SHORT_ESCAPES.has(bytes[at + 1]!)) return 2;
  const isControl = bytes[at + 1] === LOWER_U && bytes[at + 2] === ZERO && bytes[at + 3] === ZERO &&
    (bytes[at + 4] === ZERO && DIGITS_AFTER_0.has(bytes[at + 5]!) ||
      bytes[at + 4] === ONE && DIGITS_AFTER_1.has(bytes[at + 5]!));
  return isControl ? 6 : 0;
}
