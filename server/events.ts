/**
 * Events of a server.
 *
 * @module
 */

import type { SessionEvents } from "../session/context.ts";

/** What is told of requests and connections while they happen. What these throw is ignored. */
export interface ServerEvents extends SessionEvents {
  /** A connection was not let in: there were too many, in all or from its address. */
  rejected?(address: string, reason: string): void;
  /** The server closed a connection because of its peer, and dropped its requests in flight. */
  evicted?(address: string, code: number, reason: string, dropped: number): void;
  /** An upgrade was accepted and never became a connection; `count` such since the server began. */
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
