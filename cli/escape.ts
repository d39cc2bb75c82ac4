/**
 * Text from a peer, made safe for a terminal.
 *
 * @module
 */

/** What terminals obey, and what hides or turns text around, if it is not escaped. */
// deno-lint-ignore no-control-regex -- control characters are what it is for
const UNSAFE = /[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/**
 * Escapes what is unsafe as JSON does, `\u001b`; so JSON text on one line stays JSON, of the same value.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { escapeControls } from "./escape.ts";
 *
 * assertEquals(escapeControls("red: \x1b[31m"), "red: \\u001b[31m");
 * ```
 */
export function escapeControls(text: string): string {
  return text.replace(
    UNSAFE,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
