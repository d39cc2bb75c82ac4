/**
 * What has arrived and what will, in the order of arrival.
 *
 * @module
 */

import { deadline } from "@std/async/deadline";
import { PATIENCE } from "./until.ts";

/** Items are put in as they come, and taken as they are wanted. */
export class Inbox<T> {
  readonly #items: T[] = [];
  #taker: PromiseWithResolvers<T> | undefined;

  /** Puts an item in. */
  put(item: T): void {
    if (this.#taker === undefined) this.#items.push(item);
    else this.#taker.resolve(item);
    this.#taker = undefined;
  }

  /** Whatever comes next; rejects if that takes too long. */
  next(): Promise<T> {
    if (this.#items.length > 0) return Promise.resolve(this.#items.shift()!);
    this.#taker = Promise.withResolvers();
    return deadline(this.#taker.promise, PATIENCE);
  }

  /** The next `count` items. */
  async take(count: number): Promise<T[]> {
    const items: T[] = [];
    while (items.length < count) items.push(await this.next());
    return items;
  }

  /** How many have arrived and were not taken. */
  get size(): number {
    return this.#items.length;
  }
}
