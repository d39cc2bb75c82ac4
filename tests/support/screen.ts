/**
 * A terminal for the tests: xterm.js without a window.
 *
 * @module
 */

// deno-lint-ignore no-import-prefix -- for the reason that ./fast_check.ts gives
import xterm from "npm:@xterm/headless@^5";
import { BufferedWriter } from "../../cli/buffered_writer.ts";

/** A terminal, and an output that goes to it. */
export class Screen implements AsyncDisposable {
  /** Goes to the terminal. */
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

  /** Shows more than its output writes. */
  add(text: string): void {
    this.written += text;
  }

  /** Changes its size, as one does with a window. */
  async resize(columns: number, rows: number): Promise<void> {
    await this.#show();
    this.#terminal.resize(columns, rows);
  }

  /** What can be seen by now, scrolled up or not, without the empty lines at the end. */
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

  async #show(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#terminal.write(this.written.slice(this.#shown), resolve);
    this.#shown = this.written.length;
    await promise;
  }

  /** Ends it, once all is written. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.output.flush();
    this.#terminal.dispose();
  }
}
