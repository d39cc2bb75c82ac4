/**
 * Passes frames, the time, and the responder's callbacks to sessions.
 *
 * @module
 */

import type { AsciiText, Frame } from "../protocol/wire.ts";
import { setImmediate } from "node:timers";
import { type Clock, realClock } from "../session/clock.ts";
import type { ResponderCallbacks } from "../session/responder.ts";
import type { Session } from "../session/session.ts";
import type { Sessions } from "../session/sessions.ts";

/**
 * Drives the sessions of a server. A timer fires when the next request is due. Timers are up to 2
 * ms late, so each received frame passes the time as well: the busier the server, the less late its
 * answers.
 */
export class Driver implements ResponderCallbacks {
  readonly #sessions: Sessions;
  readonly #clock: Clock;
  readonly #onError: (error: unknown) => void;
  #cancelTimer = () => {};
  #timerAt = Infinity;
  #willFlush = false;
  #idle: PromiseWithResolvers<void> | undefined;
  #exceptHeld = false;

  /** @param onError called with errors in timers. */
  constructor(sessions: Sessions, clock: Clock, onError: (error: unknown) => void) {
    this.#sessions = sessions;
    this.#clock = clock;
    this.#onError = onError;
    sessions.start(this);
  }

  get isRealTime(): boolean {
    return this.#clock === realClock;
  }

  receive(session: Session, frame: Frame | AsciiText): void {
    const sessions = this.#sessions;
    // Asking for the time takes a twentieth of the time of a small message.
    if (sessions.isTimeless) {
      session.receive(frame, 0);
    } else {
      const now = this.#clock.arrival();
      session.receive(frame, now);
      sessions.advance(now);
      this.#update();
    }
    this.#flushSoon();
  }

  /** Refuses a frame that was not read whole; see {@linkcode Session.refuseTooLong}. */
  refuseTooLong(session: Session, head: Uint8Array, size: number): void {
    session.refuseTooLong(head, size);
    this.#flushSoon();
  }

  accepted(entry: number): void {
    this.#sessions.ownerOf(entry).accept(entry);
    this.settle();
  }

  rejected(entry: number): void {
    this.#sessions.ownerOf(entry).reject(entry);
    this.settle();
  }

  failed(entry: number, error: unknown): void {
    this.#sessions.ownerOf(entry).fail(entry, error);
    this.settle();
  }

  ready(entry: number, due: number): void {
    this.#sessions.ownerOf(entry).answerDue(entry, due, this.#clock.now());
    this.settle();
  }

  /** Answers held requests at once, in this order. */
  release(entries: readonly number[]): void {
    const now = this.#clock.now();
    for (const entry of entries) {
      // A request before it may have ended their connection.
      if (this.#sessions.held.has(entry)) this.#sessions.ownerOf(entry).release(entry, now);
    }
    this.#sessions.flush();
    this.#update();
  }

  /** Closes a session and drops its requests in flight. */
  close(session: Session): void {
    this.#sessions.close(session);
    this.#update();
  }

  /**
   * Resolves once nothing is in flight.
   *
   * @param exceptHeld whether requests that no time answers do not count.
   */
  idle(exceptHeld: boolean): Promise<void> {
    this.#exceptHeld = exceptHeld;
    const { promise } = this.#idle ??= Promise.withResolvers();
    this.#update();
    return promise;
  }

  /** Stops answering requests in flight. */
  stop(): void {
    this.#cancelTimer();
    this.#timerAt = -Infinity;
  }

  /** Called after a change that may have sent an answer. */
  settle(): void {
    this.#flushSoon();
    this.#update();
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
      this.#onError(error);
    }
    this.#update();
  };

  #onTimer = (): void => {
    this.#timerAt = Infinity;
    try {
      this.#sessions.advance(this.#clock.now());
      this.#sessions.flush();
    } catch (error) {
      this.#onError(error);
    }
    this.#update();
  };

  #checkIdle({ resolve }: PromiseWithResolvers<void>): void {
    const { inFlight, held } = this.#sessions;
    if (inFlight > (this.#exceptHeld ? held.size : 0)) return;
    resolve();
    this.#idle = undefined;
  }

  /** Sets the timer for the next due request, and resolves `idle()` if nothing is in flight. */
  #update(): void {
    if (this.#idle !== undefined) this.#checkIdle(this.#idle);
    const { nextDue } = this.#sessions;
    // A timer that fires too early costs less than setting a timer on each change.
    if (nextDue >= this.#timerAt && nextDue < Infinity) return;
    this.#cancelTimer();
    this.#timerAt = nextDue;
    if (nextDue < Infinity) this.#cancelTimer = this.#clock.callAt(nextDue, this.#onTimer);
  }
}
