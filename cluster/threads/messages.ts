/**
 * What the main thread and its workers send each other: calls of functions, and their arguments.
 *
 * @module
 */

import type { Certificate, Drained, ServeOptions } from "../../server.ts";
import type { GroupStatus } from "../../server/group.ts";
import type { ServerStats } from "../../server/stats.ts";
import type { EventName, ForwardedEvent } from "./event_forwarder.ts";

/** Options that can be sent to a worker. */
export type GroupOptions = Omit<ServeOptions, "events" | "tap">;

/** Counts of a worker, or changes of them, by name. The others need them to apply common limits. */
export type Counts = ReadonlyMap<string, number>;

/** Name of the count of requests in flight. */
export const IN_FLIGHT = "in flight";

/** Name of the count of all admitted clients. The count of a network's clients has the network's name. */
export const ADMITTED = "admitted";

/** Adds changes to counts, and removes those that become 0. */
export function addCounts(counts: Map<string, number>, changes: Counts): void {
  for (const [name, change] of changes) {
    const count = (counts.get(name) ?? 0) + change;
    if (count === 0) counts.delete(name);
    else counts.set(name, count);
  }
}

/** What a worker needs to start. */
export interface WorkerInit {
  readonly options: GroupOptions;
  /** Names of the events to forward. */
  readonly events: readonly EventName[];
  /** Shared memory: the number of batches of events that the main thread has handled. */
  readonly handledBatches: Int32Array;
  /** Number of workers. */
  readonly size: number;
}

/** Functions of a worker that the main thread calls. */
export type WorkerFunctions = {
  start(init: WorkerInit): { readonly url: string; readonly port: number };
  setCertificate(certificate: Certificate): Promise<void>;
  drain(): Promise<Drained>;
  /** Makes the worker call `stats` before it returns. */
  sendStats(): void;
  /** Takes changes of another worker's counts. */
  addCounts(changes: Counts): void;
  /** Learns that another worker remembers or has forgotten the id of a disconnected request. */
  setDisconnected(id: string, isDisconnected: boolean): void;
};

/** Functions of the main thread that a worker calls. */
export type MainFunctions = {
  /** Takes the worker's counts and gauges, which also show that it is alive. */
  stats(stats: ServerStats): void;
  /** Takes changes of the worker's counts. */
  addCounts(changes: Counts): void;
  setDisconnected(id: string, isDisconnected: boolean): void;
  events(batch: readonly ForwardedEvent[]): void;
  /** Learns of an error after which the worker must end. */
  failed(): void;
  /** Returns the status of all workers. */
  status(): Promise<GroupStatus>;
};
