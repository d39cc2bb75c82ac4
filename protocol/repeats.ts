/**
 * Finds names that repeat among the members of a JSON object, and gathers their values in arrays.
 *
 * @module
 */

import { secretHash } from "./secret_hash.ts";

const COMMA = 0x2c;
const BRACKET_OPEN = 0x5b;
const BRACKET_CLOSE = 0x5d;

const NONE = -1;

/** Up to this many names, comparing them one by one is faster than a hash table. */
const FEW = 32;

/** A buffer for the members in their new order. */
let rearranged = new Uint8Array(4096);

/**
 * The members of one JSON object in a buffer: `"name":value`, separated by single commas. Their
 * positions are in typed arrays, which the next object reuses, so that adding a member allocates
 * nothing.
 */
export class Members {
  count = 0;
  /** Whether any name repeats; only then are the chains below valid. */
  repeats = false;

  /** The start and end of each name, without quotes. */
  #nameAt = new Int32Array(FEW);
  #nameEnd = new Int32Array(FEW);
  /** Compared before names: their length and two bytes among few members, their hash among many. */
  #mark = new Int32Array(FEW);
  /** A bit for each of 32 kinds of marks: among few members, most names are the first of a kind. */
  #kinds = 0;
  /** The next member of the same name, or none. */
  #next = new Int32Array(FEW);
  /** For the first member of a name, the last member of that name; none for the others. */
  #last = new Int32Array(FEW);
  /** A hash table with open addressing: index + 1 of the first member of a name, or 0. */
  #buckets = new Int32Array(0);
  #mask = 0;

  clear(): void {
    this.count = 0;
    this.repeats = false;
    this.#kinds = 0;
  }

  /** Adds the member whose name is `text[nameAt .. nameEnd]`. */
  add(text: Uint8Array, nameAt: number, nameEnd: number): void {
    const index = this.count++;
    if (index >= FEW) return this.#addToMany(text, nameAt, nameEnd, index);
    const length = nameEnd - nameAt;
    const mark = (length << 16) ^ (text[nameAt]! << 8) ^ text[nameEnd - 1]!;
    const marks = this.#mark;
    this.#nameAt[index] = nameAt;
    this.#nameEnd[index] = nameEnd;
    marks[index] = mark;
    const kind = 1 << (mark ^ (mark >> 8) ^ (mark >> 16));
    if ((this.#kinds & kind) === 0) {
      this.#kinds |= kind;
    } else {
      for (let i = 0; i < index; i++) {
        if (marks[i] === mark && this.#isNamed(i, text, nameAt, length)) {
          return this.#chain(index, i);
        }
      }
    }
    if (this.repeats) this.#chain(index, NONE);
  }

  #addToMany(text: Uint8Array, nameAt: number, nameEnd: number, index: number): void {
    if (index === this.#nameAt.length) this.#grow();
    if (index === FEW) this.#rehash(text, index, 8 * FEW);
    else if (2 * index > this.#mask) this.#rehash(text, index, 4 * (this.#mask + 1));
    const mark = secretHash(text, nameAt, nameEnd);
    this.#nameAt[index] = nameAt;
    this.#nameEnd[index] = nameEnd;
    this.#mark[index] = mark;
    for (let bucket = mark & this.#mask;; bucket = (bucket + 1) & this.#mask) {
      const i = this.#buckets[bucket]! - 1;
      if (i === NONE) {
        this.#buckets[bucket] = index + 1;
        break;
      }
      if (this.#mark[i] === mark && this.#isNamed(i, text, nameAt, nameEnd - nameAt)) {
        return this.#chain(index, i);
      }
    }
    if (this.repeats) this.#chain(index, NONE);
  }

  #isNamed(index: number, text: Uint8Array, nameAt: number, length: number): boolean {
    const at = this.#nameAt[index]!;
    if (this.#nameEnd[index]! - at - length !== 0) return false;
    for (let i = 0; i < length; i++) {
      if (text[at + i] !== text[nameAt + i]) return false;
    }
    return true;
  }

  /** Fills a table of `size` with the first member of each name before `index`. */
  #rehash(text: Uint8Array, index: number, size: number): void {
    if (this.#buckets.length < size) this.#buckets = new Int32Array(size);
    else this.#buckets.fill(0, 0, size);
    this.#mask = size - 1;
    for (let i = 0; i < index; i++) {
      if (index === FEW) this.#mark[i] = secretHash(text, this.#nameAt[i]!, this.#nameEnd[i]!);
      if (this.repeats && this.#last[i] === NONE) continue;
      let bucket = this.#mark[i]! & this.#mask;
      while (this.#buckets[bucket] !== 0) bucket = (bucket + 1) & this.#mask;
      this.#buckets[bucket] = i + 1;
    }
  }

  #grow(): void {
    const doubled = (array: Int32Array<ArrayBuffer>) => {
      const twice = new Int32Array(2 * array.length);
      twice.set(array);
      return twice;
    };
    this.#nameAt = doubled(this.#nameAt);
    this.#nameEnd = doubled(this.#nameEnd);
    this.#mark = doubled(this.#mark);
    this.#next = doubled(this.#next);
    this.#last = doubled(this.#last);
  }

  /** Adds member `index` to the chain that starts at `first`, or with none to a new chain. */
  #chain(index: number, first: number): void {
    if (!this.repeats) {
      this.repeats = true;
      for (let i = 0; i < index; i++) {
        this.#next[i] = NONE;
        this.#last[i] = i;
      }
    }
    this.#next[index] = NONE;
    this.#last[index] = first === NONE ? index : NONE;
    if (first === NONE) return;
    this.#next[this.#last[first]!] = index;
    this.#last[first] = index;
  }

  /**
   * Gathers the values of names that repeat: `"a":1,"b":2,"a":3` becomes `"a":[1,3],"b":2`.
   *
   * @param start the start of the first member.
   * @param end the end of the last member.
   * @returns the new end; the text does not grow.
   */
  gather(text: Uint8Array, start: number, end: number): number {
    if (rearranged.length < end - start) rearranged = new Uint8Array(2 * (end - start));
    const out = rearranged;
    const valueAt = (i: number) => this.#nameEnd[i]! + 2;
    const memberEnd = (i: number) => i + 1 < this.count ? this.#nameAt[i + 1]! - 2 : end;
    let o = 0;
    for (let i = 0; i < this.count; i++) {
      if (this.#last[i] === NONE) continue;
      if (o > 0) out[o++] = COMMA;
      o = copy(text, this.#nameAt[i]! - 1, valueAt(i), out, o);
      const repeats = this.#next[i] !== NONE;
      if (repeats) out[o++] = BRACKET_OPEN;
      o = copy(text, valueAt(i), memberEnd(i), out, o);
      for (let j = this.#next[i]!; j !== NONE; j = this.#next[j]!) {
        out[o++] = COMMA;
        o = copy(text, valueAt(j), memberEnd(j), out, o);
      }
      if (repeats) out[o++] = BRACKET_CLOSE;
    }
    return copy(out, 0, o, text, start);
  }
}

/** Copies `from[at .. end]` to `to[o ..]`, mostly a few bytes; returns the end in `to`. */
function copy(from: Uint8Array, at: number, end: number, to: Uint8Array, o: number): number {
  if (end - at > 64) {
    to.set(from.subarray(at, end), o);
    return o + end - at;
  }
  while (at < end) to[o++] = from[at++]!;
  return o;
}
