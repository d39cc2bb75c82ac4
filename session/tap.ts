/**
 * Listening in on sessions, for recordings.
 *
 * @module
 */

import type { FaultKind } from "./fault_policy.ts";
import { Session, type Shared } from "./session.ts";

/** Told of every frame. Sessions are counted from 1. It must not throw. */
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

/** A session that is listened in on. Another class, so that the others need not ask. */
export class TappedSession extends Session {
  readonly #tap: Tap;
  readonly #connection: number;
  #isOver = false;

  constructor(
    tap: Tap,
    connection: number,
    shared: Shared,
    number: number,
    send: (frame: string) => void,
    batched: boolean,
    onFault: (kind: FaultKind) => void,
  ) {
    const tapped = (frame: string) => {
      tap.sent(connection, frame);
      send(frame);
    };
    super(shared, number, tapped, batched, onFault);
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
