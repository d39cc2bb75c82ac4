/**
 * Acknowledgements of all kinds, sent together.
 *
 * After each, the NATS server looks anew for what is due next, but only once it has heard no more for 10 ms,
 * and where much waits, it puts that off by 100 ms as long as more come in. Sent one by one, under load they
 * keep it from ever getting there, and nothing falls due. So all gateways and workers send theirs at the
 * same moments, by the clock on the wall, and leave it in peace in between.
 *
 * @module
 */

/** How far apart the moments are, in milliseconds. */
const TICK = 100;

/** Collects items, and hands them over at the next moment. */
export class Batch<T> {
  readonly #send: (items: T[]) => void;
  #items: T[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param send gets what was collected. */
  constructor(send: (items: T[]) => void) {
    this.#send = send;
  }

  /** Adds an item. */
  add(item: T): void {
    this.#items.push(item);
    this.#timer ??= setTimeout(this.flush, TICK - Date.now() % TICK);
  }

  /** Hands over now what was collected. */
  flush = (): void => {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const items = this.#items;
    this.#items = [];
    if (items.length > 0) this.#send(items);
  };
}
