/**
 * What every assertion of this package throws.
 *
 * @example
 * ```ts
 * import { AssertionError } from "@std/assert";
 *
 * const error = new AssertionError("not what was expected");
 * console.assert(error.name === "AssertionError");
 * ```
 */
export class AssertionError extends Error {
  /** Makes the error; `message` says what does not hold. */
  constructor(message: string) {
    super(message);
    this.name = "AssertionError";
  }
}
