/**
 * Writes to stdout and stderr in blocks, many lines with one system call, and draws status lines below
 * them on a terminal.
 *
 * @module
 */

import { escapeControls } from "./terminal/escape.ts";
import { counted } from "./figures.ts";

/** How long text is buffered, in milliseconds. */
const DELAY = 10;

/** Size of buffered text that is written at once, in UTF-16 units. */
const BLOCK = 1 << 16;

/** Size of buffered text beyond which further text is dropped, in UTF-16 units. */
const MAX_BUFFERED = 1 << 26;

/** Time between two drawings of status lines, in milliseconds. */
const FRAME = 100;

// Without wrapping, the terminal cuts off long lines. Wrapped lines could not be overwritten.
const WRAP = { off: "\x1b[?7l", on: "\x1b[?7h" };
const ERASE_LINE = "\x1b[K";
const ERASE_BELOW = "\x1b[J";

// Colors take up no cell.
// deno-lint-ignore no-control-regex -- they begin with ESC
const COLORS = /\x1b\[[\d;]*m/g;

/** Size of a terminal, in cells. */
export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** Size of a terminal that does not report its own. */
const DEFAULT_SIZE: TerminalSize = { columns: 80, rows: 24 };

/** A stream such as `Deno.stdout` or `Deno.stderr`. */
export interface Sink {
  write(bytes: Uint8Array): Promise<number>;
  isTerminal(): boolean;
}

/** Options for {@linkcode BufferedWriter} on a terminal. */
export interface BufferedWriterOptions {
  /** Returns the size of the terminal. @default {that of the process} */
  readonly size?: () => TerminalSize;
  /** Whether the terminal can neither overwrite lines nor show colors. @default {false} */
  readonly isDumb?: boolean;
}

/** Buffers text for a stream. All of it is written after a flush. */
export class BufferedWriter {
  /** Whether the stream is a terminal. */
  readonly isTerminal: boolean;
  /** Whether the stream is a terminal that can overwrite lines and show colors. */
  readonly canDraw: boolean;

  readonly #sink: Sink;
  readonly #size: () => TerminalSize;
  readonly #encoder = new TextEncoder();
  readonly #broken = new AbortController();
  #buffered = "";
  /** Number of texts dropped since the last report. */
  #dropped = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #writing: Promise<void> | undefined;
  #statusLines: StatusLines | undefined;

  constructor(sink: Sink, { size = terminalSize, isDumb = false }: BufferedWriterOptions = {}) {
    this.#sink = sink;
    this.#size = size;
    this.isTerminal = sink.isTerminal();
    this.canDraw = this.isTerminal && !isDumb;
  }

  /** Size of the terminal; without one, 80 columns and 24 rows. */
  get size(): TerminalSize {
    return this.isTerminal ? this.#size() : DEFAULT_SIZE;
  }

  /** Aborted with the error of the first write that fails. Later text is dropped. */
  get broken(): AbortSignal {
    return this.#broken.signal;
  }

  /**
   * Error of the write that failed. It is undefined if the reader of a pipe has left, as `head` does
   * when it has enough.
   */
  get failure(): Error | undefined {
    const { reason } = this.#broken.signal;
    return reason instanceof Deno.errors.BrokenPipe ? undefined : reason;
  }

  /**
   * Writes text within 10 ms. If the reader is so slow that 64 Mi units are buffered, further text is
   * dropped, and a note in its place says how many lines are missing.
   */
  write(text: string): void {
    if (this.broken.aborted) return;
    if (this.#buffered.length >= MAX_BUFFERED) {
      this.#dropped++;
      return;
    }
    this.#buffered += text;
    if (this.#writing !== undefined) return;
    if (this.#buffered.length >= BLOCK) void this.flush();
    else this.#timer ??= setTimeout(() => void this.flush(), DELAY);
  }

  /** Writes a line; on a terminal, with control characters escaped. */
  writeLine(line: string): void {
    this.write((this.isTerminal ? escapeControls(line) : line) + "\n");
  }

  /** Writes a line with control characters escaped, which is JSON too if the line is. */
  writeEscaped(line: string): void {
    this.write(escapeControls(line) + "\n");
  }

  /** Whether the reader is slow. A caller that can wait should flush first. */
  get isBehind(): boolean {
    return this.#buffered.length >= BLOCK;
  }

  /** Whether to write colors: on a terminal that shows them, unless NO_COLOR is set. */
  get hasColors(): boolean {
    return this.canDraw && !Deno.noColor;
  }

  /**
   * Shows status lines below the written text until they are disposed of, and redraws them several
   * times a second. Text written meanwhile must be whole lines. It does nothing unless
   * {@linkcode BufferedWriter.canDraw}.
   */
  keepBelow(lines: (size: TerminalSize) => readonly string[]): Disposable {
    if (!this.canDraw) return { [Symbol.dispose]() {} };
    const statusLines = new StatusLines(lines, this.#size);
    let timer: ReturnType<typeof setTimeout>;
    const draw = () => {
      timer = setTimeout(draw, FRAME);
      if (!this.broken.aborted) this.#writing ??= this.#writeAll();
    };
    this.#statusLines = statusLines;
    draw();
    return {
      [Symbol.dispose]: () => {
        clearTimeout(timer);
        this.#statusLines = undefined;
        this.#buffered = statusLines.erase() + this.#buffered;
        this.write("");
      },
    };
  }

  /** Writes the buffered text, and then `text`; resolves when all is written. */
  flush(text = ""): Promise<void> {
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#timer = undefined;
    if (!this.broken.aborted) this.#buffered += text;
    if (this.#buffered !== "") this.#writing ??= this.#writeAll();
    return this.#writing ?? Promise.resolve();
  }

  async #writeAll(): Promise<void> {
    try {
      do {
        let bytes = this.#encoder.encode(
          this.#statusLines?.around(this.#buffered) ?? this.#buffered,
        );
        const dropped = counted(this.#dropped, "line");
        this.#buffered = this.#dropped === 0 ? "" : `(${dropped} dropped: not read in time)\n`;
        this.#dropped = 0;
        // At least one await, or this would end before #writing is set.
        do bytes = bytes.subarray(await this.#sink.write(bytes)); while (bytes.length > 0);
      } while (this.#buffered !== "");
    } catch (error) {
      this.#buffered = "";
      this.#broken.abort(error);
    }
    // A finally() outside would run too late: text written before it would wait for the next flush.
    this.#writing = undefined;
  }
}

/** Returns the size of the terminal. */
function terminalSize(): TerminalSize {
  try {
    const { columns, rows } = Deno.consoleSize();
    if (columns > 0 && rows > 0) return { columns, rows };
  } catch {
    // There is none.
  }
  return DEFAULT_SIZE;
}

/**
 * Returns whether the terminal can neither overwrite lines nor show colors: TERM is `dumb` or, except
 * on Windows, not set. Without permission to read TERM, it returns false.
 */
export function isDumbTerminal(): boolean {
  const { state } = Deno.permissions.querySync({ name: "env", variable: "TERM" });
  if (state !== "granted") return false;
  const term = Deno.env.get("TERM") ?? "";
  return term === "dumb" || (term === "" && Deno.build.os !== "windows");
}

/** Makes the text that draws status lines below other text. */
class StatusLines {
  readonly #lines: (size: TerminalSize) => readonly string[];
  readonly #size: () => TerminalSize;
  /** Width of each line on the terminal. */
  #drawn: readonly number[] = [];

  /** @param lines returns the lines at each drawing, without control characters. */
  constructor(lines: (size: TerminalSize) => readonly string[], size: () => TerminalSize) {
    this.#lines = lines;
    this.#size = size;
  }

  /** Returns `text` followed by the lines, drawn over the old ones, which does not flicker. */
  around(text: string): string {
    const size = this.#size();
    const up = this.#up(size.columns);
    // The cursor needs the last row; a line that has scrolled off could not be overwritten.
    const lines = this.#lines(size).slice(0, size.rows - 1);
    this.#drawn = lines.map((line) => Math.min(line.replace(COLORS, "").length, size.columns));
    if (up === "" && lines.length === 0) return text;
    const above = text === "" ? up : `${up}${ERASE_BELOW}${text}`;
    const drawing = lines.map((line) => `${ERASE_LINE}${line}\n`).join("");
    return `${above}${WRAP.off}${drawing}${WRAP.on}${ERASE_BELOW}`;
  }

  /** Returns the text that erases the lines. */
  erase(): string {
    const up = this.#up(this.#size().columns);
    this.#drawn = [];
    return up === "" ? "" : `${up}${ERASE_BELOW}`;
  }

  /** Moves the cursor to the first line. A terminal that has become narrower has wrapped them. */
  #up(columns: number): string {
    const rows = this.#drawn.reduce(
      (sum, width) => sum + Math.max(Math.ceil(width / columns), 1),
      0,
    );
    return rows === 0 ? "" : `\x1b[${rows}A\r`;
  }
}
