/**
 * What became of a request, in words, for rows and for filters.
 *
 * @module
 */

import { Reply } from "../client/reply.ts";
import type { Sent } from "./exchange.ts";

/** The share of its delay by which an answer may be late without being shown as late. */
const TOLERATED_SHARE = 0.1;

/** The time by which each answer may be late, in milliseconds. */
const TOLERATED = 50;

/** State of a request. */
export type State = "queued" | "in-flight" | "answered" | "late" | "failed" | "cancelled";

/** Returns the state of a request. While there is no connection, open requests are queued. */
export function stateOf(sent: Sent, isConnected: boolean): State {
  if (sent.ending === undefined) return isConnected ? "in-flight" : "queued";
  const { result } = sent.ending;
  if (!(result instanceof Reply)) return result.code === "cancelled" ? "cancelled" : "failed";
  return isLate(latenessOf(sent) ?? 0, result.delay ?? 0) ? "late" : "answered";
}

/** Returns how late an answer was, in milliseconds; undefined if that is not known. */
export function latenessOf({ ending }: Sent): number | undefined {
  const result = ending?.result;
  if (!(result instanceof Reply) || result.delay === undefined) return undefined;
  return result.latency - result.delay * 1000;
}

/** Whether an answer is so late that it matters; `delay` is in seconds, `lateness` in milliseconds. */
export function isLate(lateness: number, delay: number): boolean {
  return lateness > Math.max(TOLERATED, TOLERATED_SHARE * delay * 1000);
}

/** Returns the faults that frames about a request show, and whether it was sent again. */
export function faultsOf({ anomalies, sendings }: Sent): string[] {
  const kinds = anomalies.map(({ kind }) => kind === "late" ? "answer after its end" : kind);
  return [...new Set(kinds), ...sendings > 1 ? [`sent ${sendings} times`] : []];
}
