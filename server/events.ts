/**
 * What a server tells of.
 *
 * @module
 */

import type { Events } from "../session/context.ts";

/** What is told of requests and connections while they happen. What these throw is ignored. */
export interface ServerEvents extends Events {
  /** A connection was not let in: there were too many, in all or from its address. */
  rejected?(address: string, reason: string): void;
  /** A connection was closed for what the peer did or did not do; its requests in flight were dropped. */
  evicted?(address: string, code: number, reason: string, dropped: number): void;
  /** An upgrade was accepted and never became a connection; `count` such since the server began. */
  abandoned?(address: string, count: number): void;
}

/** Tells `events` of a fault that belongs to no request. Nothing is thrown. */
export function tellFault(events: ServerEvents, error: unknown): void {
  try {
    events.failed?.("null", error);
  } catch {
    // It is the events that are at fault, and nobody is left to be told.
  }
}
