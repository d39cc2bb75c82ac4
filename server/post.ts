/**
 * Packets over HTTP: `POST /` with the content of a frame.
 *
 * @module
 */

import { type ErrorCode, isErrorCode } from "../protocol.ts";
import type { Carrier } from "../session/context.ts";
import { AnswerStream } from "./answer_stream.ts";
import type { ConnectionContext } from "./connection.ts";
import { guard } from "./events.ts";
import { RequestBody } from "./request_body.ts";
import type { RequestInfo } from "./socket.ts";

/** Status of a response whose only answer is an error. */
export const STATUS: Readonly<Record<ErrorCode, number>> = {
  invalid_json: 400,
  invalid_packet: 400,
  duplicate_request_id: 409,
  packet_too_large: 413,
  overloaded: 503,
  cancelled: 409,
  shutting_down: 503,
  internal: 500,
};

/** Longest response that is no stream, in UTF-16 units: Deno does not report when it is read. */
const MAX_WHOLE = 1 << 14;

/**
 * Answers a POST: one packet with one JSON answer, an array with NDJSON, a line for each answer
 * when it is due.
 *
 * @param leave called once or more when reading the body has ended and the response was written.
 * Until then, nothing can close the connection.
 */
export async function answerPost(
  request: Request,
  { remoteAddr, completed }: RequestInfo,
  context: ConnectionContext,
  leave: () => void,
): Promise<Response> {
  const body = new RequestBody(request.body, context.sessions.limits.maxPacketSize);
  void Promise.allSettled([body.ended, completed]).then(leave);
  const arrival = await body.arrival;
  if (arrival === "broken") return new Response("The body is incomplete\n", { status: 400 });
  if (arrival === "too slow") return new Response("The body took too long\n", { status: 408 });
  return await answer(body.bytes, remoteAddr.hostname, context);
}

const decoder = new TextDecoder();
const strictDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

async function answer(
  body: Uint8Array,
  address: string,
  { sessions, driver, events, maxBuffered }: ConnectionContext,
): Promise<Response> {
  const isMany = body.length <= sessions.limits.maxPacketSize && isArray(body);
  const headers = { "content-type": isMany ? "application/x-ndjson" : "application/json" };

  const answers: string[] = [];
  let closeReason: string | undefined;
  const carrier: Carrier = {
    address,
    send: (answer) => void answers.push(answer + "\n"),
    close: (_code, reason) => closeReason = reason,
  };
  carrier.sendBinary = (answer) => carrier.send(decoder.decode(answer));
  const session = sessions.open(carrier);
  const end = () => driver.close(session);
  driver.receive(session, textOf(body) ?? body);
  await session.decided;

  const hasAll = session.inFlight === 0;
  const text = answers.join("");
  const status = hasAll && answers.length === 1 ? statusOf(answers[0]!) : 200;
  if (hasAll && closeReason === undefined) {
    end();
    // A cancel finds no request in flight, and so has no answer.
    if (answers.length === 0) return new Response(null, { status: 204 });
    if (text.length <= MAX_WHOLE) return new Response(text, { status, headers });
  }
  answers.length = 0; // the stream keeps unread answers
  const evict = (reason: string) => {
    const dropped = session.inFlight;
    cutOff(reason);
    guard(events, () => events.evicted?.(address, 1013, reason, dropped));
  };
  const stream = new AnswerStream(end, evict);
  const cutOff = (reason: string) => {
    stream.cutOff(reason);
    // Later, as a session must not be closed while it sends.
    queueMicrotask(end);
  };
  const endWhenDone = () => {
    if (session.inFlight > 0) return;
    stream.end();
    queueMicrotask(end);
  };
  carrier.send = (answer) => {
    if (stream.waiting > maxBuffered) {
      return evict(`More than ${maxBuffered} bytes of answers have not been read`);
    }
    stream.write(answer + "\n");
    endWhenDone();
  };
  carrier.dropped = endWhenDone;
  carrier.close = (_code, reason) => cutOff(reason);
  stream.write(text);
  if (closeReason !== undefined) cutOff(closeReason);
  else if (hasAll) stream.end();
  return new Response(stream.readable, { status, headers });
}

/** Returns the text of a body; undefined if it is no UTF-8, or not whole as it is too long. */
function textOf(body: Uint8Array): string | undefined {
  try {
    return strictDecoder.decode(body);
  } catch {
    return undefined;
  }
}

function statusOf(answer: string): number {
  try {
    const { code } = JSON.parse(answer).error;
    return isErrorCode(code) ? STATUS[code] : 200;
  } catch {
    return 200; // it is no error, or of another protocol
  }
}

/** Whether JSON text starts with an array. */
function isArray(body: Uint8Array): boolean {
  const first = body.find((byte) =>
    byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09
  );
  return first === 0x5b;
}
