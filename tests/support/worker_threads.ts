/**
 * The workers of a pool, from the outside: what they share can be looked at, and they can be killed.
 *
 * @module
 */

import { Ledger, type Row } from "../../cluster/threads/ledger.ts";
import type { Order } from "../../cluster/threads/messages.ts";

const RealWorker = globalThis.Worker;

/** Watches all workers that begin, until it is disposed. */
export class WorkerThreads implements Disposable {
  readonly #threads: Worker[] = [];
  readonly #rows: Row[] = [];

  /** Takes the place of `Worker`. */
  constructor() {
    const begin = (worker: Worker, order: Order) => {
      if (order.kind !== "begin") return;
      const { ledger, row } = order.beginning;
      const index = Math.floor(row / 2);
      this.#rows[index] = new Ledger(ledger).rows[row]!;
      this.#threads[index] = worker;
    };
    globalThis.Worker = class extends RealWorker {
      override postMessage(order: Order): void {
        begin(this, order);
        super.postMessage(order);
      }
    } as typeof Worker;
  }

  /** The row of each. */
  get rows(): readonly Row[] {
    return this.#rows;
  }

  /** How many connections each has. */
  get connections(): number[] {
    return this.#rows.map(({ figures }) => figures.gauges.connections);
  }

  /** How many requests are in flight with each. */
  get inFlight(): number[] {
    return this.#rows.map(({ figures }) => figures.counters.inFlight[0]!);
  }

  /** Has a worker say that it has a fault of its own, after which it is ended at once. */
  fail(index: number): void {
    this.#threads[index]!.dispatchEvent(new MessageEvent("message", { data: { kind: "faulty" } }));
  }

  /** Ends a worker without anybody being told. */
  silence(index: number): void {
    this.#threads[index]!.terminate();
  }

  /** Gives the real one its place back. */
  [Symbol.dispose](): void {
    globalThis.Worker = RealWorker;
  }
}
