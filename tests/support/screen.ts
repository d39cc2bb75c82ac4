/**
 * A terminal without a window: xterm.js.
 *
 * @module
 */

// deno-lint-ignore no-import-prefix -- see ./npm_packages.ts
import xterm from "npm:@xterm/headless@^5";
import { BufferedWriter } from "../../cli/buffered_writer.ts";

/** Text in one color, on one row of a screen. */
export interface Run {
  /** The column of its first cell, from 0. */
  readonly column: number;
  readonly text: string;
  /** Number of the color in the terminal's palette; undefined for the default. */
  readonly color: number | undefined;
}

/** A terminal, and an output that goes to it. */
export class Screen implements AsyncDisposable {
  /** Output to the terminal. */
  readonly output: BufferedWriter;
  /** All that was written, control sequences and all. */
  written = "";
  readonly #terminal: InstanceType<typeof xterm.Terminal>;
  #shown = 0;

  /** A terminal of this size, in cells. */
  constructor(columns: number, rows: number) {
    this.#terminal = new xterm.Terminal({
      cols: columns,
      rows,
      convertEol: true, // as the kernel does
      allowProposedApi: true,
    });
    const decoder = new TextDecoder();
    this.output = new BufferedWriter({
      write: (bytes) => {
        this.written += decoder.decode(bytes, { stream: true });
        return Promise.resolve(bytes.length);
      },
      isTerminal: () => true,
    }, { size: () => ({ columns: this.#terminal.cols, rows: this.#terminal.rows }) });
  }

  /** Shows text that its output does not write. */
  add(text: string): void {
    this.written += text;
  }

  /** Changes its size, in cells. */
  async resize(columns: number, rows: number): Promise<void> {
    await this.#show();
    this.#terminal.resize(columns, rows);
  }

  /** Returns the text, also above the visible rows, without empty lines at the end. */
  async text(): Promise<string> {
    await this.output.flush();
    await this.#show();
    const { active } = this.#terminal.buffer;
    const lines = Array.from(
      { length: active.length },
      (_, i) => active.getLine(i)!.translateToString(true),
    );
    return lines.join("\n").trimEnd();
  }

  /** Returns the runs on each visible row. Cells without text belong to no run. */
  async rows(): Promise<Run[][]> {
    await this.output.flush();
    await this.#show();
    const { active } = this.#terminal.buffer;
    return Array.from({ length: this.#terminal.rows }, (_, row) => {
      const line = active.getLine(active.baseY + row)!;
      const runs: { column: number; text: string; color: number | undefined }[] = [];
      for (let column = 0; column < line.length; column++) {
        const cell = line.getCell(column)!;
        const text = cell.getChars();
        if (text === "") continue;
        const color = cell.isFgDefault() ? undefined : cell.getFgColor();
        const last = runs.at(-1);
        const isNext = last !== undefined && last.column + last.text.length === column;
        if (isNext && last.color === color) last.text += text;
        else runs.push({ column, text, color });
      }
      return runs;
    });
  }

  async #show(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#terminal.write(this.written.slice(this.#shown), resolve);
    this.#shown = this.written.length;
    await promise;
  }

  /** Ends it once all is written. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.output.flush();
    this.#terminal.dispose();
  }
}
