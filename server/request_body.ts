/**
 * The body of a POST, read in small pieces, with deadlines.
 *
 * @module
 */

/** Longest time that a body may take, in milliseconds. */
const TOTAL_TIMEOUT = 30_000;

/** Longest time that a body may pause, in milliseconds. */
const PAUSE_TIMEOUT = 10_000;

/** Time that a client may go on sending after an early answer, in milliseconds. */
const LINGER = 5000;

/** Bytes to read at once: few at first, so that a body that never arrives takes little memory. */
const FIRST_PIECE = 1 << 12;
const LARGEST_PIECE = 1 << 16;

/** How a body arrived. */
export type Arrival = "complete" | "too large" | "too slow" | "broken";

/**
 * Reads the body of a request. After an early answer, it discards the rest for a while, so that the
 * client can read the answer. Deno then closes the connection, but only when another piece comes.
 */
export class RequestBody {
  /** Resolves when the body is complete, or cannot be complete in time and within the limit. */
  readonly arrival: Promise<Arrival>;
  readonly ended: Promise<void>;

  readonly #limit: number;
  readonly #arrival = Promise.withResolvers<Arrival>();
  readonly #startedAt = performance.now();
  #lastPieceAt = this.#startedAt;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #buffer = new Uint8Array(0);
  #length = 0;
  /** When {@linkcode RequestBody.arrival} resolved. */
  #arrivedAt: number | undefined;

  /** @param limit in bytes. */
  constructor(body: ReadableStream<Uint8Array> | null, limit: number) {
    this.#limit = limit;
    this.arrival = this.#arrival.promise;
    this.#watch();
    this.ended = this.#readAll(body);
  }

  /** The body if it is complete; its start, longer than the limit, if it is too large. */
  get bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  async #readAll(body: ReadableStream<Uint8Array> | null): Promise<void> {
    try {
      for await (const piece of body === null ? [] : piecesOf(body)) {
        this.#lastPieceAt = performance.now();
        if (this.#arrivedAt === undefined) this.#keep(piece);
        else if (this.#lastPieceAt > this.#arrivedAt + LINGER) return;
      }
      this.#arrive("complete");
    } catch {
      this.#arrive("broken");
    }
  }

  #keep(piece: Uint8Array): void {
    const length = this.#length + piece.length;
    if (length > this.#buffer.length) {
      const larger = new Uint8Array(Math.max(length, 2 * this.#buffer.length));
      larger.set(this.bytes);
      this.#buffer = larger;
    }
    this.#buffer.set(piece, this.#length);
    this.#length = length;
    if (length > this.#limit) this.#arrive("too large");
  }

  #watch = (): void => {
    const end = Math.min(this.#startedAt + TOTAL_TIMEOUT, this.#lastPieceAt + PAUSE_TIMEOUT);
    const left = end - performance.now();
    if (left > 0) this.#timer = setTimeout(this.#watch, left);
    else this.#arrive("too slow");
  };

  #arrive(arrival: Arrival): void {
    this.#arrivedAt ??= performance.now();
    clearTimeout(this.#timer);
    this.#arrival.resolve(arrival);
  }
}

/** Returns the pieces of a stream; each is valid until the next one is read. */
async function* piecesOf(
  stream: ReadableStream<Uint8Array>,
): AsyncGenerator<Uint8Array, void, void> {
  let reader: ReadableStreamBYOBReader;
  try {
    reader = stream.getReader({ mode: "byob" });
  } catch {
    // On Deno 2.9, a body that arrives with its head is not a byte stream.
    return yield* stream;
  }
  let buffer = new Uint8Array(FIRST_PIECE);
  try {
    while (true) {
      const { length } = buffer;
      const { done, value } = await reader.read(buffer);
      if (done) return;
      yield value;
      buffer = value.length === length && length < LARGEST_PIECE
        ? new Uint8Array(2 * length)
        : new Uint8Array(value.buffer);
    }
  } finally {
    await reader.cancel().catch(() => {}); // it may have failed already
  }
}
