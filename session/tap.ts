/**
 * Taps see all frames of all sessions, such as to record them.
 *
 * @module
 */

import { type AsciiText, type Frame, frameOf } from "../protocol/wire.ts";
import type { Carrier, SessionContext } from "./context.ts";
import { Session } from "./session.ts";

/** Callbacks for every frame; they must not throw. Connections are numbered from 1. */
export interface Tap {
  /** A session was opened; `batched` is whether it speaks `asyncpkt.v1`. */
  opened(connection: number, batched: boolean): void;
  /** A frame was received, valid or not. */
  received(connection: number, frame: string | Uint8Array): void;
  /** A frame is sent. */
  sent(connection: number, frame: string | Uint8Array): void;
  /** A session was closed. */
  closed(connection: number): void;
}

/** A session with a tap; other sessions pay nothing for it. */
export class TappedSession extends Session {
  readonly #tap: Tap;
  readonly #tapNumber: number;

  /** @param tapNumber its number for the tap, which never changes. */
  constructor(
    tap: Tap,
    tapNumber: number,
    context: SessionContext,
    number: number,
    connection: number,
    carrier: Carrier,
    batched: boolean,
  ) {
    const tapped: Carrier = {
      send(frame) {
        tap.sent(tapNumber, frame);
        carrier.send(frame);
      },
      sendBinary(frame) {
        tap.sent(tapNumber, frame);
        carrier.sendBinary?.(frame);
      },
      address: carrier.address,
      close: (code, reason) => carrier.close?.(code, reason),
      reset: () => carrier.reset?.() ?? false,
      dropped: () => carrier.dropped?.(),
    };
    if (carrier.sendFaulty !== undefined) {
      tapped.sendFaulty = (kind, frame, parameter) => {
        if (kind !== "stall" && kind !== "reset") tap.sent(tapNumber, frame);
        carrier.sendFaulty!(kind, frame, parameter);
      };
    }
    super(context, number, connection, tapped, batched);
    this.#tap = tap;
    this.#tapNumber = tapNumber;
    tap.opened(tapNumber, batched);
  }

  override receive(frame: Frame | AsciiText, now: number): void {
    if (!this.isClosed) this.#tap.received(this.#tapNumber, frameOf(frame));
    super.receive(frame, now);
  }

  override close(): void {
    if (!this.isClosed) this.#tap.closed(this.#tapNumber);
    super.close();
  }
}
