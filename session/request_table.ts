/**
 * The requests in flight, found by session and id, and listed by session.
 *
 * A request is an entry, a small integer; its fields are in typed arrays and its text in a
 * {@linkcode BlockAllocator}, which costs the garbage collector no work while requests wait.
 *
 * @module
 */

import { SENTINEL_LENGTH } from "../protocol/conversion.ts";
import { packetWire } from "../protocol/packet_wire.ts";
import { secretHash } from "../protocol/secret_hash.ts";
import { type Frame, NO_DELAY, type Wire, type WrittenResponse } from "../protocol/wire.ts";
import { BlockAllocator } from "./block_allocator.ts";

const NONE = -1;

/** The fields of an entry, side by side, so that an entry is in one cache line. */
const enum Field {
  Owner,
  /** The hash of owner and id; of a free entry, the next free one. */
  Hash,
  /** The address of its text: the id, then the data, then room for a sentinel. */
  Address,
  IdLength,
  DataLength,
  /** The delay in milliseconds; the lowest bit says whether the text is ASCII. */
  DelayAndAscii,
  /** The entries before and after it in the list of its session. */
  Newer,
  Older,
}
const FIELDS = 8;

/** The longest delay that fits beside the bit, in milliseconds. */
const MAX_DELAY = 2 ** 30 - 1;

const decoder = new TextDecoder();

/** The requests in flight of a server. */
export class RequestTable {
  size = 0;

  readonly #wire: Wire;
  #allocator = new BlockAllocator();
  #fields: Int32Array;
  #used = 0;
  #firstFree = NONE;
  /** The newest entry of each session. */
  #newest = new Int32Array(64).fill(NONE);
  /** Hash table with open addressing: entry + 1, or 0; at most half full, no gaps in a run. */
  #table = new Int32Array(2048);

  /**
   * @param capacity requests to reserve memory for; growing later copies all fields.
   * @param wire writes the responses.
   */
  constructor(capacity = 1024, wire: Wire = packetWire()) {
    this.#wire = wire;
    this.#fields = new Int32Array(FIELDS * capacity);
  }

  /** Adds a request of session `owner`, with a copy of its text; returns its entry. */
  add(
    owner: number,
    source: Uint8Array,
    idAt: number,
    idEnd: number,
    dataAt: number,
    dataEnd: number,
    isAscii: boolean,
    delay: number,
  ): number {
    const idLength = idEnd - idAt;
    const dataLength = dataEnd - dataAt;
    const address = this.#allocator.allocate(idLength + dataLength + SENTINEL_LENGTH);
    const bytes = this.#allocator.bytes(address);
    const at = this.#allocator.offset(address);
    copy(source, idAt, idEnd, bytes, at);
    copy(source, dataAt, dataEnd, bytes, at + idLength);

    const entry = this.#takeEntry();
    const field = FIELDS * entry;
    const fields = this.#fields;
    const hash = secretHash(source, idAt, idEnd, owner);
    fields[field + Field.Owner] = owner;
    fields[field + Field.Hash] = hash;
    fields[field + Field.Address] = address;
    fields[field + Field.IdLength] = idLength;
    fields[field + Field.DataLength] = dataLength;
    fields[field + Field.DelayAndAscii] = delay << 1 | Number(isAscii);
    this.#link(owner, entry);
    this.size++;
    if (2 * this.size > this.#table.length) this.#growTable();
    else this.#table[this.#freeBucket(hash)] = entry + 1;
    return entry;
  }

  /** Returns the request of session `owner` with this id, or −1. */
  find(owner: number, source: Uint8Array, idAt: number, idEnd: number): number {
    const hash = secretHash(source, idAt, idEnd, owner);
    const mask = this.#table.length - 1;
    for (let bucket = hash & mask;; bucket = (bucket + 1) & mask) {
      const entry = this.#table[bucket]! - 1;
      if (entry === NONE) return NONE;
      const field = FIELDS * entry;
      if (
        this.#fields[field + Field.Hash] === hash && this.#fields[field + Field.Owner] === owner &&
        this.#hasId(entry, source, idAt, idEnd)
      ) return entry;
    }
  }

  remove(entry: number): void {
    const field = FIELDS * entry;
    const fields = this.#fields;
    this.#emptyBucketOf(entry);
    this.#unlink(entry);
    this.#allocator.free(
      fields[field + Field.Address]!,
      fields[field + Field.IdLength]! + fields[field + Field.DataLength]! + SENTINEL_LENGTH,
    );
    fields[field + Field.Hash] = this.#firstFree;
    this.#firstFree = entry;
    this.size--;
  }

  owner(entry: number): number {
    return this.#fields[FIELDS * entry + Field.Owner]!;
  }

  /** Returns the newest request of a session, or −1. */
  newestOf(owner: number): number {
    return owner < this.#newest.length ? this.#newest[owner]! : NONE;
  }

