/**
 * Writing to stdout and stderr in blocks: a line costs next to nothing when it is written, and one system
 * call writes many.
 *
 * @module
 */

/** How long text is gathered, in milliseconds. */
const GATHER = 10;

/** Past this many UTF-16 units, what is gathered is written at once. */
const BLOCK = 1 << 16;

/** Past this many UTF-16 units, a reader that is so slow gets no more until it has caught up. */
const MOST = 1 << 26;

/** What is needed of a stream: `Deno.stdout`, `Deno.stderr`, or one of a test's. */
export interface Sink {
  write(bytes: Uint8Array): Promise<number>;
  isTerminal(): boolean;
}

/**
 * Text for a stream, in the order in which it was written, complete once flushed.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { Output } from "./output.ts";
 *
 * let written = "";
 * const output = new Output({
 *   write: (bytes) => Promise.resolve((written += new TextDecoder().decode(bytes), bytes.length)),
 *   isTerminal: () => false,
 * });
 * output.write("one\n");
 * output.write("two\n");
 * assertEquals(written, "");
 * await output.flush();
 * assertEquals(written, "one\ntwo\n");
 * ```
 */
export class Output {
  /** Whether it goes to a terminal. */
  readonly isTerminal: boolean;
  /** Whether nobody reads it any more; what is written then is dropped, as there is nobody to miss it. */
  isBroken = false;

  readonly #sink: Sink;
  readonly #encoder = new TextEncoder();
  #gathered = "";
  /** How many texts a slow reader has not got. */
  #dropped = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #writing: Promise<void> | undefined;

  constructor(sink: Sink) {
    this.#sink = sink;
    this.isTerminal = sink.isTerminal();
  }

  /**
   * Writes text, soon. If the reader does not read, the text is dropped once very much has gathered, and
   * how many were is said where they are missing.
   */
  write(text: string): void {
    if (this.isBroken) return;
    if (this.#gathered.length >= MOST) {
      this.#dropped++;
      return;
    }
    this.#gathered += text;
    if (this.#writing !== undefined) return;
    if (this.#gathered.length >= BLOCK) void this.flush();
    else this.#timer ??= setTimeout(() => void this.flush(), GATHER);
  }

  /** Whether the reader is slow, so that whoever has the choice had better wait for a flush. */
  get isBehind(): boolean {
    return this.#gathered.length >= BLOCK;
  }

  /** Writes what is gathered; resolves when all of it has been written. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#gathered !== "") this.#writing ??= this.#writeAll();
    return this.#writing ?? Promise.resolve();
  }

  #takeDropped(): string {
    const dropped = this.#dropped;
    this.#dropped = 0;
    return dropped === 0 ? "" : `(${dropped} lines dropped: they were not read in time)\n`;
  }

  async #writeAll(): Promise<void> {
    try {
      while (this.#gathered !== "") {
        let bytes = this.#encoder.encode(this.#gathered);
        this.#gathered = this.#takeDropped();
        while (bytes.length > 0) bytes = bytes.subarray(await this.#sink.write(bytes));
      }
    } catch {
      // The reader has gone: the shell's way of saying that it has read enough.
      this.isBroken = true;
      this.#gathered = "";
    }
    // Not by a finally() outside: what is written before that runs would wait for the next flush.
    this.#writing = undefined;
  }
}
