/**
 * Chance that a test decides.
 *
 * @module
 */

/** Puts a function that returns `value` in the place of `Math.random` until it is disposed. */
export function fixRandom(value: number): Disposable {
  const real = Math.random;
  Math.random = () => value;
  return { [Symbol.dispose]: () => void (Math.random = real) };
}
