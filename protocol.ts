/**
 * The packet protocol, version 1: its types, the codec of packets and frames, the conversion of `data`
 * both ways, the table of errors. Pure: no I/O, no timers, no console.
 *
 * A client writes with {@linkcode encodeRequest} and reads with {@linkcode decodeAnswers}; a server
 * reads with {@linkcode decodeFrame}, or, at speed, with {@linkcode FrameReader}, and writes with
 * {@linkcode responseText}.
 *
 * @module
 */

export { NO_DELAY, responseText } from "./protocol/answer_writer.ts";
export { SOURCE_MARGIN } from "./protocol/conversion.ts";
export { type ErrorCode, ERRORS, isErrorCode } from "./protocol/errors.ts";
export { FrameReader } from "./protocol/frame_reader.ts";
export { splitTopLevel } from "./protocol/json_text.ts";
export * from "./protocol/packet.ts";
export { convert, convertToJson, formatData, formatJson } from "./protocol/representation.ts";
