/**
 * What a gateway knows of its requests in flight that workers convert.
 *
 * @module
 */

const NONE = -1;

/** Requests by their entries among those in flight, and by the keys under which workers know them. */
export class RemoteRequests {
  /** Tells requests apart that have the same entry one after the other; 0 for none. */
  #serials = new Float64Array(1024);
  /** The sequence of each request in the stream; −1 until the stream has it. */
  #sequences = new Float64Array(1024);
  #accepted = new Uint8Array(1024);
  /** When each request was due whose delay is over; −1 for the others. */
  #due = new Float64Array(1024);
  /** The representations that came before their requests were due. */
  readonly #representations = new Map<number, string>();
  #lastSerial = 0;

  /** Adds a request; returns its key, which no other request ever has. */
  add(entry: number): string {
    if (entry >= this.#serials.length) this.#grow(entry);
    this.#serials[entry] = ++this.#lastSerial;
    this.#sequences[entry] = NONE;
    this.#accepted[entry] = 0;
    this.#due[entry] = NONE;
    return `${entry}-${this.#lastSerial}`;
  }

  /** Returns the entry of the request with this key; −1 if it is not in flight any more. */
  find(key: string): number {
    const [entry, serial] = key.split("-").map(Number);
    return serial! > 0 && this.#serials[entry!] === serial ? entry! : NONE;
  }

  /** Removes a request. */
  remove(entry: number): void {
    this.#serials[entry] = 0;
    this.#representations.delete(entry);
  }

  /** Marks a request as accepted; returns whether it was not. */
  accept(entry: number, sequence: number): boolean {
    if (this.#accepted[entry] === 1) return false;
    this.#accepted[entry] = 1;
    this.#sequences[entry] = sequence;
    return true;
  }

  /** Returns the sequence of a request in the stream; −1 if none is known. */
  sequence(entry: number): number {
    return this.#sequences[entry]!;
  }

  /** Marks a request as due since the time `due`. */
  setDue(entry: number, due: number): void {
    this.#due[entry] = due;
  }

  /** Returns when a request was due; −1 if its delay is not over. */
  due(entry: number): number {
    return this.#due[entry]!;
  }

  /** Keeps the representation of a request, as JSON text. */
  setRepresentation(entry: number, representation: string): void {
    this.#representations.set(entry, representation);
  }

  /** Returns the representation of a request, if it has come. */
  representation(entry: number): string | undefined {
    return this.#representations.get(entry);
  }

  #grow(entry: number): void {
    const length = 2 * Math.max(entry, this.#serials.length);
    this.#serials = copyTo(new Float64Array(length), this.#serials);
    this.#sequences = copyTo(new Float64Array(length), this.#sequences);
    this.#accepted = copyTo(new Uint8Array(length), this.#accepted);
    this.#due = copyTo(new Float64Array(length), this.#due);
  }
}

function copyTo<T extends Float64Array | Uint8Array>(array: T, from: T): T {
  array.set(from);
  return array;
}
