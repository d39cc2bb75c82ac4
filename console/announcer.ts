/**
 * Tells people who listen to a page rather than look at it.
 *
 * @module
 */

/** How long until the next announcement, in milliseconds: what comes meanwhile waits, the last of it. */
const PAUSE = 2000;

/** A live region that is used with moderation. */
export class Announcer {
  readonly #region: HTMLElement;
  #next: string | undefined;
  #isPausing = false;

  constructor(region: HTMLElement) {
    this.#region = region;
  }

  /** Says something, unless something newer comes before it can be said. */
  say(text: string): void {
    this.#next = text;
    if (!this.#isPausing) this.#speak();
  }

  #speak(): void {
    this.#isPausing = this.#next !== undefined;
    if (this.#next === undefined) return;
    this.#region.textContent = this.#next;
    this.#next = undefined;
    setTimeout(() => this.#speak(), PAUSE);
  }
}
