/**
 * Lines at the bottom of a terminal that are drawn over and over.
 *
 * @module
 */

/** How much fits on a terminal, in cells. */
export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** What is too long is cut off: lines that wrap could not be drawn over. */
const WRAP = { off: "\x1b[?7l", on: "\x1b[?7h" };
const ERASE_LINE = "\x1b[K";
const ERASE_BELOW = "\x1b[J";

/** What does not take up a cell: colours. */
// deno-lint-ignore no-control-regex -- it is what begins them
const COLOURS = /\x1b\[[\d;]*m/g;

/** The size of the terminal; one that does not tell has the size that they all had once. */
export function terminalSize(): TerminalSize {
  try {
    const { columns, rows } = Deno.consoleSize();
    if (columns > 0 && rows > 0) return { columns, rows };
  } catch {
    // There is none.
  }
  return { columns: 80, rows: 24 };
}

/**
 * Whether the terminal can neither draw over its lines nor show colors: TERM is `dumb` or, except on
 * Windows, not set. Without permission to read TERM, this returns false.
 */
export function isDumbTerminal(): boolean {
  const { state } = Deno.permissions.querySync({ name: "env", variable: "TERM" });
  if (state !== "granted") return false;
  const term = Deno.env.get("TERM") ?? "";
  return term === "dumb" || (term === "" && Deno.build.os !== "windows");
}

/**
 * Lines below all that is written. It makes the text that draws them; {@linkcode Output} writes it.
 */
export class StatusLines {
  readonly #lines: (size: TerminalSize) => readonly string[];
  readonly #size: () => TerminalSize;
  /** How wide each of the lines is that stand there. */
  #drawn: readonly number[] = [];

  /** @param lines is asked for them at each drawing; they must be safe to show. */
  constructor(
    lines: (size: TerminalSize) => readonly string[],
    size: () => TerminalSize = terminalSize,
  ) {
    this.#lines = lines;
    this.#size = size;
  }

  /** What shows `text` above the lines, and draws them anew: over the old ones, as that does not flicker. */
  around(text: string): string {
    const size = this.#size();
    const up = this.#up(size.columns);
    // The cursor comes to stand below them, and what is above could not be drawn over.
    const lines = this.#lines(size).slice(0, size.rows - 1);
    this.#drawn = lines.map((line) => Math.min(line.replace(COLOURS, "").length, size.columns));
    if (up === "" && lines.length === 0) return text;
    const above = text === "" ? up : `${up}${ERASE_BELOW}${text}`;
    const drawing = lines.map((line) => `${ERASE_LINE}${line}\n`).join("");
    return `${above}${WRAP.off}${drawing}${WRAP.on}${ERASE_BELOW}`;
  }

  /** What takes the lines away. */
  erase(): string {
    const up = this.#up(this.#size().columns);
    this.#drawn = [];
    return up === "" ? "" : `${up}${ERASE_BELOW}`;
  }

  /** Moves to where the lines begin. Where the terminal has become narrower, it has broken them. */
  #up(columns: number): string {
    const rows = this.#drawn.reduce(
      (sum, width) => sum + Math.max(Math.ceil(width / columns), 1),
      0,
    );
    return rows === 0 ? "" : `\x1b[${rows}A\r`;
  }
}
