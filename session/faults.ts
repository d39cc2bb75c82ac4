/**
 * Carries out faults: what a due request meets in place of its response.
 *
 * @module
 */

import type { FaultKind, TransportFault } from "./fault_policy.ts";

/** A due request, as a fault sees it. */
export interface FaultyRequest {
  /** The response, as JSON text. */
  readonly text: string;
  /**
   * Takes the request out of those in flight. A POST ends with the frame after which none is left.
   */
  remove(): void;
  /** Sends the response. */
  answer(): void;
  /** Sends text in a frame of its own, so that it spoils no other answer. */
  sendAlone(text: string): void;
  /** Sends the error `internal`. */
  sendError(): void;
  /** Tells the carrier that no answer follows. */
  drop(): void;
  /** Closes the connection, and drops its other requests in flight. */
  disconnect(): void;
  /** Leaves the connection open without another answer, and drops its other requests in flight. */
  stall(): void;
  /** Sends the response in the way of a fault of the transport. */
  sendFaulty(kind: TransportFault): void;
}

/** Carries out each kind of fault. */
export const FAULTS: Readonly<Record<FaultKind, (request: FaultyRequest) => void>> = {
  drop(request) {
    request.remove();
    request.drop();
  },
  error(request) {
    request.remove();
    request.sendError();
  },
  duplicate(request) {
    request.answer();
    request.remove();
    request.answer();
  },
  late(request) {
    request.remove();
    request.answer();
  },
  garbage(request) {
    request.remove();
    request.sendAlone(request.text.slice(0, request.text.length / 2));
  },
  disconnect(request) {
    request.remove();
    request.disconnect();
  },
  stall(request) {
    request.remove();
    request.stall();
  },
  drip(request) {
    request.remove();
    request.sendFaulty("drip");
  },
  split(request) {
    request.remove();
    request.sendFaulty("split");
  },
  badframe(request) {
    request.remove();
    request.sendFaulty("badframe");
  },
};

/** The faults after which a request counts as answered. */
export const ANSWERING_FAULTS: ReadonlySet<FaultKind> = new Set<FaultKind>([
  "duplicate",
  "late",
  "drip",
  "split",
]);
