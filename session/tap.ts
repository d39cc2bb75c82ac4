/**
 * Listening in on conversations, for recordings.
 *
 * @module
 */

import type { FaultKind } from "./fault_policy.ts";
import { Conversation, type Shared } from "./session.ts";

/** Told of every frame. Conversations are counted from 1. It must not throw. */
export interface Tap {
  /** A conversation has begun; `sharesFrames` is whether in `asyncpkt.v1`. */
  opened(connection: number, sharesFrames: boolean): void;
  /** A frame has come, whatever it holds. */
  received(connection: number, frame: string | Uint8Array): void;
  /** A frame goes out. */
  sent(connection: number, frame: string): void;
  /** A conversation has ended. */
  closed(connection: number): void;
}

/** A conversation that is listened in on. Another class, so that the others need not ask. */
export class TappedConversation extends Conversation {
  readonly #tap: Tap;
  readonly #connection: number;
  #isOver = false;

  constructor(
    tap: Tap,
    connection: number,
    shared: Shared,
    number: number,
    send: (frame: string) => void,
    sharesFrames: boolean,
    onFault: (kind: FaultKind) => void,
  ) {
    const tapped = (frame: string) => {
      tap.sent(connection, frame);
      send(frame);
    };
    super(shared, number, tapped, sharesFrames, onFault);
    this.#tap = tap;
    this.#connection = connection;
    tap.opened(connection, sharesFrames);
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
