/**
 * The kinds of faults, and what each does to a due request in place of its response.
 *
 * @module
 */

import type { ErrorDetails } from "../protocol.ts";
import type { Frame } from "../protocol/wire.ts";

/** The kinds of faults that only the strict transport can inject. */
export type TransportFault = "stall" | "drip" | "split" | "badframe" | "reset";

/** The kinds of faults. */
export type FaultKind =
  | "drop"
  | "error"
  | "duplicate"
  | "late"
  | "garbage"
  | "disconnect"
  | TransportFault;

/** A fault that a request meets. */
export interface PlannedFault {
  readonly kind: FaultKind;
  /** The extra delay of `late`, in milliseconds, or the rate of `drip`, in bytes per second. */
  readonly parameter?: number | undefined;
}

/** What happens when a request is due, in place of its response. */
export interface Replacement {
  /** Is sent in its place. */
  readonly error?: ErrorDetails | undefined;
  /** The JSON text of a value that stands in place of the representation. */
  readonly answer?: string | undefined;
  /** Happens to the response. */
  readonly fault?: PlannedFault | undefined;
  /** Whether the request is spared the fault when it is sent again after an ended connection. */
  readonly isSparedLater?: boolean;
}

/** A due request, as a fault sees it. */
export interface FaultyRequest {
  /** The response. */
  readonly response: Frame;
  /**
   * Takes the request out of those in flight. A POST ends with the frame after which none is left.
   */
  remove(): void;
  answer(): void;
  /** Sends a frame of its own, so that it spoils no other answer. */
  sendAlone(frame: Frame): void;
  /** Sends the error `internal`. */
  sendError(): void;
  /** Tells the carrier that no answer follows. */
  drop(): void;
  /** Closes the connection, and drops its other requests in flight. */
  disconnect(): void;
  /** Makes the connection useless by a fault of the transport, and drops its other requests. */
  ruin(kind: "stall" | "reset"): void;
  /** Sends the response in the way of a fault of the transport. */
  sendFaulty(kind: TransportFault): void;
}

/** Carries out a fault. */
export type Fault = (request: FaultyRequest) => void;

/** Carries out each kind of fault, in the order in which the kinds are listed. */
export const FAULTS: Readonly<Record<FaultKind, Fault>> = {
  drop: removeFirst((request) => request.drop()),
  error: removeFirst((request) => request.sendError()),
  duplicate(request) {
    request.answer();
    request.remove();
    request.answer();
  },
  late: removeFirst((request) => request.answer()),
  garbage: removeFirst((request) =>
    request.sendAlone(request.response.slice(0, request.response.length / 2))
  ),
  disconnect: removeFirst((request) => request.disconnect()),
  stall: removeFirst((request) => request.ruin("stall")),
  drip: removeFirst((request) => request.sendFaulty("drip")),
  split: removeFirst((request) => request.sendFaulty("split")),
  badframe: removeFirst((request) => request.sendFaulty("badframe")),
  reset: removeFirst((request) => request.ruin("reset")),
};

function removeFirst(fault: Fault): Fault {
  return (request) => {
    request.remove();
    fault(request);
  };
}

/** All kinds of faults, in the order in which they are listed. */
export const FAULT_KINDS = Object.keys(FAULTS) as readonly FaultKind[];

const TRANSPORT_FAULTS = faultSet("stall", "drip", "split", "badframe", "reset");

/** Whether only the strict transport can inject this kind of fault. */
export function isTransportFault(kind: FaultKind | undefined): kind is TransportFault {
  return TRANSPORT_FAULTS.has(kind);
}

/** Returns what a server lacks to inject a kind of fault, in a few words; undefined if nothing. */
export type Lacking = (kind: FaultKind) => string | undefined;

/**
 * Returns what a transport lacks for faults.
 *
 * @param forReset returns what the strict transport lacks to reset connections.
 */
export function lackingFor(isStrict: boolean, forReset?: () => string | undefined): Lacking {
  return (kind) => {
    if (!isTransportFault(kind)) return undefined;
    if (!isStrict) return "the strict transport of WebSockets";
    return kind === "reset" ? forReset?.() : undefined;
  };
}

/** The faults after which a request counts as answered. */
export const ANSWERING_FAULTS = faultSet("duplicate", "late", "drip", "split");

/**
 * The faults that end a connection or make it useless. A request that meets one is spared when it
 * is sent again: otherwise a client that reconnects and resends would never get past it.
 */
export const ENDING_FAULTS = faultSet("disconnect", "stall", "badframe", "reset");

function faultSet(...kinds: FaultKind[]): ReadonlySet<FaultKind | undefined> {
  return new Set(kinds);
}
