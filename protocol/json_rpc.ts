/**
 * JSON-RPC 2.0.
 *
 * @module
 */

import type { ErrorCode } from "./errors.ts";
import { isId, readJson, shown, Wrong, wrongMessage } from "./json_protocol.ts";
import type { Message, Protocol } from "./message.ts";
import { jsonRpcWire } from "./json_rpc_wire.ts";
import { OWN_WIRES } from "./message_wire.ts";
import { MAX_BATCH } from "./packet.ts";
import { placed } from "./placed.ts";
import { parseTemplate } from "./template.ts";

/** The codes of JSON-RPC, and those that it leaves to servers (section 5.1). */
const CODES: Readonly<Record<ErrorCode, number>> = {
  invalid_json: -32700,
  invalid_packet: -32600,
  internal: -32603,
  duplicate_request_id: -32001,
  overloaded: -32002,
  shutting_down: -32003,
  packet_too_large: -32004,
  cancelled: -32800,
};

/** The notification with which clients of language servers cancel a request. */
const CANCEL = "$/cancelRequest";

/** Options of {@linkcode jsonRpcProtocol}. */
export interface JsonRpcOptions {
  /**
   * The template of a result: JSON in which a JSON Pointer, such as `{{/params/0}}`, stands for what
   * is there in the request. @default {"{{/params}}"}
   */
  result?: string;
}

/**
 * Returns JSON-RPC 2.0. The requests of a batch are answered one by one, as each is due.
 * `$/cancelRequest` cancels a request.
 *
 * @throws {RangeError} if the template is wrong.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { jsonRpcProtocol } from "@asyncpkt/asyncpkt/server";
 *
 * const protocol = jsonRpcProtocol({ result: "{{/params/0}}" });
 * const [request] = protocol.read('{"jsonrpc":"2.0","id":7,"method":"echo","params":["a"]}', 1);
 * assertEquals(protocol.answer(request!), '{"jsonrpc":"2.0","id":7,"result":"a"}');
 * ```
 */
export function jsonRpcProtocol({ result }: JsonRpcOptions = {}): Protocol {
  const fill = result === undefined ? undefined : placed("result", () => parseTemplate(result));
  const protocol: Protocol = {
    name: "jsonrpc",
    read(frame) {
      const value = readJson(frame);
      if (value instanceof Wrong) return [value.message];
      if (!Array.isArray(value)) return [readMessage(value)];
      if (value.length > 0 && value.length <= MAX_BATCH) return value.map(readMessage);
      const got = `expected 1 to ${MAX_BATCH} requests in a batch, got ${value.length}`;
      return [wrongMessage(undefined, null, got)];
    },
    answer: ({ id, value }) => responseOf(JSON.stringify(id), fill?.(id, value) ?? paramsOf(value)),
    result: (id, result) => responseOf(JSON.stringify(id), JSON.stringify(result)),
    error(id, { code, message, ...more }) {
      const error = { code: CODES[code], message, data: { code, ...more } };
      return JSON.stringify({ jsonrpc: "2.0", id, error });
    },
  };
  if (fill === undefined) OWN_WIRES.set(protocol, jsonRpcWire);
  return protocol;
}

function paramsOf(value: unknown): string {
  return JSON.stringify((value as Request).params) ?? "null";
}

/** @param id as JSON text. */
function responseOf(id: string, result: string): string {
  return `{"jsonrpc":"2.0","id":${id},"result":${result}}`;
}

/** A request, with what nobody has checked yet. */
interface Request {
  readonly jsonrpc?: unknown;
  readonly id?: unknown;
  readonly method?: unknown;
  readonly params?: unknown;
}

/** Reads a request (section 4). */
function readMessage(value: unknown): Message {
  if (typeof value !== "object" || value === null) {
    return wrongMessage(value, null, `expected an object, got ${shown(value)}`);
  }
  const { jsonrpc, method, params, id = null } = value as Request;
  if (id !== null && !isId(id)) {
    const got = `id: expected a string, an integer or null, got ${shown(id)}`;
    return wrongMessage(value, null, got);
  }
  if (jsonrpc !== "2.0") {
    return wrongMessage(value, id, `jsonrpc: expected "2.0", got ${shown(jsonrpc)}`);
  }
  if (typeof method !== "string") {
    // An answer to an answer would go back and forth without end, or answer another request.
    if ("result" in value || "error" in value) return { kind: "notification", id: null, value };
    return wrongMessage(value, id, `method: expected a string, got ${shown(method)}`);
  }
  if (params !== undefined && (typeof params !== "object" || params === null)) {
    const got = `params: expected an array or an object, got ${shown(params)}`;
    return wrongMessage(value, id, got);
  }
  if (id !== null || Object.hasOwn(value, "id")) return { kind: "request", id, value };
  if (method !== CANCEL) return { kind: "notification", id, value };
  const cancelled = (params as Request | undefined)?.id;
  return isId(cancelled)
    ? { kind: "cancel", id: cancelled, value }
    : { kind: "notification", id, value };
}
