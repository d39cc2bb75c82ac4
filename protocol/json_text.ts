/**
 * Splits valid JSON text without parsing it, which keeps its order and spelling: objects in
 * JavaScript put names such as `10` first.
 *
 * @module
 */

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** The longest string, in UTF-16 units, whose end a loop finds sooner than `indexOf()`. */
const NEAR = 12;

/** Returns the texts of the members of a JSON object, or of the elements of an array. */
export function splitTopLevel(json: string): string[] {
  const text = json.trim();
  const parts: string[] = [];
  let depth = 0;
  let at = 1;
  for (let i = 1; i < text.length - 1; i++) {
    const char = text[i];
    if (char === '"') i = endOfString(text, i + 1);
    else if (char === "{" || char === "[") depth++;
    else if (char === "}" || char === "]") depth--;
    else if (char === "," && depth === 0) {
      parts.push(text.slice(at, i).trim());
      at = i + 1;
    }
  }
  const last = text.slice(at, -1).trim();
  if (last !== "") parts.push(last);
  return parts;
}

/** Returns the members of a JSON object: each name, and the text of its value. */
export function membersOf(json: string): [name: string, value: string][] {
  return splitTopLevel(json).map((member) => {
    const end = endOfString(member, 1) + 1;
    return [JSON.parse(member.slice(0, end)), member.slice(member.indexOf(":", end) + 1).trim()];
  });
}

/** Returns the index of the closing quote of a string, from the index of a unit or escape in it. */
export function endOfString(text: string, at: number): number {
  let near = at + NEAR;
  for (let i = at; i < near; i++) {
    const unit = text.charCodeAt(i);
    if (unit === QUOTE) return i;
    if (unit === BACKSLASH) near = ++i + NEAR;
  }
  let end = text.indexOf('"', near);
  while (isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end;
}

/** Whether an odd number of backslashes precedes `at`. */
function isEscaped(text: string, at: number): boolean {
  let first = at;
  while (text.charCodeAt(first - 1) === BACKSLASH) first--;
  return (at - first) % 2 === 1;
}
