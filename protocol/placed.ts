/**
 * Errors that say where a wrong value stands.
 *
 * @module
 */

/**
 * Runs a parser of a value at a place, such as the name of an option.
 *
 * @throws {RangeError} the parser's error, with the place before its message.
 */
export function placed<T>(place: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw new RangeError(`${place}: ${(error as Error).message}`);
  }
}
