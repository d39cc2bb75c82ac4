/**
 * JSON-RPC 2.0.
 *
 * @module
 */

import type { ErrorCode } from "./errors.ts";
import { isId, readJson, Wrong, wrongMessage } from "./json_protocol.ts";
import type { Message, Protocol } from "./message.ts";
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
export function jsonRpcProtocol({ result = "{{/params}}" }: JsonRpcOptions = {}): Protocol {
  let fill;
  try {
    fill = parseTemplate(result);
  } catch (error) {
    throw new RangeError(`result: ${(error as Error).message}`);
  }
  return {
    name: "jsonrpc",
    read(frame) {
      const value = readJson(frame);
      if (value instanceof Wrong) return [value.message];
      if (!Array.isArray(value)) return [readMessage(value)];
      if (value.length === 0) return [wrongMessage(value, null, "a batch must not be empty")];
      return value.map(readMessage);
    },
    answer: ({ id, value }) => responseOf(JSON.stringify(id), fill(id, value)),
    result: (id, result) => responseOf(JSON.stringify(id), JSON.stringify(result)),
    error(id, { code, message, ...more }) {
      const error = { code: CODES[code], message, data: { code, ...more } };
      return JSON.stringify({ jsonrpc: "2.0", id, error });
    },
  };
}

function responseOf(id: string, result: string): string {
  return `{"jsonrpc":"2.0","id":${id},"result":${result}}`;
}

/** Reads a request (section 4). */
function readMessage(value: unknown): Message {
  const { jsonrpc, method, params, id = null } = Object(value);
  if (id !== null && !isId(id)) {
    const got = JSON.stringify(id);
    return wrongMessage(value, null, `id: expected a string, an integer or null, got ${got}`);
  }
  if (jsonrpc !== "2.0") {
    return wrongMessage(value, id, `jsonrpc: expected "2.0", got ${JSON.stringify(jsonrpc)}`);
  }
  if (typeof method !== "string") {
    return wrongMessage(value, id, `method: expected a string, got ${JSON.stringify(method)}`);
  }
  if (params !== undefined && (typeof params !== "object" || params === null)) {
    const got = JSON.stringify(params);
    return wrongMessage(value, id, `params: expected an array or an object, got ${got}`);
  }
  if (Object.hasOwn(value as object, "id")) return { kind: "request", id, value };
  if (method !== CANCEL || !isId(params?.id)) return { kind: "notification", id: null, value };
  return { kind: "cancel", id: params.id, value };
}
