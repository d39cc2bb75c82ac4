/**
 * Waiting in tests, never for longer than {@linkcode PATIENCE}.
 *
 * @module
 */

import { deadline } from "@std/async/deadline";
import { delay } from "@std/async/delay";

/** How long a test waits before it gives up, in milliseconds. Machines may be busy. */
export const PATIENCE = 20_000;

/** Resolves once `holds` returns true; rejects with `what` after `patience` milliseconds. */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  patience: number = PATIENCE,
): Promise<void> {
  const end = performance.now() + patience;
  while (!await holds()) {
    if (performance.now() > end) throw new Error(`timed out waiting until ${what}`);
    await delay(2);
  }
}

/** Keeps a rejection from ending the test before it is awaited. */
export function awaitedLater<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}

/** Items in the order of their arrival, to be awaited one by one. */
export class Inbox<T> {
  readonly #items: T[] = [];
  #taker: PromiseWithResolvers<T> | undefined;

  /** Adds an item. */
  put(item: T): void {
    if (this.#taker === undefined) this.#items.push(item);
    else this.#taker.resolve(item);
    this.#taker = undefined;
  }

  /** Takes the next item, once it has arrived. */
  next(): Promise<T> {
    if (this.#items.length > 0) return Promise.resolve(this.#items.shift()!);
    this.#taker = Promise.withResolvers();
    return deadline(this.#taker.promise, PATIENCE);
  }

  /** Takes the next `count` items. */
  async take(count: number): Promise<T[]> {
    const items: T[] = [];
    while (items.length < count) items.push(await this.next());
    return items;
  }

  /** How many items were not taken yet. */
  get size(): number {
    return this.#items.length;
  }
}
