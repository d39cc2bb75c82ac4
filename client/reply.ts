/**
 * The responses of requests.
 *
 * @module
 */

import type { Representation, RequestId, Response } from "../protocol.ts";
import { splitTopLevel } from "../protocol/json_text.ts";

/** A frame of answers. It is split only when the text of an answer is read, and only once. */
export class AnswerFrame {
  readonly #text: string;
  #parts: string[] | undefined;

  /** Creates a frame from valid JSON text. */
  constructor(text: string) {
    this.#text = text.trim();
  }

  textOf(index: number): string {
    this.#parts ??= this.#text.startsWith("[") ? splitTopLevel(this.#text) : [this.#text];
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
  /** The id of the request. */
  readonly requestId: RequestId;
  /** The representation of the request's data. */
  readonly data: Representation;
  /** The delay of the request, in seconds; undefined in plain mode. */
  readonly delay: number | undefined;
  /** The time from sending the request to its answer, in milliseconds. */
  readonly latency: number;
  readonly #frame: AnswerFrame;
  readonly #index: number;

  /** Creates a reply; the client does this. */
  constructor(response: Response, latency: number, frame: AnswerFrame, index: number) {
    this.requestId = response.request_id;
    this.data = response.data;
    this.delay = response.delay;
    this.latency = latency;
    this.#frame = frame;
    this.#index = index;
  }

  /**
   * The response as JSON text, in one line and without the delay. It is the server's own text, so
   * it keeps the order of names such as `10` and `9`, which objects do not.
   */
  get json(): string {
    const members = splitTopLevel(this.#frame.textOf(this.#index));
    const kept = members.filter((member) => !/^"delay"\s*:/.test(member));
    return `{${kept.join(",").replace(/[\n\r\t]+/g, " ")}}`;
  }
}
