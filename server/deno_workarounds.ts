/**
 * Workarounds for bugs of Deno. Each says what is broken, in which versions, how to see it, and
 * when the workaround can go.
 *
 * @module
 */

import { delay } from "@std/async/delay";

/*
 * One WebSocket starves everything else.
 *
 * Broken: Deno reads a WebSocket in a loop that awaits the next message. While messages have
 * arrived already, that await takes no turn of the event loop. So a peer that never stops sending
 * keeps timers and other connections from running, and its own answers from being written.
 * Versions: 2.7.11 and 2.9.6.
 * To see it: deno_workarounds_test.ts counts the messages that Deno handles in one turn.
 * It can go when the test "Deno starves …" fails on the oldest Deno that is supported.
 *
 * ReadFairness replaces a private method of the socket. If a version of Deno lacks it, everything
 * works without fairness; a test notices.
 */

/** Data that a connection may receive and send in one turn, in UTF-16 units or bytes. */
const TURN = 1 << 20;

/** Cost of a message besides its length: it takes as much time as this many units more. */
const MESSAGE = 1500;

/** A connection with more unsent bytes than this pauses before it reads on. */
const BACKLOG = 1 << 18;

/**
 * Longest of its pauses, in milliseconds; they begin with 1 and double. After that the connection
 * reads on, since the peer may never read its answers, or may be gone.
 */
const MAX_PAUSE = 64;

/** A socket with Deno's private members: its loop, which runs until its state is CLOSED. */
type Internals = Record<symbol, unknown>;

/**
 * Takes turns between one WebSocket and everything else. After so much data, the loop that reads
 * the socket ends, as it does when the socket is closed, and starts again after a turn of the event
 * loop, or later if the peer has not read its answers. Meanwhile TCP holds the peer up.
 */
export class ReadFairness {
  /** Whether the loop was told to end and may not have: until then, the socket seems closed. */
  isEnding = false;

  readonly #socket: WebSocket & Internals;
  readonly #state: symbol | undefined;
  readonly #loop: (() => Promise<void>) | undefined;
  readonly #onError: (error: unknown) => void;
  #left = TURN;
  #hasEnded = false;

  /** @param onError called if reading fails in a way for which the socket has no event. */
  constructor(socket: WebSocket, onError: (error: unknown) => void) {
    this.#socket = socket as WebSocket & Internals;
    this.#onError = onError;
    this.#state = symbolOf(socket, "[[readyState]]");
    const loop = symbolOf(WebSocket.prototype, "[[eventLoop]]");
    if (loop === undefined || this.#state === undefined) return;
    this.#loop = (this.#socket[loop] as () => Promise<void>).bind(socket);
    this.#socket[loop] = () => this.#run();
  }

  /** Counts a message, received or sent. */
  spend(length: number): void {
    this.#left -= length + MESSAGE;
  }

  /** Ends the turn if it is used up. A message handler must call this last. */
  endIfSpent(): void {
    if (this.#left > 0) return;
    this.#left = TURN;
    if (this.#loop === undefined || this.#socket[this.#state!] !== WebSocket.OPEN) return;
    this.#socket[this.#state!] = WebSocket.CLOSED;
    this.isEnding = true;
    this.#hasEnded = true;
  }

  /**
   * Makes the socket open again, for sending and closing. The loop looks at the state as soon as
   * the message handler returns, so this may be called at any time after that.
   */
  reopen(): void {
    if (!this.isEnding) return;
    this.isEnding = false;
    this.#socket[this.#state!] = WebSocket.OPEN;
  }

  async #run(): Promise<void> {
    try {
      do {
        this.#hasEnded = false;
        await this.#loop!();
        this.reopen();
        if (this.#hasEnded) await this.#pause();
      } while (this.#hasEnded);
    } catch (error) {
      this.#onError(error);
      // onError() has closed the socket; only the loop notices when the peer has closed it as well.
      await this.#loop!().catch(() => {});
    }
  }

  async #pause(): Promise<void> {
    // Deno 2.7 has no type for the global function.
    const { setImmediate } = globalThis as unknown as { setImmediate(call: () => void): void };
    await new Promise<void>((resolve) => setImmediate(resolve));
    for (let pause = 1; pause <= MAX_PAUSE && this.#socket.bufferedAmount > BACKLOG; pause *= 2) {
      await delay(pause);
    }
  }
}

function symbolOf(object: object, name: string): symbol | undefined {
  return Object.getOwnPropertySymbols(object).find(({ description }) => description === name);
}

/*
 * A text that is too long for a string ends the process.
 *
 * Broken: if a WebSocket receives a text of 512 MiB or more in fragments, Deno rejects a promise
 * that nobody can handle, which ends the process, client or server. The error does not say which
 * socket it was, and that socket neither receives nor closes any more.
 * Versions: 2.7.11 and 2.9.6.
 * To see it: process_test.ts sends such a text to `asyncpkt send`, which ends with exit code 1 and
 * a stack trace without this workaround. On servers, ReadFairness catches the error first.
 * It can go when Deno fires an `error` event instead, on the oldest Deno that is supported.
 */

/** Whether this is Deno's unhandled rejection for a text of 512 MiB or more. */
export function isTooLongText(reason: unknown): boolean {
  return reason instanceof TypeError && /^failed to allocate string/.test(reason.message);
}

/**
 * Keeps the process alive until it is disposed when a peer sends a text that is too long for a
 * string. Other rejections still end the process.
 *
 * @param onTooLong called after such a text.
 */
export function surviveLongTexts(onTooLong: () => void): Disposable {
  const onRejection = (event: PromiseRejectionEvent) => {
    if (!isTooLongText(event.reason)) return;
    event.preventDefault();
    onTooLong();
  };
  globalThis.addEventListener("unhandledrejection", onRejection);
  return {
    [Symbol.dispose]: () => globalThis.removeEventListener("unhandledrejection", onRejection),
  };
}
