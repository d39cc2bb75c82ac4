/**
 * Packets and frames: types, validation and JSON text. The server reads most frames in a faster
 * way, with {@linkcode FrameReader}; this module alone decides what is valid.
 *
 * @module
 */

import { type ErrorCode, ERRORS } from "./errors.ts";
import { parseJson } from "./parse_json.ts";

/**
 * The WebSocket subprotocol in which answers share frames and responses have their delay.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { SUBPROTOCOL } from "@asyncpkt/asyncpkt/protocol";
 *
 * assertEquals(SUBPROTOCOL, "asyncpkt.v1"); // for new WebSocket(url, SUBPROTOCOL)
 * ```
 */
export const SUBPROTOCOL = "asyncpkt.v1";

/**
 * The most UTF-16 units of a `request_id`.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { isRequestId, MAX_ID_LENGTH } from "@asyncpkt/asyncpkt/protocol";
 *
 * assert(isRequestId("x".repeat(MAX_ID_LENGTH)));
 * assert(!isRequestId("x".repeat(MAX_ID_LENGTH + 1)));
 * ```
 */
export const MAX_ID_LENGTH = 256;

/**
 * The most packets in a frame.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { decodeFrame, encodeFrame, encodeRequest, MAX_BATCH } from "@asyncpkt/asyncpkt/protocol";
 *
 * const texts = Array.from({ length: MAX_BATCH }, (_, id) => encodeRequest(id, "Hub&&id&&1"));
 * assertEquals(decodeFrame(encodeFrame(texts)).length, MAX_BATCH);
 * ```
 */
export const MAX_BATCH = 1000;

/** The id of a request: a string of 1 to 256 UTF-16 units, or an integer within ±(2^53 − 1). */
export type RequestId = string | number;

/** A request to convert `data`. */
export interface Request {
  /** The id, unique among the requests in flight on a connection; the answer repeats it. */
  request_id: RequestId;
  /** The text to convert. */
  data: string;
}

/** A packet that cancels a request in flight. */
export interface Cancel {
  /** The id of the request. */
  request_id: RequestId;
  /** Marks the packet as a cancel. */
  cancel: true;
}

/** The values of one name: a string, or an array if the name repeats. */
export type Values = string | string[];

/** An entity: its names and their values. */
export type Entity = { [name: string]: Values };

/** The representation of `data`: entities by name, in an array if the name repeats. */
export type Representation = { [name: string]: Entity | Entity[] };

/** The answer to a request that succeeded. */
export interface Response {
  /** The id of the request. */
  request_id: RequestId;
  /** The representation of the request's data. */
  data: Representation;
  /** The delay of the request, in seconds; only in `asyncpkt.v1`. */
  delay?: number;
}

/** The reason why a request, or a frame without a request, is refused. */
export interface ErrorDetails {
  /** The reason, for programs. */
  code: ErrorCode;
  /** The reason, for people. */
  message: string;
  /** The longest frame that the server accepts, in bytes, if a frame was longer. */
  limit?: number;
}

/** The answer to a request that failed. */
export interface ErrorAnswer {
  /** The id of the request; null if the frame has no readable one. */
  request_id: RequestId | null;
  /** The reason. */
  error: ErrorDetails;
}

/** The answer of a server to one request. */
export type Answer = Response | ErrorAnswer;

/** An element of a client's frame; an invalid one is the error answer that it gets. */
export type Packet = Request | Cancel | ErrorAnswer;

/**
 * Returns an error answer. The default message is that of the code in {@linkcode ERRORS}.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { errorAnswer } from "@asyncpkt/asyncpkt/protocol";
 *
 * const error = { code: "overloaded", message: "no room" } as const;
 * assertEquals(errorAnswer("a", "overloaded", "no room"), { request_id: "a", error });
 * ```
 */
export function errorAnswer(
  id: RequestId | null,
  code: ErrorCode,
  message: string = ERRORS[code],
): ErrorAnswer {
  return { request_id: id, error: { code, message } };
}

/**
 * Whether a value is a valid id of a request.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { isRequestId } from "@asyncpkt/asyncpkt/protocol";
 *
 * assert(isRequestId("a") && isRequestId(-1));
 * assert(!isRequestId("") && !isRequestId(0.5));
 * ```
 */
export function isRequestId(value: unknown): value is RequestId {
  return typeof value === "string"
    ? value.length > 0 && value.length <= MAX_ID_LENGTH
    : Number.isSafeInteger(value);
}

/**
 * Reads a client's frame: one packet, or an array of them. Does not throw: it returns the error
 * answers to invalid packets among the packets.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { decodeFrame, errorAnswer } from "@asyncpkt/asyncpkt/protocol";
 *
 * const frame = '[{"request_id":1,"data":"Hub&&id&&1"},{"request_id":1,"cancel":true}]';
 * assertEquals(decodeFrame(frame), JSON.parse(frame));
 * assertEquals(decodeFrame("{"), [errorAnswer(null, "invalid_json")]);
 * ```
 */
export function decodeFrame(text: string): Packet[] {
  let value: unknown;
  try {
    value = parseJson(text);
  } catch {
    return [errorAnswer(null, "invalid_json")];
  }
  if (!Array.isArray(value)) return [decodePacket(value)];
  if (value.length === 0) {
    return [errorAnswer(null, "invalid_packet", "expected a packet, got an empty array")];
  }
  if (value.length > MAX_BATCH) {
    const message = `expected at most ${MAX_BATCH} packets in a frame, got ${value.length}`;
    return [errorAnswer(null, "invalid_packet", message)];
  }
  return value.map(decodePacket);
}

