/**
 * Conversion elsewhere: requests are handed over to be converted by others, such as processes on other
 * machines, while what is due and to whom stays here.
 *
 * @module
 */

const NONE = -1;

/** Tells, by a request's key, what has become of it. A key that is not in flight any more does no harm. */
export interface Told {
  /**
   * The request is in safe hands, and counts as accepted.
   *
   * @param ticket what {@linkcode Elsewhere.drop} would need; −1 if that would do nothing.
   * @returns whether anybody still waits for it.
   */
  accepted(key: string, ticket: number): boolean;
  /** The request has no room there, or could not be brought there in time. */
  refused(key: string): void;
  /** The request was converted: the JSON text of its representation. Early or late, once or more. */
  converted(key: string, representation: string): void;
  /** The request could not be converted. */
  failed(key: string, error: unknown): void;
}

/** Converts requests in place of this process. */
export interface Elsewhere {
  /** The most bytes of data that a request may have. */
  readonly longest: number;
  /** Whether it would take another request on. */
  readonly hasRoom: boolean;
  /** Whether it can be reached. */
  readonly isReachable: boolean;
  /** Called once, before anything else. */
  begin(told: Told): void;
  /**
   * Takes a request on, whose data is `source[at .. end]`, as JSON text without its quotes; it is to be
   * converted after `delay` milliseconds, or a little sooner. Throws nothing.
   */
  take(key: string, source: Uint8Array, at: number, end: number, delay: number): void;
  /** Nobody waits any more for a request that was accepted with this ticket. */
  drop(ticket: number): void;
}

/** What is known of the requests that were handed over, by their entries in flight. */
export class HandedOver {
  /** Tells the requests apart that have the same entry one after the other; 0 for none. */
  #serials = new Float64Array(1024);
  /** −1 for those that do not count as accepted yet. */
  #tickets = new Float64Array(1024);
  #accepted = new Uint8Array(1024);
  /** When those whose delay is over were due; −1 for the others. */
  #due = new Float64Array(1024);
  /** Of those that were converted before they were due. */
  readonly #representations = new Map<number, string>();
  #lastSerial = 0;

  /** Adds a request; returns its key, which no other has had or will have. */
  add(entry: number): string {
    if (entry >= this.#serials.length) this.#grow(entry);
    this.#serials[entry] = ++this.#lastSerial;
    this.#tickets[entry] = NONE;
    this.#accepted[entry] = 0;
    this.#due[entry] = NONE;
    return `${entry}-${this.#lastSerial}`;
  }

  /** The entry of the request that has this key, or −1 if it is not in flight any more. */
  find(key: string): number {
    const [entry, serial] = key.split("-").map(Number);
    return serial! > 0 && this.#serials[entry!] === serial ? entry! : NONE;
  }

  /** Takes a request out. */
  remove(entry: number): void {
    this.#serials[entry] = 0;
    this.#representations.delete(entry);
  }

  /** Makes a request count as accepted. */
  accept(entry: number, ticket: number): void {
    this.#accepted[entry] = 1;
    this.#tickets[entry] = ticket;
  }

  /** Whether a request counts as accepted. */
  isAccepted(entry: number): boolean {
    return this.#accepted[entry] === 1;
  }

  /** The ticket of a request, or −1. */
  ticket(entry: number): number {
    return this.#tickets[entry]!;
  }

  /** Notes that a request's delay is over, since the time `due`. */
  setDue(entry: number, due: number): void {
    this.#due[entry] = due;
  }

  /** When a request was due whose delay is over. */
  due(entry: number): number {
    return this.#due[entry]!;
  }

  /** Whether a request's delay is over. */
  isDue(entry: number): boolean {
    return this.#due[entry] !== NONE;
  }

  /** Keeps what a request was converted to. */
  setRepresentation(entry: number, representation: string): void {
    this.#representations.set(entry, representation);
  }

  /** What a request was converted to, if it was. */
  representation(entry: number): string | undefined {
    return this.#representations.get(entry);
  }

  #grow(entry: number): void {
    const length = 2 * Math.max(entry, this.#serials.length);
    this.#serials = copyTo(new Float64Array(length), this.#serials);
    this.#tickets = copyTo(new Float64Array(length), this.#tickets);
    this.#accepted = copyTo(new Uint8Array(length), this.#accepted);
    this.#due = copyTo(new Float64Array(length), this.#due);
  }
}

function copyTo<T extends Float64Array | Uint8Array>(array: T, from: T): T {
  array.set(from);
  return array;
}
