/**
 * Carries out faults: what a due request meets in place of its response.
 *
 * @module
 */

import type { FaultKind } from "./fault_policy.ts";

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
};

/** The faults after which a request counts as answered. */
export const ANSWERING_FAULTS: ReadonlySet<FaultKind> = new Set<FaultKind>(["duplicate", "late"]);
