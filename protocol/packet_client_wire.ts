/**
 * The packet format as clients use it that count their requests.
 *
 * @module
 */

import { type ClientWire, readNumber, type RequestWriter } from "./client_wire.ts";
import { decodeAnswers, encodeFrame, encodeRequest, isError } from "./packet.ts";

/** The text of a request up to its id. Ids are strings of digits, which every server accepts. */
const HEAD = '{"request_id":"';

/** The packet format. Requests are made of their data. */
export const packetClientWire: ClientWire = {
  name: "packets",
  hasBatches: true,
  requests: (data) => new PacketWriter(data),
  read(frame, onAnswer) {
    const answers = typeof frame === "string" ? decodeAnswers(frame) : undefined;
    if (answers === undefined) return false;
    for (const answer of answers) {
      if (isError(answer)) onAnswer(answer.request_id, answer.error.code, undefined);
      else onAnswer(answer.request_id, undefined, answer.delay);
    }
    return true;
  },
};

/** Writes requests. Their text is made in advance, except for the ids. */
class PacketWriter implements RequestWriter {
  /** The text of a request after its id, for each data. */
  readonly #tails: readonly string[];
  readonly #batch: string[] = [];
  #turn = 0;

  constructor(data: readonly string[]) {
    this.#tails = data.map((one) => encodeRequest("", one).slice(HEAD.length));
  }

  frame(first: number, count: number): string {
    if (count === 1) return this.#request(first);
    this.#batch.length = 0;
    for (let i = 0; i < count; i++) this.#batch.push(this.#request(first + i));
    return encodeFrame(this.#batch);
  }

  numberOf(id: string | number | null): number {
    return typeof id === "string" ? readNumber(id) : 0;
  }

  #request(number: number): string {
    const tail = this.#tails[this.#turn]!;
    if (++this.#turn === this.#tails.length) this.#turn = 0;
    return HEAD + number + tail;
  }
}
