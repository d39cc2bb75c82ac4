/**
 * The packet format as sessions use it.
 *
 * @module
 */

import { writeResponse } from "./answer_writer.ts";
import { FrameReader } from "./frame_reader.ts";
import { encodeError, encodeFrame, peekId } from "./packet.ts";
import { NO_DELAY, type Wire } from "./wire.ts";

/** Returns the packet format, with a reader of its own. */
export function packetWire(): Wire {
  return {
    reader: new FrameReader(),
    response: writeResponse,
    responseWith(id, representation, delay) {
      const seconds = delay === NO_DELAY ? "" : `,"delay":${delay / 1000}`;
      return `{"request_id":${id},"data":${representation}${seconds}}`;
    },
    errorAnswer: encodeError,
    frame: encodeFrame,
    peekId: (head) => JSON.stringify(peekId(head)),
  };
}
