/**
 * Turns: no connection keeps the others waiting.
 *
 * Deno reads a connection in a loop that awaits the next message. While messages are there already, that
 * await takes no turn of the event loop, so a peer that sends without end keeps everything else from
 * running: timers, other connections, even the writing of its own answers, which pile up. One such peer
 * stopped a server for seconds on end. Here the loop ends itself after so much, as it does when the
 * connection is closed, and is begun again after a turn of the event loop, or a little later if the peer
 * has not read its answers by then. In between nothing is read, so a peer that sends too fast is held up
 * by TCP.
 *
 * The loop is a method of Deno's own. Where it cannot be found, as may be in a later version, everything
 * goes on without turns.
 *
 * @module
 */

import { setImmediate, setTimeout } from "node:timers/promises";

/** How much a connection may bring and be sent in one turn, in the units of its messages' lengths. */
const TURN = 1 << 20;

/** What a message costs beside its length: as much time as this many units more. */
const MESSAGE = 1500;

/** With more bytes of answers than this yet to be written, a connection waits a little before it reads on. */
const BACKLOG = 1 << 18;

/**
 * How long it waits at most between two looks, in milliseconds: 1, then twice as long each time. After that
 * it reads on all the same, as it may be that nobody will ever read its answers, or that the peer has gone.
 */
const MAX_WAIT = 64;

const LOOP = Object.getOwnPropertySymbols(WebSocket.prototype)
  .find(({ description }) => description === "[[eventLoop]]");

/** What of a socket is Deno's own: its loop, which runs until its state is CLOSED. */
type Inside = Record<symbol, unknown>;

/** The turns of one connection. */
export class Turns {
  /** Whether the loop has been told to end and may not know yet: the socket seems to be closed. */
  isEnding = false;

  readonly #socket: WebSocket & Inside;
  readonly #state: symbol | undefined;
  readonly #loop: (() => Promise<void>) | undefined;
  readonly #onFault: (error: unknown) => void;
  #left = TURN;
  #hasEnded = false;

  /** @param onFault told when reading fails in a way that the socket itself has no event for. */
  constructor(socket: WebSocket, onFault: (error: unknown) => void) {
    this.#socket = socket as WebSocket & Inside;
    this.#onFault = onFault;
    this.#state = Object.getOwnPropertySymbols(socket)
      .find(({ description }) => description === "[[readyState]]");
    if (LOOP === undefined || this.#state === undefined) return;
    this.#loop = (this.#socket[LOOP] as () => Promise<void>).bind(socket);
    this.#socket[LOOP] = () => this.#run();
  }

  /** Called for each message, either way. */
  spend(length: number): void {
    this.#left -= length + MESSAGE;
  }

  /** Called when a message has been dealt with, as the last that its handler does. */
  endIfSpent(): void {
    if (this.#left > 0) return;
    this.#left = TURN;
    if (this.#loop === undefined || this.#socket[this.#state!] !== WebSocket.OPEN) return;
    this.#socket[this.#state!] = WebSocket.CLOSED;
    this.isEnding = true;
    this.#hasEnded = true;
  }

  /**
   * Makes the socket open again. The loop looks at its state as soon as the handler returns, so whoever
   * comes after that may do this, and must before it sends or closes.
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
        if (this.#hasEnded) await this.#wait();
      } while (this.#hasEnded);
    } catch (error) {
      this.#onFault(error);
      // Whoever has been told has closed the socket; it takes the loop to hear of the peer's closing.
      await this.#loop!().catch(() => {});
    }
  }

  async #wait(): Promise<void> {
    await setImmediate();
    for (let wait = 1; wait <= MAX_WAIT && this.#socket.bufferedAmount > BACKLOG; wait *= 2) {
      await setTimeout(wait);
    }
  }
}
