/**
 * What people give to be sent.
 *
 * @module
 */

import type { RequestInput } from "../client.ts";
import type { RequestId } from "../protocol.ts";
import { parseJson } from "../protocol/parse_json.ts";

/**
 * Reads one argument or line: the JSON text of a packet, that is an object with `data`; anything else is
 * itself the data of one.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { readInput } from "./input.ts";
 *
 * assertEquals(readInput('{"request_id":"01","data":"a&&b&&c"}'), { id: "01", data: "a&&b&&c" });
 * assertEquals(readInput("a&&b&&c"), { id: undefined, data: "a&&b&&c" });
 * ```
 */
export function readInput(text: string): Exclude<RequestInput, string> {
  const packet = text.trimStart().startsWith("{") ? parse(text) : undefined;
  if (typeof packet?.data !== "string") return { id: undefined, data: text };
  return { id: packet.request_id as RequestId | undefined, data: packet.data };
}

function parse(text: string): { request_id?: unknown; data?: unknown } | undefined {
  try {
    return parseJson(text) as object;
  } catch {
    return undefined;
  }
}
