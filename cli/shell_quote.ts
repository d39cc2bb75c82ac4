/**
 * Quotes words of a command line for a shell.
 *
 * @module
 */

import { escapeControls } from "./terminal/escape.ts";

/**
 * Quotes a word for bash, zsh and other POSIX shells if it needs quotes. The result is safe to print,
 * since control characters become octal escapes in the quotes `$'…'`.
 */
export function shellQuote(word: string): string {
  if (/^[\w%+,./:@-][\w%+,./:=@-]*$/.test(word)) return word;
  if (escapeControls(word) === word) return `'${word.replaceAll("'", `'\\''`)}'`;
  return `$'${Array.from(word, escapeOne).join("")}'`;
}

function escapeOne(char: string): string {
  if (char === "'" || char === "\\") return `\\${char}`;
  if (escapeControls(char) === char) return char;
  const bytes = new TextEncoder().encode(char);
  return Array.from(bytes, (byte) => `\\${byte.toString(8).padStart(3, "0")}`).join("");
}
