/**
 * Idle connections: each gets a ping after half of its idle timeout, and is closed after the whole if
 * nothing has come by then.
 *
 * Deno does that itself, but it cancels and sets a timer for every message, which is 8 % of all that a
 * small message costs a busy server. Here its handler is called once in an interval instead, so a ping may
 * be late by an interval, and never comes early. Where the handler cannot be found, as may be in a later
 * version, everything goes on as it is.
 *
 * @module
 */

/** How long a connection may be silent, in seconds. */
export const IDLE_TIMEOUT = 30;

/** How often the connections that have been heard of are told to Deno, in milliseconds. */
const INTERVAL = 5000;

const REARM = Object.getOwnPropertySymbols(WebSocket.prototype)
  .find(({ description }) => description === "[[serverHandleIdleTimeout]]");

/** A connection whose timer is set by a method of its own. */
type Rearmed = Record<symbol, () => void>;

/** Passes on to Deno that a connection has been heard of: at once, and then once in an interval. */
export class IdleWatch {
  /** What the end of the interval is told to, for each connection that was heard of in it. */
  readonly #heard = new Set<() => void>();
  readonly #onFault: (error: unknown) => void;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param onFault told of what goes wrong in a timer, where nobody calls. */
  constructor(onFault: (error: unknown) => void) {
    this.#onFault = onFault;
  }

  /** Watches a connection. */
  add(socket: WebSocket): void {
    if (REARM === undefined) return;
    const watched = socket as unknown as Rearmed;
    const rearm = watched[REARM]!.bind(socket);
    let isArmed = false; // in this interval
    let isHeard = false; // since then
    const endInterval = () => {
      isArmed = false;
      if (!isHeard || socket.readyState !== WebSocket.OPEN) return;
      isHeard = false;
      hear();
    };
    const hear = () => {
      if (isArmed) {
        isHeard = true;
        return;
      }
      isArmed = true;
      rearm();
      this.#heard.add(endInterval);
      this.#timer ??= setTimeout(this.#endInterval, INTERVAL);
    };
    watched[REARM] = hear;
  }

  /** Ends the watch. */
  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#heard.clear();
  }

  #endInterval = (): void => {
    this.#timer = undefined;
    const heard = [...this.#heard];
    this.#heard.clear();
    for (const endInterval of heard) {
      try {
        endInterval();
      } catch (error) {
        this.#onFault(error);
      }
    }
  };
}
