/**
 * Listening to sessions, for recordings.
 *
 * @module
 */

import type { Carrier, SessionContext } from "./context.ts";
import { Session } from "./session.ts";

/** Called for every frame. Connections are counted from 1. It must not throw. */
export interface Tap {
  /** A session has begun; `batched` is whether in `asyncpkt.v1`. */
  opened(connection: number, batched: boolean): void;
  /** A frame has come, whatever it holds. */
  received(connection: number, frame: string | Uint8Array): void;
  /** A frame goes out. */
  sent(connection: number, frame: string): void;
  /** A session has ended. */
  closed(connection: number): void;
}

/** A session with a tap. A class of its own, so that the others need not ask. */
export class TappedSession extends Session {
  readonly #tap: Tap;
  readonly #connection: number;
  #isOver = false;

  constructor(
    tap: Tap,
    connection: number,
    context: SessionContext,
    number: number,
    carrier: Carrier,
    batched: boolean,
  ) {
    const tapped: Carrier = {
      send(frame) {
        tap.sent(connection, frame);
        carrier.send(frame);
      },
      disconnect: () => carrier.disconnect?.(),
      dropped: () => carrier.dropped?.(),
    };
    super(context, number, tapped, batched);
    this.#tap = tap;
    this.#connection = connection;
    tap.opened(connection, batched);
  }

  override receive(frame: string | Uint8Array, now: number): void {
    if (!this.#isOver) this.#tap.received(this.#connection, frame);
    super.receive(frame, now);
  }

  override close(): void {
    super.close();
    if (this.#isOver) return;
    this.#isOver = true;
    this.#tap.closed(this.#connection);
  }
}
