/**
 * The packet protocol, version 1: its types, the codec of packets and frames, the conversion of
 * `data` both ways, and the error codes. It does no I/O and sets no timers.
 *
 * A client uses {@linkcode encodeRequest} and {@linkcode decodeAnswers}. A server uses
 * {@linkcode decodeFrame}, {@linkcode convert} and {@linkcode encodeError}.
 *
 * @module
 */

export { type ErrorCode, ERRORS, isErrorCode } from "./protocol/errors.ts";
export {
  type Answer,
  type Cancel,
  decodeAnswers,
  decodeFrame,
  encodeCancel,
  encodeError,
  encodeFrame,
  encodeRequest,
  type Entity,
  type ErrorAnswer,
  errorAnswer,
  type ErrorDetails,
  isError,
  isRequestId,
  MAX_BATCH,
  MAX_ID_LENGTH,
  type Packet,
  type Representation,
  type Request,
  type RequestId,
  type Response,
  SUBPROTOCOL,
  type Values,
} from "./protocol/packet.ts";
export { convert, convertToJson, formatData, formatJson } from "./protocol/representation.ts";
