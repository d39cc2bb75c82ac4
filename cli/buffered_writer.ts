/**
 * Writing to stdout and stderr in blocks: a line costs next to nothing when it is written, and one system
 * call writes many.
 *
 * @module
 */

import { escapeControls } from "./terminal/escape.ts";
import { counted } from "./figures.ts";
import { StatusLines, type TerminalSize, terminalSize } from "./terminal/status_lines.ts";

/** How long text is gathered, in milliseconds. */
const GATHER = 10;

/** Past this many UTF-16 units, what is gathered is written at once. */
const BLOCK = 1 << 16;

/** Past this many UTF-16 units, a reader that is so slow gets no more until it has caught up. */
const MOST = 1 << 26;

/** How long what is drawn on a terminal stands, in milliseconds. */
const FRAME = 100;

/** What is needed of a stream: `Deno.stdout`, `Deno.stderr`, or one of a test's. */
export interface Sink {
  write(bytes: Uint8Array): Promise<number>;
  isTerminal(): boolean;
}

/** Options for {@linkcode BufferedWriter}; they are about a stream that is a terminal. */
export interface OutputOptions {
  /** Returns its size. @default {terminalSize} */
  readonly size?: () => TerminalSize;
  /** Whether it cannot draw over its lines or show colors. @default {false} */
  readonly isDumb?: boolean;
}

/**
 * Text for a stream, in the order in which it was written, complete once flushed.
 */
export class BufferedWriter {
  /** Whether it goes to a terminal. */
  readonly isTerminal: boolean;
  /** Whether it goes to a terminal that can draw over its lines and show colors. */
  readonly canDraw: boolean;

  readonly #sink: Sink;
  readonly #size: () => TerminalSize;
  readonly #encoder = new TextEncoder();
  readonly #broken = new AbortController();
  #gathered = "";
  /** How many texts a slow reader has not got. */
  #dropped = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #writing: Promise<void> | undefined;
  #footer: StatusLines | undefined;

  constructor(sink: Sink, { size = terminalSize, isDumb = false }: OutputOptions = {}) {
    this.#sink = sink;
    this.#size = size;
    this.isTerminal = sink.isTerminal();
    this.canDraw = this.isTerminal && !isDumb;
  }

  /** How much fits on it; without a terminal, as much as one has mostly. */
  get size(): TerminalSize {
    return this.isTerminal ? this.#size() : { columns: 80, rows: 24 };
  }

  /** Aborted by the first write that fails; the error is the reason. Later text is dropped. */
  get broken(): AbortSignal {
    return this.#broken.signal;
  }

  /** Whether a write has failed. */
  get isBroken(): boolean {
    return this.#broken.signal.aborted;
  }

  /**
   * The error of the write that failed. It is undefined if none did, or if the reader of a pipe has
   * left, as `head` does once it has enough.
   */
  get failure(): Error | undefined {
    const { reason } = this.#broken.signal;
    return reason instanceof Deno.errors.BrokenPipe ? undefined : reason;
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

  /** Writes a line as it is; on a terminal, with what is unsafe there escaped. */
  writeLine(line: string): void {
    this.write((this.isTerminal ? escapeControls(line) : line) + "\n");
  }

  /** Whether the reader is slow, so that whoever has the choice had better wait for a flush. */
  get isBehind(): boolean {
    return this.#gathered.length >= BLOCK;
  }

  /** Whether to write colors: on a terminal that has them, unless the user has set NO_COLOR. */
  get hasColors(): boolean {
    return this.canDraw && !Deno.noColor;
  }

  /**
   * Keeps lines below all that is written, drawn anew several times a second, until it is disposed. It
   * does nothing unless it {@linkcode BufferedWriter.canDraw}. What is written meanwhile must be whole lines.
   */
  keepBelow(lines: (size: TerminalSize) => readonly string[]): Disposable {
    if (!this.canDraw) return { [Symbol.dispose]() {} };
    const footer = new StatusLines(lines, this.#size);
    let timer: ReturnType<typeof setTimeout>;
    const draw = () => {
      timer = setTimeout(draw, FRAME);
      if (!this.isBroken) this.#writing ??= this.#writeAll();
    };
    this.#footer = footer;
    draw();
    return {
      [Symbol.dispose]: () => {
        clearTimeout(timer);
        this.#footer = undefined;
        this.#gathered = footer.erase() + this.#gathered;
        this.write("");
      },
    };
  }

  /** Writes what is gathered, and then `text`; resolves when all of it has been written. */
  flush(text = ""): Promise<void> {
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#timer = undefined;
    if (!this.isBroken) this.#gathered += text;
    if (this.#gathered !== "") this.#writing ??= this.#writeAll();
    return this.#writing ?? Promise.resolve();
  }

  #takeDropped(): string {
    const dropped = this.#dropped;
    this.#dropped = 0;
    return dropped === 0 ? "" : `(${counted(dropped, "line")} dropped: not read in time)\n`;
  }

  async #writeAll(): Promise<void> {
    try {
      do {
        let bytes = this.#encoder.encode(this.#footer?.around(this.#gathered) ?? this.#gathered);
        this.#gathered = this.#takeDropped();
        // At least once: were nothing waited for, it would be over before it is known to be under way.
        do bytes = bytes.subarray(await this.#sink.write(bytes)); while (bytes.length > 0);
      } while (this.#gathered !== "");
    } catch (error) {
      this.#gathered = "";
      this.#broken.abort(error);
    }
    // Not by a finally() outside: what is written before that runs would wait for the next flush.
    this.#writing = undefined;
  }
}
