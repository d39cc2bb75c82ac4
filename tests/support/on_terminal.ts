/**
 * Programs on a terminal, a pty of Python's.
 *
 * @module
 */

import { deadline } from "@std/async/deadline";
import { succeeds } from "./machine.ts";
import { Screen } from "./screen.ts";
import { PATIENCE, until } from "./waiting.ts";

const PYTHON = "/usr/bin/python3";

/** Runs a command on a terminal with this many rows and columns, and copies input and output. */
const RUN = `
import fcntl, os, pty, select, struct, sys, termios
rows, columns, *command = sys.argv[1:]
child, terminal = pty.fork()
if child == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", int(rows), int(columns), 0, 0))
    os.execv(command[0], command)
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

/** Options for {@linkcode startOnTerminal}. */
export interface TerminalOptions {
  /** Type of the terminal. @default {"xterm-256color"} */
  term?: string;
  /** @default {80} */
  columns?: number;
  /** @default {24} */
  rows?: number;
  /** Receives the output as it comes, control sequences and all. */
  onOutput?: (text: string) => void;
}

/** Starts an executable on a terminal. Its disposal kills it if it still runs. */
export function startOnTerminal(
  executable: string,
  args: string[],
  { term = "xterm-256color", columns = 80, rows = 24, onOutput }: TerminalOptions = {},
): OnTerminal {
  const child = new Deno.Command(PYTHON, {
    args: ["-c", RUN, `${rows}`, `${columns}`, executable, ...args],
    cwd: new URL("../..", import.meta.url).pathname,
    env: { NO_COLOR: "", TERM: term },
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const screen = new Screen(columns, rows);
  const stdin = child.stdin.getWriter();
  const shown = (async () => {
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
      screen.add(text);
      onOutput?.(text);
    }
  })();
  return {
    get written() {
      return screen.written;
    },
    type: (keys) => stdin.write(new TextEncoder().encode(keys)),
    async shows(pattern) {
      let text = "";
      await until(`the terminal shows ${pattern}`, async () => {
        text = await screen.text();
        return pattern.test(text);
      }).catch((error) => Promise.reject(new Error(`${error.message}:\n${text}`)));
      return text;
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

/** For the names of tests that are ignored because there is no terminal for them; else empty. */
export const NO_PTY: string = await succeeds(PYTHON, ["-c", "import pty"])
  ? ""
  : ` (ignored: no ${PYTHON} with pty)`;
