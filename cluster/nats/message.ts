/**
 * What gateways and workers write to each other. A request in the queue is a packet whose id is the
 * gateway's key for it, and its answer is the answer to that packet, as the protocol has them.
 *
 * @module
 */

import type { ErrorAnswer } from "../../protocol.ts";
import { parseJson } from "../../protocol/parse_json.ts";

/** The header that names the gateway that asked. */
export const GATEWAY = "Asyncpkt-Gateway";

/** The header that says how long a request is to wait, in milliseconds. */
export const DELAY = "Asyncpkt-Delay";

/**
 * The header of an answer that says on which subject it is to be confirmed to the queue. The NATS server
 * does not let clients name such a subject for replies.
 */
export const CONFIRM = "Asyncpkt-Confirm";

/**
 * How much sooner than its delay is over a request comes out of the queue, in milliseconds. The answer
 * then waits at its gateway, which is exact; NATS is so by tens of milliseconds, under load by hundreds.
 */
export const HEAD_START = 300;

/** How much may be added to data to make a packet or its answer of it, headers included, in bytes. */
export const ENVELOPE = 1024;

const encoder = new TextEncoder();
const BEFORE_KEY = '{"request_id":"';
const BEFORE_DATA = '","data":';

/** The packet for the queue; the data is `source[at .. end]`, as JSON text without its quotes. */
export function encodeRequest(
  key: string,
  source: Uint8Array,
  at: number,
  end: number,
): Uint8Array {
  const before = encoder.encode(`${BEFORE_KEY}${key}${BEFORE_DATA}"`);
  const packet = new Uint8Array(before.length + end - at + 2);
  packet.set(before);
  packet.set(source.subarray(at, end), before.length);
  packet.set([0x22, 0x7d], packet.length - 2); // `"}`
  return packet;
}

/** An answer of a worker: the JSON text of the representation, or else what went wrong. */
export type Converted =
  & { readonly key: string }
  & ({ readonly representation: string } | { readonly error: string });

/**
 * Reads an answer of a worker.
 *
 * @throws {SyntaxError} if it is none.
 */
export function decodeConverted(text: string): Converted {
  const end = text.indexOf('"', BEFORE_KEY.length);
  if (!text.startsWith(BEFORE_KEY) || end < 0) throw new SyntaxError("not an answer of a worker");
  const key = text.slice(BEFORE_KEY.length, end);
  if (text.startsWith(BEFORE_DATA, end)) {
    return { key, representation: text.slice(end + BEFORE_DATA.length, -1) };
  }
  const { error } = parseJson(text) as Partial<ErrorAnswer>;
  return { key, error: `a worker answered: ${error?.message}` };
}

/**
 * How long a request has yet to wait in the queue. It waits no longer than its delay, whatever the clocks
 * of the queue and the worker say.
 *
 * @param storedAt when it came into the queue, by the queue's clock.
 */
export function restOf(storedAt: number, delay: number, now: number): number {
  return Math.min(storedAt + delay - now, delay) - HEAD_START;
}
