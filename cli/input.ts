/**
 * Inputs of users: data or packets.
 *
 * @module
 */

import type { RequestId } from "../protocol.ts";
import { decodePacket } from "../protocol/packet.ts";
import { parseJson } from "../protocol/parse_json.ts";
import { messageOf } from "./exit.ts";

/** Most UTF-16 units of a faulty input that an error quotes. */
const MAX_QUOTE = 60;

/** An argument or a line, as data to send. */
export interface Input {
  readonly data: string;
  /** The id in the input, if any. It may be invalid; the client checks it. */
  readonly id: RequestId | undefined;
  /** Why an input that begins like JSON is not a packet. */
  readonly fault?: string;
}

/**
 * Reads an argument or a line. A JSON object with `data` is a packet; anything else is data. If such data
 * begins like JSON, `fault` says why it is not a packet.
 */
export function readInput(text: string): Input {
  if (!/^\s*[[{]/.test(text)) return { id: undefined, data: text };
  let value: {
    readonly request_id?: RequestId;
    readonly data?: unknown;
    readonly cancel?: unknown;
  };
  try {
    value = parseJson(text) as typeof value;
  } catch (error) {
    // The input is one line, whose number in the file is another.
    return notPacket(text, messageOf(error).replace(/ \(line \d+ column \d+\)$/, ""));
  }
  const { request_id: id, data, cancel } = value;
  if (typeof data === "string" && cancel !== true) return { id, data };
  const packet = decodePacket(Array.isArray(value) ? value : { ...value, request_id: 0 });
  return notPacket(text, "error" in packet ? packet.error.message : "it cancels a request");
}

function notPacket(text: string, reason: string): Input {
  const quote = text.length > MAX_QUOTE ? `${text.slice(0, MAX_QUOTE)}…` : text;
  return { id: undefined, data: text, fault: `${quote} is not a packet: ${reason}` };
}
