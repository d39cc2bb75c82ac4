/**
 * What people give to be sent.
 *
 * @module
 */

import type { RequestId } from "../protocol.ts";
import { decodePacket } from "../protocol/packet.ts";
import { parseJson } from "../protocol/parse_json.ts";

/** The most UTF-16 units of an input that a report of its fault quotes. */
const MAX_QUOTE = 60;

/** An argument or a line, as it is to be sent. */
export interface Input {
  readonly data: string;
  /** Whatever the input has as its id, which may not be one: the client checks it. */
  readonly id: RequestId | undefined;
  /** Why an input that looks like JSON is not a packet. */
  readonly fault?: string;
}

/**
 * Reads one argument or line: the JSON text of a packet, that is an object with `data`; anything else is
 * itself the data of one. If that begins like JSON, `fault` says why it is not a packet.
 */
export function readInput(text: string): Input {
  if (!/^\s*[[{]/.test(text)) return { id: undefined, data: text };
  const given = parse(text);
  if ("reason" in given) return notPacket(text, given.reason);
  const { request_id, data, cancel } = given.value;
  if (typeof data === "string" && cancel !== true) return { id: request_id, data };
  const packet = decodePacket(
    Array.isArray(given.value) ? given.value : { ...given.value, request_id: 0 },
  );
  return notPacket(text, "error" in packet ? packet.error.message : "it cancels a request");
}

function notPacket(text: string, reason: string): Input {
  const quote = text.length > MAX_QUOTE ? `${text.slice(0, MAX_QUOTE)}…` : text;
  return { id: undefined, data: text, fault: `${quote} is not a packet: ${reason}` };
}

/** The members that a packet may have. */
interface Members {
  readonly request_id?: RequestId;
  readonly data?: unknown;
  readonly cancel?: unknown;
}

/** Parses JSON, an object or an array. */
function parse(text: string): { readonly value: Members } | { readonly reason: string } {
  try {
    return { value: parseJson(text) as Members };
  } catch (error) {
    // The input is a line itself, of another number.
    return { reason: (error as Error).message.replace(/ \(line \d+ column \d+\)$/, "") };
  }
}
