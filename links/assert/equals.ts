import { strict } from "node:assert";
import { refuse, show } from "./_refuse.ts";
import { equal } from "./equal.ts";

/**
 * Checks that two values have the same content, as {@linkcode equal} sees it.
 *
 * @param actual The value there is.
 * @param expected The value there should be.
 * @param msg Text to add to the error.
 * @throws {AssertionError} If the contents differ; its message shows the differing lines.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals({ name: "demo", tags: ["a"] }, { name: "demo", tags: ["a"] });
 * ```
 */
export function assertEquals<T>(actual: T, expected: T, msg?: string): void {
  if (equal(actual, expected)) return;
  try {
    strict.deepEqual(actual, expected); // for its message, which shows the differing lines
  } catch (error) {
    const difference = (error as Error).message.replace(/^.*\n/, "");
    refuse(msg ? `Contents differ: ${msg}` : "Contents differ", difference);
  }
  // What differs is out of Node's sight, as the value behind a getter is.
  refuse(`Contents differ: ${show(actual)} and ${show(expected)}`, msg);
}
