/**
 * Events that strangers can bring about as often as they like, told so seldom that they fill no log.
 *
 * @module
 */

/** How often an event of one kind is told, in milliseconds. */
const INTERVAL = 1000;

/**
 * Tells the first of its kind at once, then the latest once a second, with how many others there were.
 */
export class RateLimitedLog<T> implements Disposable {
  readonly #tell: (event: T, others: number) => void;
  #latest: T | undefined;
  #count = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param tell what is told, with how many others of its kind were not. */
  constructor(tell: (event: T, others: number) => void) {
    this.#tell = tell;
  }

  /** Takes an event. */
  tell(event: T): void {
    if (this.#timer === undefined) {
      this.#tell(event, 0);
      this.#timer = setTimeout(this.#onTimer, INTERVAL);
    } else {
      this.#latest = event;
      this.#count++;
    }
  }

  /** Tells at once what is left to tell. */
  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#tellLatest();
  }

  #onTimer = (): void => {
    this.#timer = this.#count > 0 ? setTimeout(this.#onTimer, INTERVAL) : undefined;
    this.#tellLatest();
  };

  #tellLatest(): void {
    if (this.#count === 0) return;
    const [latest, others] = [this.#latest!, this.#count - 1];
    this.#latest = undefined;
    this.#count = 0;
    this.#tell(latest, others);
  }
}
