/**
 * JSON Pointers (RFC 6901).
 *
 * @module
 */

/** Finds a value in a JSON value; undefined if it is not there. */
export type Pointer = (value: unknown) => unknown;

/**
 * Parses a JSON Pointer, such as `/params/0`. The empty one points to the whole value.
 *
 * @throws {RangeError} if the text is not a JSON Pointer.
 */
export function parsePointer(text: string): Pointer {
  if (!/^(?:\/(?:[^~/]|~[01])*)*$/.test(text)) {
    throw new RangeError(
      `expected a JSON Pointer, such as /params/0, got ${JSON.stringify(text)}`,
    );
  }
  const names = text.split("/").slice(1)
    .map((name) => name.replaceAll("~1", "/").replaceAll("~0", "~"));
  return (value) => {
    for (const name of names) {
      const isThere = Array.isArray(value)
        ? /^(?:0|[1-9]\d*)$/.test(name)
        : typeof value === "object" && value !== null && Object.hasOwn(value, name);
      if (!isThere) return undefined;
      value = (value as Record<string, unknown>)[name];
    }
    return value;
  };
}
