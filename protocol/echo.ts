/**
 * Echo: each frame is a request, and its answer.
 *
 * @module
 */

import type { Message, Protocol } from "./message.ts";
import { parseJson } from "./parse_json.ts";

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
    read: (frame, nth) => [new EchoMessage(frame, nth)],
    answer: (request) => (request as EchoMessage).frame,
    result: (_id, result) => typeof result === "string" ? result : JSON.stringify(result),
    error: () => undefined,
  };
}

class EchoMessage implements Message {
  readonly kind = "request";
  readonly frame: string | Uint8Array;
  readonly id: number;

  constructor(frame: string | Uint8Array, id: number) {
    this.frame = frame;
    this.id = id;
  }

  get text(): string | undefined {
    return typeof this.frame === "string" ? this.frame : undefined;
  }

  /** The value of JSON, so that rules can look into it, or else the frame. */
  get value(): unknown {
    if (typeof this.frame !== "string") return this.frame;
    try {
      return parseJson(this.frame);
    } catch {
      return this.frame;
    }
  }
}
