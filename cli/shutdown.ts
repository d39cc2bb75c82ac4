/**
 * Graceful shutdown: the first signal asks for it, a later one ends the process at once.
 *
 * @module
 */

/** Exit codes of a process that ends at once, by its signal. */
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 };

/** A signal that shuts the program down. */
type ShutdownSignal = keyof typeof EXIT_CODES;

/**
 * How long after the first signal another one does not count, in milliseconds. On Ctrl-C, a terminal
 * signals every process in its foreground, and task runners such as `deno task` and `npx` then forward
 * their own signal to the program, which has it already.
 */
const REPEAT = 1000;

/** What {@linkcode Shutdown} needs of the process. */
export interface ShutdownProcess {
  /** Returns a monotonic time, in milliseconds. @default {performance.now} */
  readonly now?: () => number;
  /** Ends the process at once. @default {Deno.exit} */
  readonly exit?: (code: number) => void;
}

/**
 * The shutdown of the program.
 */
export class Shutdown {
  readonly #abort = new AbortController();
  readonly #now: () => number;
  readonly #exit: (code: number) => void;
  #requestedAt = 0;

  /** Prepares a shutdown. */
  constructor(process: ShutdownProcess = {}) {
    this.#now = process.now ?? (() => performance.now());
    this.#exit = process.exit ?? Deno.exit;
  }

  /** Aborted once a shutdown is requested. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Requests a graceful shutdown; does nothing if one has been requested already. */
  request(reason: string): void {
    if (this.signal.aborted) return;
    this.#requestedAt = this.#now();
    this.#abort.abort(new Error(reason));
  }

  /** Takes a signal: requests a graceful shutdown, or ends the process if that was a second ago. */
  receive(signal: ShutdownSignal): void {
    if (!this.signal.aborted) this.request(signal);
    else if (this.#now() - this.#requestedAt >= REPEAT) this.#exit(EXIT_CODES[signal]);
  }

  /** Takes the signals of this process from now on. */
  listen(): void {
    for (const signal of Object.keys(EXIT_CODES) as ShutdownSignal[]) {
      Deno.addSignalListener(signal, () => this.receive(signal));
    }
  }
}
