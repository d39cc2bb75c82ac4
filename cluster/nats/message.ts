/**
 * Messages between gateways and workers. A request in the queue is a packet of the protocol whose id
 * is the gateway's key for the request. A worker answers it as the protocol says.
 *
 * @module
 */

import type { ErrorAnswer } from "../../protocol.ts";
import { parseJson } from "../../protocol/parse_json.ts";

/** Header with the id of the gateway that published a request. */
export const GATEWAY = "Asyncpkt-Gateway";

/** Header with the delay of a request, in milliseconds. */
export const DELAY = "Asyncpkt-Delay";

/**
 * Header of an answer: the subject on which the gateway acknowledges the request. It is not the reply
 * subject of the message, since NATS does not let clients set a subject of JetStream there.
 */
export const CONFIRM = "Asyncpkt-Confirm";

/**
 * How much earlier than due a request leaves the queue, in milliseconds. NATS is late by tens of
 * milliseconds, under load by hundreds. The gateway keeps an early answer until it is due.
 */
export const HEAD_START = 300;

/** Most bytes that a packet or an answer has besides its data, headers included. */
export const MAX_ENVELOPE = 1024;

const encoder = new TextEncoder();
const BEFORE_KEY = '{"request_id":"';
const BEFORE_DATA = '","data":';

/** Returns the packet for the queue. `source[at .. end]` is its data: JSON text without quotes. */
export function encodeWorkerRequest(
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

/** A worker's answer: the representation as JSON text, or an error message. */
export type WorkerAnswer =
  & { readonly key: string }
  & ({ readonly representation: string } | { readonly error: string });

/**
 * Decodes a worker's answer.
 *
 * @throws {SyntaxError} if the text is no such answer.
 */
export function decodeAnswer(text: string): WorkerAnswer {
  const end = text.indexOf('"', BEFORE_KEY.length);
  if (!text.startsWith(BEFORE_KEY) || end < 0) {
    throw new SyntaxError("expected the answer of a worker, got another message");
  }
  const key = text.slice(BEFORE_KEY.length, end);
  if (text.startsWith(BEFORE_DATA, end)) {
    return { key, representation: text.slice(end + BEFORE_DATA.length, -1) };
  }
  const { error } = parseJson(text) as Partial<ErrorAnswer>;
  return { key, error: `a worker answered: ${error?.message}` };
}

/**
 * Returns how long a request still has to wait in the queue, in milliseconds. It is never more than
 * the request's delay, even if the clocks of the queue and the worker differ.
 *
 * @param storedAt when the queue stored the request, by the queue's clock.
 */
export function remainingWait(storedAt: number, delay: number, now: number): number {
  return Math.min(storedAt + delay - now, delay) - HEAD_START;
}
