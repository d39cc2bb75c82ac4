/**
 * Status lines at the bottom of a terminal.
 *
 * @module
 */

/** Size of a terminal, in cells. */
export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** Size of a terminal that does not report its own. */
export const DEFAULT_SIZE: TerminalSize = { columns: 80, rows: 24 };

// Without wrapping, the terminal cuts off long lines. Wrapped lines could not be overwritten.
const WRAP = { off: "\x1b[?7l", on: "\x1b[?7h" };
const ERASE_LINE = "\x1b[K";
const ERASE_BELOW = "\x1b[J";

// Colors take up no cell.
// deno-lint-ignore no-control-regex -- they begin with ESC
const COLORS = /\x1b\[[\d;]*m/g;

/** Returns the size of the terminal. */
export function terminalSize(): TerminalSize {
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
export class StatusLines {
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
