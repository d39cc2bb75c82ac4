/**
 * Requests as lines of JSON, to save.
 *
 * @module
 */

import { Reply } from "../client/reply.ts";
import type { Sent } from "./exchange.ts";
import { latenessOf, stateOf } from "./outcome.ts";

/**
 * Returns a line of JSON for each request, in the order given. Times are in ISO 8601; `origin` is
 * the time origin of the page, in milliseconds since 1970.
 */
export function ndjsonOf(sent: readonly Sent[], origin: number, isConnected: boolean): string {
  return sent.map((one) => `${JSON.stringify(recordOf(one, origin, isConnected))}\n`).join("");
}

function recordOf(sent: Sent, origin: number, isConnected: boolean): Record<string, unknown> {
  const { draft, sentAt, sendings, ending, anomalies } = sent;
  const result = ending?.result;
  const late = latenessOf(sent);
  return {
    request_id: draft.id,
    sent: draft.text,
    sent_at: timeOf(sentAt, origin),
    sendings,
    state: stateOf(sent, isConnected).replace("-", "_"),
    ...ending && {
      ended_at: timeOf(ending.at, origin),
      place: ending.place,
      latency_ms: rounded(ending.at - sentAt),
    },
    ...result instanceof Reply && result.delay !== undefined && { delay_s: result.delay },
    ...late !== undefined && { late_ms: rounded(late) },
    ...result !== undefined && !(result instanceof Reply) && {
      error: { code: result.code, message: result.message },
    },
    ...ending?.raw && { received: ending.raw() },
    ...anomalies.length > 0 && {
      faults: anomalies.map(({ kind, at, frame }) => ({ kind, at: timeOf(at, origin), frame })),
    },
  };
}

function timeOf(at: number, origin: number): string {
  return new Date(origin + at).toISOString();
}

function rounded(milliseconds: number): number {
  return Math.round(milliseconds * 10) / 10;
}
