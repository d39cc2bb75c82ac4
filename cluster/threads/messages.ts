/**
 * What the main thread and a worker call of each other.
 *
 * @module
 */

import type { Certificate, Drained, ServeOptions } from "../../server.ts";
import type { GroupStatus } from "../../server/group.ts";
import type { ServerStats } from "../../server/stats.ts";
import type { Counts } from "./counts.ts";
import type { EventName, ForwardedEvent } from "./event_forwarder.ts";

/** Options of a server with workers: those that can be sent to a worker. */
export type WorkerOptions = Omit<ServeOptions, "events" | "tap">;

/** What a worker needs to start. */
export interface WorkerInit {
  readonly options: WorkerOptions;
  /** The events to forward. */
  readonly events: readonly EventName[];
  /** Shared memory with the number of batches of events that the main thread has handled. */
  readonly handledBatches: Int32Array;
  /** How many workers there are. */
  readonly size: number;
}

/** What the main thread calls of a worker. */
export type WorkerFunctions = {
  start(init: WorkerInit): { readonly url: string; readonly port: number };
  setCertificate(certificate: Certificate): Promise<void>;
  drain(): Promise<Drained>;
  /** Has the worker call `stats` before it returns. */
  sendStats(): void;
  /** Takes in changes of another worker's counts. */
  addCounts(changes: Counts): void;
  /** Takes in that another worker remembers, or has forgotten, the id of a disconnected request. */
  setDisconnected(id: string, isDisconnected: boolean): void;
};

/** What a worker calls of the main thread. */
export type MainFunctions = {
  /** The worker's numbers; also its sign of life. */
  stats(stats: ServerStats): void;
  /** Changes of the worker's counts. */
  addCounts(changes: Counts): void;
  setDisconnected(id: string, isDisconnected: boolean): void;
  events(batch: readonly ForwardedEvent[]): void;
  /** The worker cannot be trusted any more. */
  failed(): void;
  /** How all workers are together. */
  status(): Promise<GroupStatus>;
};
