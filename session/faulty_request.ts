/**
 * Carries out the fault that a due request meets, on its session.
 *
 * @module
 */

import type { Frame } from "../protocol/wire.ts";
import { type Carrier, detailsOf, type RequestOutcome, type SessionContext } from "./context.ts";
import { ANSWERING_FAULTS, ENDING_FAULTS, FAULTS, type PlannedFault } from "./faults.ts";
import type { Outgoing } from "./outgoing.ts";

/** A due request that meets a fault, and what can be done with it and its session. */
export interface DueRequest {
  readonly context: SessionContext;
  readonly carrier: Carrier;
  readonly outgoing: Outgoing;
  /** The id, as JSON text. */
  readonly id: string;
  readonly response: Frame;
  /** Whether the response is known to be ASCII. */
  readonly isAscii: boolean;
  /** Time since its arrival, without the extra delay of the fault `late`, in milliseconds. */
  readonly elapsed: number;
  /** Whether the request is spared the fault when it is sent again after an ended connection. */
  readonly isSparedLater: boolean | undefined;
  remove(outcome: RequestOutcome): void;
  /** Sends the answers that wait, and closes the session. */
  end(): void;
}

/** Carries out a fault where the response to its request would be sent. */
export function carryOut({ kind, parameter }: PlannedFault, request: DueRequest): void {
  const { id, response, isAscii, outgoing, carrier } = request;
  const { counters, events, planner } = request.context;
  counters.faults[kind]++;
  try {
    events.faulted?.(id, kind);
  } catch (error) {
    request.remove("error:internal");
    return outgoing.fail(id, error);
  }
  const isAnswered = ANSWERING_FAULTS.has(kind);
  if (isAnswered) counters.answered++;
  if (request.isSparedLater && ENDING_FAULTS.has(kind)) planner.spareOnce(id);
  const outcome = isAnswered ? "answered" : kind === "error" ? "error:internal" : "dropped";
  FAULTS[kind]({
    response,
    remove: () => request.remove(outcome),
    answer: () => outgoing.answer(response, isAscii),
    sendAlone: (frame) => outgoing.sendFrame(frame, isAscii),
    sendError: () => outgoing.answerError(id, detailsOf("internal")),
    drop: () => carrier.dropped?.(),
    disconnect() {
      request.end();
      carrier.close?.(1011, "Disconnected on purpose");
    },
    ruin(kind) {
      if (carrier.sendFaulty === undefined) return outgoing.answer(response, isAscii);
      request.end();
      carrier.sendFaulty(kind, "");
    },
    sendFaulty: (kind) => outgoing.sendFaulty(kind, response, isAscii, parameter),
  });
  const lateBy = kind === "late" ? parameter! : 0;
  if (isAnswered) outgoing.reportAnswered(id, request.elapsed + lateBy);
}