  /** Returns the response to a request, with its delay if asked for. */
  response(entry: number, withDelay: boolean): WrittenResponse {
    const field = FIELDS * entry;
    const fields = this.#fields;
    const address = fields[field + Field.Address]!;
    const at = this.#allocator.offset(address);
    const idEnd = at + fields[field + Field.IdLength]!;
    const delay = fields[field + Field.DelayAndAscii]!;
    return this.#wire.response(
      this.#allocator.bytes(address),
      at,
      idEnd,
      idEnd,
      idEnd + fields[field + Field.DataLength]!,
      (delay & 1) === 1,
      withDelay ? delay >>> 1 : NO_DELAY,
    );
  }

  /** Returns whether the text of a request, and so its response, is ASCII. */
  isAscii(entry: number): boolean {
    return (this.#fields[FIELDS * entry + Field.DelayAndAscii]! & 1) === 1;
  }

  /** Returns the response to a request with the JSON text of a result. */
  responseWith(entry: number, result: string, withDelay: boolean): Frame {
    const delay = withDelay ? this.delay(entry) : NO_DELAY;
    return this.#wire.responseWith(this.idText(entry), result, delay);
  }

  /** Returns the delay of a request, in milliseconds. */
  delay(entry: number): number {
    return this.#fields[FIELDS * entry + Field.DelayAndAscii]! >>> 1;
  }

  /** Changes the delay of a request, in milliseconds. */
  setDelay(entry: number, delay: number): void {
    const isAscii = Number(this.isAscii(entry));
    this.#fields[FIELDS * entry + Field.DelayAndAscii] = Math.min(delay, MAX_DELAY) << 1 | isAscii;
  }

  /** Returns the id of a request, as JSON text. */
  idText(entry: number): string {
    const address = this.#fields[FIELDS * entry + Field.Address]!;
    const at = this.#allocator.offset(address);
    const end = at + this.#fields[FIELDS * entry + Field.IdLength]!;
    return decoder.decode(this.#allocator.bytes(address).subarray(at, end));
  }

  #takeEntry(): number {
    const free = this.#firstFree;
    if (free !== NONE) {
      this.#firstFree = this.#fields[FIELDS * free + Field.Hash]!;
      return free;
    }
    if (FIELDS * (this.#used + 1) > this.#fields.length) this.#fields = doubled(this.#fields);
    return this.#used++;
  }

  #link(owner: number, entry: number): void {
    while (owner >= this.#newest.length) {
      const old = this.#newest;
      this.#newest = new Int32Array(2 * old.length).fill(NONE);
      this.#newest.set(old);
    }
    const older = this.#newest[owner]!;
    this.#fields[FIELDS * entry + Field.Newer] = NONE;
    this.#fields[FIELDS * entry + Field.Older] = older;
    if (older !== NONE) this.#fields[FIELDS * older + Field.Newer] = entry;
    this.#newest[owner] = entry;
  }

  #unlink(entry: number): void {
    const fields = this.#fields;
    const newer = fields[FIELDS * entry + Field.Newer]!;
    const older = fields[FIELDS * entry + Field.Older]!;
    if (newer === NONE) this.#newest[this.owner(entry)] = older;
    else fields[FIELDS * newer + Field.Older] = older;
    if (older !== NONE) fields[FIELDS * older + Field.Newer] = newer;
  }

  #hasId(entry: number, source: Uint8Array, idAt: number, idEnd: number): boolean {
    const field = FIELDS * entry;
    if (this.#fields[field + Field.IdLength] !== idEnd - idAt) return false;
    const address = this.#fields[field + Field.Address]!;
    const bytes = this.#allocator.bytes(address);
    const at = this.#allocator.offset(address) - idAt;
    for (let i = idAt; i < idEnd; i++) {
      if (bytes[at + i] !== source[i]) return false;
    }
    return true;
  }

  #freeBucket(hash: number): number {
    const mask = this.#table.length - 1;
    let bucket = hash & mask;
    while (this.#table[bucket] !== 0) bucket = (bucket + 1) & mask;
    return bucket;
  }

  /** Empties the bucket of an entry, and moves later entries of the run into the gap. */
  #emptyBucketOf(entry: number): void {
    const table = this.#table;
    const mask = table.length - 1;
    let gap = this.#fields[FIELDS * entry + Field.Hash]! & mask;
    while (table[gap] !== entry + 1) gap = (gap + 1) & mask;
    for (let bucket = (gap + 1) & mask; table[bucket] !== 0; bucket = (bucket + 1) & mask) {
      const home = this.#fields[FIELDS * (table[bucket]! - 1) + Field.Hash]! & mask;
      if (((bucket - home) & mask) < ((bucket - gap) & mask)) continue;
      table[gap] = table[bucket]!;
      gap = bucket;
    }
    table[gap] = 0;
  }

  /** Doubles the table, and adds the entries in the lists of all sessions. */
  #growTable(): void {
    this.#table = new Int32Array(2 * this.#table.length);
    for (const newest of this.#newest) {
      for (let entry = newest; entry !== NONE;) {
        this.#table[this.#freeBucket(this.#fields[FIELDS * entry + Field.Hash]!)] = entry + 1;
        entry = this.#fields[FIELDS * entry + Field.Older]!;
      }
    }
  }
}

function doubled(array: Int32Array): Int32Array {
  const twice = new Int32Array(2 * array.length);
  twice.set(array);
  return twice;
}

/** Copies short texts in a loop, as `set()` needs a view, which costs more. */
function copy(from: Uint8Array, at: number, end: number, to: Uint8Array, o: number): void {
  if (end - at > 256) return to.set(from.subarray(at, end), o);
  for (let i = at; i < end; i++) to[o++] = from[i]!;
}
