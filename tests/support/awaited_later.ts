/**
 * Promises that reject before a test gets round to them.
 *
 * @module
 */

/** Keeps a rejection from ending the test before it is awaited. */
export function awaitedLater<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}
