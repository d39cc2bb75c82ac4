/**
 * A timing wheel, which knows when each request is due.
 *
 * The wheel has a slot for each millisecond and uses its slots in turn. The entries of a slot form
 * a list, so adding and cancelling cost the same however many entries wait, unlike in a heap. An
 * entry that is due a full turn later or more is in the same slot, and is skipped until then. The
 * lists are links in typed arrays, so waiting entries are no work for the garbage collector.
 *
 * @module
 */

/** A power of two; the default delays of 1 to 5 s fit in one turn. */
const SLOTS = 8192;

/** How many entries of later turns to look at to find the next due time: fewer wakeups for little. */
const MOST_LOOKED_AT = 1000;

const NONE = -1;

/** Due time of an entry that does not wait; new arrays are filled with it. */
const NOT_WAITING = 0;

/** Holds entries, which are small integers, until they are due. Times are in milliseconds. */
export class TimingWheel {
  size = 0;
  /** A time before which nothing is due; Infinity when nothing waits. */
  nextDue = Infinity;

  /** The last millisecond whose entries were passed to `onDue`. */
  #now: number;
  #heads = new Int32Array(SLOTS).fill(NONE);
  #tails = new Int32Array(SLOTS).fill(NONE);
  #next: Int32Array;
  #previous: Int32Array;
  #due: Float64Array;
  /** The entry that `advance()` visits next; `onDue` may cancel it. */
  #cursor = NONE;

  /**
   * @param now the time at which it starts.
   * @param capacity entries to reserve memory for; growing later copies all entries.
   */
  constructor(now = 0, capacity = 1024) {
    this.#now = Math.floor(now);
    this.#next = new Int32Array(capacity);
    this.#previous = new Int32Array(capacity);
    this.#due = new Float64Array(capacity);
  }

  /**
   * Adds an entry that does not wait yet and is due at time `due`, or in the next millisecond if
   * that is past. Entries of the same millisecond keep the order in which they were added.
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

  /** Removes an entry, unless it has been due or cancelled already. */
  cancel(entry: number): void {
    if (this.#due[entry] === NOT_WAITING) return;
    const next = this.#next[entry]!;
    const previous = this.#previous[entry]!;
    if (previous === NONE) this.#heads[slotOf(Math.ceil(this.#due[entry]!))] = next;
    else this.#next[previous] = next;
    if (next === NONE) this.#tails[slotOf(Math.ceil(this.#due[entry]!))] = previous;
    else this.#previous[next] = previous;
    this.#due[entry] = NOT_WAITING;
    if (this.#cursor === entry) this.#cursor = next;
    if (--this.size === 0) this.nextDue = Infinity;
  }

  /**
   * Calls `onDue` with each entry that is due by the time `now`, and its due time, in the order of
   * milliseconds. A time before the last one changes nothing. `onDue` may add and cancel entries.
   */
  advance(now: number, onDue: (entry: number, due: number) => void): void {
    // A turn at a time, since the entries of several turns stand in one slot in any order.
    while (now >= this.nextDue) {
      this.#advanceTurn(Math.floor(Math.min(now, this.nextDue + SLOTS - 1)), onDue);
    }
  }

  #advanceTurn(end: number, onDue: (entry: number, due: number) => void): void {
    let tick = this.nextDue;
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
    this.nextDue = this.earliestDue(MOST_LOOKED_AT);
  }

  /**
   * Returns when the next entry is due; Infinity if none waits.
   *
   * @param most after this many entries of later turns, it returns a time before which none is due.
   */
  earliestDue(most = Infinity): number {
    let earliest = Infinity;
    if (this.size === 0) return earliest;
    let lookedAt = 0;
    for (let tick = this.#now + 1; tick <= this.#now + SLOTS; tick++) {
      for (let entry = this.#heads[slotOf(tick)]!; entry !== NONE; entry = this.#next[entry]!) {
        const at = Math.ceil(this.#due[entry]!);
        if (at === tick || ++lookedAt > most) return tick;
        if (at < earliest) earliest = at;
      }
    }
    return earliest;
  }

  /** Returns when the last entry is due; −Infinity if none waits. Looks at all entries. */
  latestDue(): number {
    let latest = -Infinity;
    for (const head of this.#heads) {
      for (let entry = head; entry !== NONE; entry = this.#next[entry]!) {
        latest = Math.max(latest, this.#due[entry]!);
      }
    }
    return latest;
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

/** `|` takes the time modulo 2^32, which SLOTS divides; `%` would work on doubles. */
function slotOf(tick: number): number {
  return (tick | 0) & (SLOTS - 1);
}
