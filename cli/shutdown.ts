/**
 * Graceful shutdown: the first signal requests it, a later one ends the process at once.
 *
 * @module
 */

/** Exit codes of a process that a signal ends at once. */
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 };

/** A signal that shuts the program down. */
type ShutdownSignal = keyof typeof EXIT_CODES;

/**
 * Time after the first signal in which others are ignored, in milliseconds. On Ctrl-C, a terminal
 * signals every process in its foreground, and task runners such as `deno task` and `npx` forward
 * their signal to the program, which has it already.
 */
const GRACE = 1000;

/** Shutdown of the program. */
export class Shutdown {
  readonly #abort = new AbortController();
  readonly #exit: (code: number) => void;
  #requestedAt = 0;

  /** @param exit ends the process at once. */
  constructor(exit: (code: number) => void = Deno.exit) {
    this.#exit = exit;
  }

  /** Aborted once a shutdown is requested. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Requests a graceful shutdown. A second call does nothing. */
  request(reason: string): void {
    if (this.signal.aborted) return;
    this.#requestedAt = performance.now();
    this.#abort.abort(new Error(reason));
  }

  /** Handles a signal: requests a shutdown, or exits if one was requested a second ago. */
  receive(signal: ShutdownSignal): void {
    if (!this.signal.aborted) this.request(signal);
    else if (performance.now() - this.#requestedAt >= GRACE) this.#exit(EXIT_CODES[signal]);
  }

  /** Starts to handle the signals of this process. */
  listen(): void {
    for (const signal of Object.keys(EXIT_CODES) as ShutdownSignal[]) {
      Deno.addSignalListener(signal, () => this.receive(signal));
    }
  }
}
