/**
 * When each request is due: a timing wheel.
 *
 * Time is cut into slots of a millisecond, and the slots used in turn as if they stood on the rim of a
 * wheel. Whatever is due in a slot hangs there in a list, so adding and cancelling cost the same however
 * much is waiting, where a heap's cost grows and a timer each costs memory. What is due a full turn
 * later or more hangs in the same slot and is passed over until its turn comes. The lists are links
 * between small integers in typed arrays: nothing is allocated, and a million entries are nothing to the
 * garbage collector.
 *
 * @module
 */

/** A power of two, so that the default delays of 1 to 5 s fit in one turn. */
const SLOTS = 8192;

const NONE = -1;

/**
 * Holds entries, which are small integers of the caller's, until they are due. Time is in milliseconds
 * and only ever what the caller says it is.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { TimingWheel } from "./timing_wheel.ts";
 *
 * const wheel = new TimingWheel();
 * wheel.add(7, 2000);
 * wheel.add(8, 3000);
 * wheel.cancel(8);
 * const due: number[] = [];
 * wheel.advance(1999, (entry) => due.push(entry));
 * assertEquals(due, []);
 * wheel.advance(5000, (entry) => due.push(entry));
 * assertEquals(due, [7]);
 * ```
 */
export class TimingWheel {
  /** How many entries are waiting. */
  size = 0;
  /** Nothing is due before this time; Infinity when nothing is waiting. */
  nextDue = Infinity;

  /** The last millisecond that has been dealt with. */
  #now: number;
  #heads = new Int32Array(SLOTS).fill(NONE);
  #tails = new Int32Array(SLOTS).fill(NONE);
  #next: Int32Array;
  #previous: Int32Array;
  #due: Float64Array;
  /** The entry that advance() looks at next, so that cancel() may be called from within it. */
  #cursor = NONE;

  /**
   * Starts a wheel.
   *
   * @param now the time at which it starts.
   * @param capacity for how many entries there is room from the start: memory that is not used is only
   * reserved, while making more later copies it all.
   */
  constructor(now = 0, capacity = 1024) {
    this.#now = Math.floor(now);
    this.#next = new Int32Array(capacity);
    this.#previous = new Int32Array(capacity);
    this.#due = new Float64Array(capacity);
  }

  /**
   * Adds an entry that is due at time `due`, in the next millisecond if that is past. It comes when that
   * millisecond is over; of those due in the same one, the first added is the first. An entry is added
   * once, until it is due or cancelled.
   */
  add(entry: number, due: number): void {
    if (entry >= this.#due.length) this.#grow(entry);
    const at = due > this.#now ? due : this.#now + 1;
    const tick = Math.ceil(at);
    const slot = slotOf(tick);
    const tail = this.#tails[slot]!;
    this.#due[entry] = at;
    this.#next[entry] = NONE;
    this.#previous[entry] = tail;
    if (tail === NONE) this.#heads[slot] = entry;
    else this.#next[tail] = entry;
    this.#tails[slot] = entry;
    this.size++;
    if (tick < this.nextDue) this.nextDue = tick;
  }

  /** Takes an entry out that was added and is not yet due. */
  cancel(entry: number): void {
    const next = this.#next[entry]!;
    const previous = this.#previous[entry]!;
    if (previous === NONE) this.#heads[slotOf(Math.ceil(this.#due[entry]!))] = next;
    else this.#next[previous] = next;
    if (next === NONE) this.#tails[slotOf(Math.ceil(this.#due[entry]!))] = previous;
    else this.#previous[next] = previous;
    if (this.#cursor === entry) this.#cursor = next;
    if (--this.size === 0) this.nextDue = Infinity;
  }

  /**
   * Moves on to time `now` and calls `onDue` for each entry that has become due, with the time at which
   * it did, by the millisecond of that. A time before the last one changes nothing; after a leap of any
   * length, each entry is still seen once. `onDue` may add and cancel.
   */
  advance(now: number, onDue: (entry: number, due: number) => void): void {
    if (now < this.nextDue) return;
    const end = Math.floor(now);
    let tick = Math.max(this.nextDue, this.#now + 1, end - SLOTS + 1);
    this.nextDue = Infinity;
    this.#now = end;
    for (; tick <= end && this.size > 0; tick++) {
      this.#cursor = this.#heads[slotOf(tick)]!;
      while (this.#cursor !== NONE) {
        const entry = this.#cursor;
        this.#cursor = this.#next[entry]!;
        const due = this.#due[entry]!;
        if (due > end) continue;
        this.cancel(entry);
        onDue(entry, due);
      }
    }
    this.nextDue = this.#findNextDue();
  }

  /** The first slot that holds anything; what it holds may be due a turn later. */
  #findNextDue(): number {
    if (this.size === 0) return Infinity;
    let tick = this.#now + 1;
    while (this.#heads[slotOf(tick)] === NONE) tick++;
    return tick;
  }

  #grow(entry: number): void {
    const length = 2 * Math.max(entry, this.#due.length);
    const [next, previous, due] = [this.#next, this.#previous, this.#due];
    this.#next = new Int32Array(length);
    this.#previous = new Int32Array(length);
    this.#due = new Float64Array(length);
    this.#next.set(next);
    this.#previous.set(previous);
    this.#due.set(due);
  }
}

/** `|` takes the time modulo 2^32, of which SLOTS is a divisor; `%` would work on doubles. */
function slotOf(tick: number): number {
  return (tick | 0) & (SLOTS - 1);
}
