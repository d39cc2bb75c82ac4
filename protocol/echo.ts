/**
 * Echo: each frame is a request, and its answer.
 *
 * @module
 */

import type { Protocol } from "./message.ts";

/**
 * Returns a protocol that answers each frame with itself. Its id is its number on its connection.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { echoProtocol } from "@asyncpkt/asyncpkt/server";
 *
 * const echo = echoProtocol();
 * const [request] = echo.read("hello", 3);
 * assertEquals([request!.id, echo.answer(request!)], [3, "hello"]);
 * ```
 */
export function echoProtocol(): Protocol {
  return {
    name: "echo",
    read: (frame, nth) => [{ kind: "request", id: nth, value: frame }],
    answer: ({ value }) => value as string | Uint8Array,
    result: (_id, result) => typeof result === "string" ? result : JSON.stringify(result),
    error: () => undefined,
  };
}
