/**
 * Sends acknowledgements together.
 *
 * After each acknowledgement, the NATS server looks for the next due message, but only once no other
 * has come for 10 ms. If many messages wait, each acknowledgement postpones that by 100 ms. Under
 * load, single acknowledgements would postpone it forever. So all gateways and workers send theirs at
 * the same moments of the wall clock.
 *
 * @module
 */

/** Time between two such moments, in milliseconds. */
const PERIOD = 100;

/** Collects items, and passes them on at the next moment. */
export class Batch<T> {
  readonly #send: (items: T[]) => void;
  #items: T[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param send gets the collected items. */
  constructor(send: (items: T[]) => void) {
    this.#send = send;
  }

  /** Adds an item. */
  add(item: T): void {
    this.#items.push(item);
    this.#timer ??= setTimeout(this.flush, PERIOD - Date.now() % PERIOD);
  }

  /** Passes on the collected items now. */
  flush = (): void => {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const items = this.#items;
    this.#items = [];
    if (items.length > 0) this.#send(items);
  };
}
