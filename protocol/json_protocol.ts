/**
 * Any protocol of JSON messages with an id in each.
 *
 * @module
 */

import { parsePointer } from "./json_pointer.ts";
import type { Message, Protocol } from "./message.ts";
import type { ErrorDetails, RequestId } from "./packet.ts";
import { parseJson } from "./parse_json.ts";
import { placed } from "./placed.ts";
import { parseTemplate } from "./template.ts";

/** Longer strings are cut in the texts of errors, in UTF-16 units. */
const MAX_SHOWN = 40;

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Options of {@linkcode jsonProtocol}. */
export interface JsonProtocolOptions {
  /** A JSON Pointer to the id in a message. @default {"/id"} */
  idAt?: string;
  /**
   * The template of an answer: JSON in which `{{id}}` stands for the id, and a JSON Pointer, such as
   * `{{/params}}`, for what is there in the request. @default {the request itself}
   */
  answer?: string;
  /**
   * The template of an error, in which `{{/code}}` and `{{/message}}` stand for the error.
   *
   * @default {errors get no answer}
   */
  error?: string;
}

/**
 * Returns a protocol of JSON messages. A message without an id is a notification.
 *
 * @throws {RangeError} if a pointer or a template is wrong.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { jsonProtocol } from "@asyncpkt/asyncpkt/server";
 *
 * const ocpp = jsonProtocol({ idAt: "/1", answer: "[3,{{id}},{}]" });
 * const [request] = ocpp.read('[2,"19223201","Heartbeat",{}]', 1);
 * assertEquals(ocpp.answer(request!), '[3,"19223201",{}]');
 * ```
 */
export function jsonProtocol(options: JsonProtocolOptions = {}): Protocol {
  const { idAt = "/id", answer, error } = options;
  const idOf = placed("idAt", () => parsePointer(idAt));
  const fill = answer === undefined ? undefined : placed("answer", () => parseTemplate(answer));
  const fillError = error === undefined ? undefined : placed("error", () => parseTemplate(error));
  return {
    name: "json",
    read(frame) {
      const value = readJson(frame);
      if (value instanceof Wrong) return [value.message];
      const id = idOf(value) ?? null;
      if (id === null) return [{ kind: "notification", id, value }];
      if (isId(id)) return [{ kind: "request", id, value, frame } as SentRequest];
      const place = JSON.stringify(idAt);
      return [wrongMessage(value, null, `expected an id at ${place}, got ${shown(id)}`)];
    },
    answer: (request) =>
      fill?.(request.id, request.value) ?? textOf((request as SentRequest).frame),
    result: (_id, result) => JSON.stringify(result),
    error: (id, details) => fillError?.(id, details),
  };
}

/** A request with its frame, which is its answer if there is no template. */
interface SentRequest extends Message {
  readonly frame: string | Uint8Array;
}

/** A frame that is not JSON. */
export class Wrong {
  readonly message: Message;

  constructor(text: string) {
    const error: ErrorDetails = { code: "invalid_json", message: "the frame is not JSON" };
    this.message = { kind: "wrong", id: null, value: text, error };
  }
}

/** Returns the JSON value of a frame. */
export function readJson(frame: string | Uint8Array): unknown {
  let text = "";
  try {
    text = textOf(frame);
    return parseJson(text);
  } catch {
    return new Wrong(text);
  }
}

function textOf(frame: string | Uint8Array): string {
  return typeof frame === "string" ? frame : decoder.decode(frame);
}

/** Returns a message that is refused as `invalid_packet`. */
export function wrongMessage(value: unknown, id: RequestId | null, message: string): Message {
  return { kind: "wrong", id, value, error: { code: "invalid_packet", message } };
}

/** Whether a value is an id: other numbers would not come back as they were. */
export function isId(value: unknown): value is RequestId {
  return typeof value === "string" || Number.isSafeInteger(value);
}

/** Returns a value for the text of an error, which must not be long. */
export function shown(value: unknown): string {
  if (Array.isArray(value)) return "an array";
  if (typeof value === "object" && value !== null) return "an object";
  if (typeof value !== "string") return String(value);
  return JSON.stringify(value.length > MAX_SHOWN ? `${value.slice(0, MAX_SHOWN)}…` : value);
}
