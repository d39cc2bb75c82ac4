/**
 * Events of a server.
 *
 * @module
 */

import type { SessionEvents } from "../session/context.ts";

/** Events of requests and connections. Errors that these callbacks throw are ignored. */
export interface ServerEvents extends SessionEvents {
  /** The server rejected a connection: there were too many, in total or from its address. */
  rejected?(address: string, reason: string): void;
  /** The server closed a connection because of its peer, and dropped its requests in flight. */
  evicted?(address: string, code: number, reason: string, dropped: number): void;
  /** An upgrade was accepted and never opened; `count` such since the start of the server. */
  abandoned?(address: string, count: number): void;
}

/** Reports an error that belongs to no request as `failed`. */
export function reportError(events: ServerEvents, error: unknown): void {
  try {
    events.failed?.("null", error);
  } catch {
    // The event itself fails.
  }
}

/** Takes a step that must not throw; reports its error. */
export function guard(events: ServerEvents, step: () => void): void {
  try {
    step();
  } catch (error) {
    reportError(events, error);
  }
}
