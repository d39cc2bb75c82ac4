/**
 * What a request resolves to.
 *
 * @module
 */

import type { Representation, RequestId, Response as Packet } from "../protocol.ts";
import { splitTopLevel } from "../protocol/json_text.ts";

/** A frame from the server, taken apart at most once, and only if somebody asks. */
export class AnswerFrame {
  readonly #text: string;
  #parts: string[] | undefined;

  constructor(text: string) {
    this.#text = text;
  }

  /** The text of the answer at `index`. */
  textOf(index: number): string {
    this.#parts ??= this.#text.trimStart().startsWith("[")
      ? splitTopLevel(this.#text)
      : [this.#text.trim()];
    return this.#parts[index]!;
  }
}

/**
 * The response to a request.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { Client, type Reply } from "@asyncpkt/asyncpkt/client";
 * import { serve } from "@asyncpkt/asyncpkt/server";
 *
 * await using server = serve({ port: 0, delay: { min: 0.01, max: 0.01 } });
 * await using client = await Client.connect(server.url);
 * const reply: Reply = await client.request("10&&b&&c%%9&&e&&f", { id: "01" });
 * assertEquals(reply.delay, 0.01);
 * assertEquals(reply.json, '{"request_id":"01","data":{"10":{"b":"c"},"9":{"e":"f"}}}');
 * ```
 */
export class Reply {
  /** The request's own id. */
  readonly requestId: RequestId;
  /** What the request's data says. */
  readonly data: Representation;
  /** The delay that the server gave the request, in seconds; known in `asyncpkt.v1` only. */
  readonly delay: number | undefined;
  /** From sending the request to its answer, in milliseconds. */
  readonly latency: number;
  readonly #frame: AnswerFrame;
  readonly #index: number;

  /** Made by the client. */
  constructor(packet: Packet, latency: number, frame: AnswerFrame, index: number) {
    this.requestId = packet.request_id;
    this.data = packet.data;
    this.delay = packet.delay;
    this.latency = latency;
    this.#frame = frame;
    this.#index = index;
  }

  /**
   * The response as JSON text, on one line and without the delay. It is the server's own text, so it keeps the order of
   * names such as `10` and `9`, which objects do not.
   */
  get json(): string {
    const members = splitTopLevel(this.#frame.textOf(this.#index));
    const kept = members.filter((member) => !/^"delay"\s*:/.test(member));
    return `{${kept.join(",").replace(/[\n\r\t]+/g, " ")}}`;
  }
}