/** The most UTF-16 units up to the end of an id, if each unit of the id is escaped. */
const HEAD_LENGTH = 6 * MAX_ID_LENGTH + 64;

/** The start of a request whose first member is its id. */
const HEAD = /^\s*\{\s*"request_id"\s*:\s*("(?:[^"\\]|\\.)*"|-?\d+)\s*[,}]/;

/**
 * Returns the id of a request that is too long to read, or null if its text does not begin with it.
 */
export function peekId(text: string): RequestId | null {
  const match = HEAD.exec(text.slice(0, HEAD_LENGTH));
  if (match === null) return null;
  try {
    const id: unknown = JSON.parse(match[1]!);
    return isRequestId(id) ? id : null;
  } catch {
    return null;
  }
}

/** Reads a packet from a parsed JSON value. Returns the error answer to an invalid one. */
export function decodePacket(value: unknown): Packet {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return errorAnswer(null, "invalid_packet", `expected a JSON object, got ${kindOf(value)}`);
  }
  const { request_id, data, cancel } = value as Record<string, unknown>;
  if (!isRequestId(request_id)) {
    return errorAnswer(null, "invalid_packet", problemOfId(request_id));
  }
  if (cancel === true) return { request_id, cancel };
  if (typeof data !== "string") {
    const problem = data === undefined
      ? "data is missing"
      : `data: expected a string, got ${kindOf(data)}`;
    return errorAnswer(request_id, "invalid_packet", problem);
  }
  return { request_id, data };
}

function problemOfId(id: unknown): string {
  if (id === undefined) return "request_id is missing";
  if (typeof id === "string") {
    return `request_id: expected 1 to ${MAX_ID_LENGTH} UTF-16 units, got ${id.length}`;
  }
  return typeof id === "number"
    ? `request_id: expected an integer within ±(2^53 − 1), got ${id}`
    : `request_id: expected a string or an integer, got ${kindOf(id)}`;
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  if (typeof value === "object") return "an object";
  return `a ${typeof value}`;
}

/**
 * Returns the JSON text of a request.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { encodeRequest } from "@asyncpkt/asyncpkt/protocol";
 *
 * assertEquals(encodeRequest(1, "Hub&&id&&1"), '{"request_id":1,"data":"Hub&&id&&1"}');
 * ```
 */
export function encodeRequest(id: RequestId, data: string): string {
  return `{"request_id":${JSON.stringify(id)},"data":${JSON.stringify(data)}}`;
}

/**
 * Returns the JSON text of a cancel.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { encodeCancel } from "@asyncpkt/asyncpkt/protocol";
 *
 * assertEquals(encodeCancel(1), '{"request_id":1,"cancel":true}');
 * ```
 */
export function encodeCancel(id: RequestId): string {
  return `{"request_id":${JSON.stringify(id)},"cancel":true}`;
}

/**
 * Returns the JSON text of an error answer.
 *
 * @param id the id, as JSON text.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { encodeError } from "@asyncpkt/asyncpkt/protocol";
 *
 * const text = encodeError('"a"', { code: "overloaded", message: "no room" });
 * assertEquals(text, '{"request_id":"a","error":{"code":"overloaded","message":"no room"}}');
 * ```
 */
export function encodeError(id: string, { code, message, limit }: ErrorDetails): string {
  const more = limit === undefined ? "" : `,"limit":${limit}`;
  return `{"request_id":${id},"error":{"code":"${code}","message":${
    JSON.stringify(message)
  }${more}}}`;
}

/**
 * Returns a frame of packets, or of answers, from their JSON texts.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { encodeCancel, encodeFrame } from "@asyncpkt/asyncpkt/protocol";
 *
 * const frame = encodeFrame([encodeCancel(1), encodeCancel(2)]);
 * assertEquals(frame, '[{"request_id":1,"cancel":true},{"request_id":2,"cancel":true}]');
 * ```
 */
export function encodeFrame(texts: readonly string[]): string {
  return texts.length === 1 ? texts[0]! : `[${texts.join(",")}]`;
}

/**
 * Reads a server's frame: one answer, or an array of them. Returns undefined if the frame is
 * invalid. Keeps unknown error codes, so that a client understands later servers.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { decodeAnswers } from "@asyncpkt/asyncpkt/protocol";
 *
 * const answers = decodeAnswers('{"request_id":1,"data":{"Hub":{"id":"1"}}}');
 * assertEquals(answers, [{ request_id: 1, data: { Hub: { id: "1" } } }]);
 * assertEquals(decodeAnswers("[1]"), undefined);
 * ```
 */
export function decodeAnswers(text: string): Answer[] | undefined {
  let value: unknown;
  try {
    value = parseJson(text);
  } catch {
    return undefined;
  }
  const answers = Array.isArray(value) ? value : [value];
  return answers.every(isAnswer) ? answers : undefined;
}

function isAnswer(value: unknown): value is Answer {
  if (typeof value !== "object" || value === null) return false;
  const { request_id, data, delay, error } = value as Record<string, unknown>;
  if (data !== undefined) {
    return isRequestId(request_id) && error === undefined && kindOf(data) === "an object" &&
      (delay === undefined || typeof delay === "number");
  }
  if (typeof error !== "object" || error === null) return false;
  const { code, message } = error as Record<string, unknown>;
  return (request_id === null || isRequestId(request_id)) &&
    typeof code === "string" && typeof message === "string";
}

/**
 * Whether an answer is an error.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { isError, errorAnswer } from "@asyncpkt/asyncpkt/protocol";
 *
 * assert(isError(errorAnswer("a", "cancelled")));
 * assert(!isError({ request_id: "a", data: {} }));
 * ```
 */
export function isError(answer: Answer): answer is ErrorAnswer {
  return "error" in answer;
}
