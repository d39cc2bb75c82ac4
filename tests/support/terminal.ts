/**
 * Terminals: the program on a real one, by Python, and xterm.js without a window.
 *
 * @module
 */

import { deadline } from "@std/async/deadline";
import { delay } from "@std/async/delay";
// deno-lint-ignore no-import-prefix -- see ./npm_packages.ts
import xterm from "npm:@xterm/headless@^5";
import { BufferedWriter } from "../../cli/buffered_writer.ts";
import { succeeds } from "./machine.ts";
import { PATIENCE } from "./waiting.ts";

const PYTHON = "/usr/bin/python3";

/** Runs its arguments on a terminal of 24 rows and 80 columns, and copies input and output. */
const RUN = `
import fcntl, os, pty, select, struct, sys, termios
child, terminal = pty.fork()
if child == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    os.execv(sys.argv[1], sys.argv[1:])
sources = [terminal, 0]
while terminal in sources:
    for source in select.select(sources, [], [])[0]:
        try:
            data = os.read(source, 65536)
        except OSError:
            data = b""
        if not data:
            sources.remove(source)
        else:
            os.write(1 if source == terminal else terminal, data)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
`;

/** Returns why there can be no terminals here; undefined if there can. */
export async function whyNoTerminal(): Promise<string | undefined> {
  return await succeeds(PYTHON, ["-c", "import pty"]) ? undefined : `no ${PYTHON} with pty`;
}

/** A program on a terminal. */
export interface OnTerminal extends AsyncDisposable {
  /** All that was written, control sequences and all. */
  readonly written: string;
  /** Types keys; `\x03` is Ctrl-C. */
  type(keys: string): Promise<void>;
  /** Resolves to the text of the screen once it matches. */
  shows(pattern: RegExp): Promise<string>;
  /** Waits for its end; resolves to its exit code and the text of the screen. */
  result(): Promise<{ code: number; text: string }>;
}

/** Starts an executable on a terminal of type `term`. Its disposal kills it if it still runs. */
export function startOnTerminal(
  executable: string,
  args: string[],
  term: string = "xterm-256color",
): OnTerminal {
  const child = new Deno.Command(PYTHON, {
    args: ["-c", RUN, executable, ...args],
    cwd: new URL("../..", import.meta.url).pathname,
    env: { NO_COLOR: "", TERM: term },
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const screen = new Screen(80, 24);
  const stdin = child.stdin.getWriter();
  const shown = (async () => {
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) screen.add(text);
  })();
  return {
    get written() {
      return screen.written;
    },
    type: (keys) => stdin.write(new TextEncoder().encode(keys)),
    async shows(pattern) {
      const end = performance.now() + PATIENCE;
      while (performance.now() < end) {
        const text = await screen.text();
        if (pattern.test(text)) return text;
        await delay(10);
      }
      throw new Error(`Waited in vain for ${pattern}:\n${await screen.text()}`);
    },
    async result() {
      const { code } = await deadline(child.status, PATIENCE);
      await shown;
      return { code, text: await screen.text() };
    },
    async [Symbol.asyncDispose]() {
      await stdin.close().catch(() => {}); // hangs the terminal up
      try {
        child.kill("SIGKILL");
      } catch {
        // It has ended.
      }
      await child.status;
      await shown;
      await screen[Symbol.asyncDispose]();
    },
  };
}

/** A terminal without a window, and an output that goes to it. */
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
