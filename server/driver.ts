/**
 * Brings frames, news from elsewhere, and the passing of time to sessions.
 *
 * @module
 */

import { setImmediate } from "node:timers";
import type { Session } from "../session/session.ts";
import type { Sessions } from "../session/sessions.ts";
import type { Told } from "../session/responder.ts";

/**
 * The one clock of a process. A timer fires when the next request is due, but timers are late by up to
 * 2 ms; so every frame that comes in also moves the time on, and the busier the server, the more exact.
 */
export class Driver implements Told {
  readonly #sessions: Sessions;
  readonly #onFault: (error: unknown) => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** When the timer fires. */
  #timerAt = Infinity;
  #willFlush = false;
  #idle: PromiseWithResolvers<void> | undefined;

  /** @param onFault told of what goes wrong when nobody calls: in a timer. */
  constructor(sessions: Sessions, onFault: (error: unknown) => void) {
    this.#sessions = sessions;
    this.#onFault = onFault;
  }

  /** Brings a frame that has just arrived. */
  receive(session: Session, frame: string | Uint8Array): void {
    const sessions = this.#sessions;
    // Asking for the time is a twentieth of what a small message costs.
    if (sessions.isTimeless) {
      session.receive(frame, 0);
    } else {
      const now = performance.now();
      session.receive(frame, now);
      sessions.advance(now);
      this.#update(now);
    }
    this.#flushSoon();
  }

  accepted(key: string, ticket: number): boolean {
    const isAwaited = this.#sessions.accepted(key, ticket);
    this.#settle();
    return isAwaited;
  }

  refused(key: string): void {
    this.#sessions.refused(key);
    this.#settle();
  }

  converted(key: string, representation: string): void {
    this.#sessions.converted(key, representation, performance.now());
    this.#settle();
  }

  failed(key: string, error: unknown): void {
    this.#sessions.failed(key, error);
    this.#settle();
  }

  /** Ends a session, whose requests in flight are dropped. */
  close(session: Session): void {
    this.#sessions.close(session);
    this.#update(performance.now());
  }

  /** Resolves once nothing is in flight. */
  idle(): Promise<void> {
    const { promise } = this.#idle ??= Promise.withResolvers();
    this.#update(performance.now());
    return promise;
  }

  /** Answers nothing any more that is still in flight. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timerAt = -Infinity;
  }

  /** After what may have answered a request that was handed over. */
  #settle(): void {
    this.#flushSoon();
    this.#update(performance.now());
  }

  /** Frames that arrive in the same turn of the event loop are answered together. */
  #flushSoon(): void {
    if (!this.#sessions.hasUnsent || this.#willFlush) return;
    this.#willFlush = true;
    setImmediate(this.#flush);
  }

  #flush = (): void => {
    this.#willFlush = false;
    try {
      this.#sessions.flush();
    } catch (error) {
      this.#onFault(error);
    }
  };

  #onTimer = (): void => {
    this.#timer = undefined;
    this.#timerAt = Infinity;
    const now = performance.now();
    try {
      this.#sessions.advance(now);
      this.#sessions.flush();
    } catch (error) {
      this.#onFault(error);
    }
    this.#update(now);
  };

  /** Sets the timer for what is due next, and says when nothing is in flight any more. */
  #update(now: number): void {
    if (this.#idle !== undefined && this.#sessions.inFlight === 0) {
      this.#idle.resolve();
      this.#idle = undefined;
    }
    const { nextDue } = this.#sessions;
    // A timer that fires too early costs less than setting it anew for every change.
    if (nextDue >= this.#timerAt && nextDue < Infinity) return;
    clearTimeout(this.#timer);
    this.#timerAt = nextDue;
    // What could not be answered when it was due, as something failed, is overdue.
    if (nextDue < Infinity) this.#timer = setTimeout(this.#onTimer, Math.max(nextDue - now, 0));
  }
}
