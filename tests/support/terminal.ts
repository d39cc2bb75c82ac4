/**
 * The real program on a real terminal, with the help of Python.
 *
 * @module
 */

import { deadline } from "@std/async/deadline";
import { delay } from "@std/async/delay";
import { Screen } from "./screen.ts";
import { PATIENCE } from "./until.ts";

const PYTHON = "/usr/bin/python3";

/** Runs what its arguments say on a terminal of 24 rows and 80 columns, and copies what goes in and out. */
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

/** Why there can be no terminals here; undefined if there can. */
export async function whyNoTerminal(): Promise<string | undefined> {
  try {
    const { success } = await new Deno.Command(PYTHON, { args: ["-c", "import pty"] }).output();
    return success ? undefined : `${PYTHON} has no pty`;
  } catch {
    return `there is no ${PYTHON}`;
  }
}

/** A program on a terminal. */
export interface OnTerminal extends AsyncDisposable {
  /** All that was written, control sequences and all. */
  readonly written: string;
  /** Types something; `\x03` is Ctrl-C. */
  type(keys: string): Promise<void>;
  /** Resolves to what the screen shows, scrolled up or not, once it matches. */
  shows(pattern: RegExp): Promise<string>;
  /** Waits for its end; resolves to its exit code, and to what the screen then shows. */
  result(): Promise<{ code: number; text: string }>;
}

/**
 * Starts an executable on a terminal. `await using` ends it, should it still run.
 *
 * @param term the terminal's type, as in TERM.
 */
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
      await stdin.close().catch(() => {}); // which hangs the terminal up
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
