/**
 * Packets over plain HTTP: `POST /` with what a frame would hold.
 *
 * @module
 */

import { deadline } from "@std/async/deadline";
import type { FaultKind } from "../fault/policy.ts";
import type { ErrorCode } from "../protocol.ts";
import type { Shared } from "./connection.ts";
import { tellFault } from "./events.ts";

/** The status where there is one answer, and that is an error at once. */
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

/** How long a body may take to arrive, in milliseconds. */
const BODY_TIMEOUT = 30_000;

/**
 * Answers a POST: one packet with one JSON answer, an array with NDJSON, a line for each answer as it
 * falls due. No more of the body is read than shows that it is too large.
 *
 * @param leave called once or more when the peer has had its answers, or has gone.
 */
export async function answerPost(
  request: Request,
  address: string,
  shared: Shared,
  leave: () => void,
): Promise<Response> {
  try {
    return await answer(request, address, shared, leave);
  } catch (error) {
    leave();
    throw error;
  }
}

async function answer(
  request: Request,
  address: string,
  { conversations, pump, events, buffered }: Shared,
  leave: () => void,
): Promise<Response> {
  const limit = conversations.limits.packetSize;
  let body: Uint8Array;
  try {
    body = await deadline(readBody(request, limit), BODY_TIMEOUT);
  } catch (error) {
    leave();
    return error instanceof DOMException && error.name === "TimeoutError"
      ? new Response("The body took too long\n", { status: 408 })
      : new Response("The body broke off\n", { status: 400 });
  }
  const isMany = body.length <= limit && isArray(body);
  const headers = { "content-type": isMany ? "application/x-ndjson" : "application/json" };

  const answers: string[] = [];
  let send = (answer: string): void => void answers.push(answer);
  let onFault = (_: FaultKind): void => {};
  const conversation = conversations.open(
    (answer) => send(answer + "\n"),
    false,
    (kind) => onFault(kind),
  );
  const end = () => {
    pump.close(conversation);
    leave();
  };
  pump.receive(conversation, body);
  const { decided } = conversation;
  if (decided !== undefined) await decided;

  if (conversation.inFlight === 0) {
    end();
    // A cancel has nothing to give up on here, and no answer.
    if (answers.length === 0) return new Response(null, { status: 204 });
    const status = answers.length > 1 ? 200 : statusOf(answers[0]!);
    return new Response(answers.join(""), { status, headers });
  }
  const stream = new ReadableStream<string>({
    start(controller) {
      for (const answer of answers) controller.enqueue(answer);
      const fail = (error: Error) => {
        send = () => {};
        controller.error(error);
        // Not now: a conversation that sends must not be closed under its own hands.
        queueMicrotask(end);
      };
      const endWhenDone = () => {
        if (conversation.inFlight > 0) return;
        controller.close();
        queueMicrotask(end);
      };
      send = (answer) => {
        try {
          if (controller.desiredSize! < 0) {
            const reason = `More than ${buffered} bytes of answers have not been read`;
            fail(new Error(reason));
            events.expelled?.(address, 1013, reason, conversation.inFlight);
            return;
          }
          controller.enqueue(answer);
          endWhenDone();
        } catch (error) {
          tellFault(events, error);
          fail(new Error("A fault of the server's own"));
        }
      };
      onFault = (kind) => {
        if (kind === "drop") endWhenDone();
        if (kind === "disconnect") fail(new Error("Disconnected on purpose"));
      };
    },
    cancel: end,
  }, { highWaterMark: buffered, size: (answer) => answer.length });
  return new Response(stream.pipeThrough(new TextEncoderStream()), { headers });
}

function statusOf(answer: string): number {
  const code: ErrorCode | undefined = JSON.parse(answer).error?.code;
  return code === undefined ? 200 : STATUS[code];
}

/** Reads the body, but no further than past the limit: that is enough to be refused. */
async function readBody(request: Request, limit: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request.body ?? []) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > limit) break;
  }
  const body = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    body.set(chunk, at);
    at += chunk.length;
  }
  return body;
}

/** Whether JSON text begins an array, after the white space that JSON allows. */
function isArray(body: Uint8Array): boolean {
  const first = body.find((byte) =>
    byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09
  );
  return first === 0x5b;
}
