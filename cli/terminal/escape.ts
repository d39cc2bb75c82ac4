/**
 * Text from others, or from the command line, made safe for a terminal.
 *
 * @module
 */

/** What terminals obey, and what is invisible or reorders the text around it; also lone surrogates. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

/**
 * Escapes what is unsafe as JSON does, `\u001b`; so JSON text on one line stays JSON, of the same value.
 */
export function escapeControls(text: string): string {
  return text.replace(UNSAFE, (character) => {
    const units = Array.from(
      { length: character.length },
      (_, i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, "0")}`,
    );
    return units.join("");
  });
}
