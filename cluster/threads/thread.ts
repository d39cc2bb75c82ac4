/**
 * The main thread's hold on one worker: its life, from its start to its end, which may come at any time.
 *
 * @module
 */

import type { Certificate, Drained } from "../../server.ts";
import { type Row, State } from "./ledger.ts";
import type { Beginning, Order, Report, Telling } from "./messages.ts";

/** After so many intervals without a sign of life, it counts as silent. */
const SILENT = 5;

/** Where a server listens. */
export interface Place {
  readonly url: string;
  readonly port: number;
}

/** A worker. */
export class Thread {
  /** Resolves once it listens; rejects if it ends before. */
  readonly listening: Promise<Place>;
  /** Resolves with the reason when it has ended. */
  readonly ended: Promise<string>;

  readonly #worker: Worker;
  readonly #row: Row;
  readonly #listening = Promise.withResolvers<Place>();
  readonly #ended = Promise.withResolvers<string>();
  readonly #drained = Promise.withResolvers<Drained>();
  readonly #renewals: PromiseWithResolvers<void>[] = [];
  #beats = -1;
  #silence = 0;
  #isListening = false;
  #hasEnded = false;

  /** @param tell takes the events that it tells. */
  constructor(beginning: Beginning, row: Row, tell: (tellings: readonly Telling[]) => void) {
    this.listening = this.#listening.promise;
    this.listening.catch(() => {}); // whoever cares for it hears of it; others of the end
    this.ended = this.#ended.promise;
    this.#row = row;
    this.#worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
    this.#worker.onmessage = ({ data }: MessageEvent<Report>) => this.#hear(data, tell);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.end(event.message);
    };
    row.state = State.Well;
    this.#order({ kind: "begin", beginning });
  }

  /** Has it listen with another certificate; if it ends meanwhile, that is up to its successor. */
  renew(tls: Certificate): Promise<void> {
    const renewal = Promise.withResolvers<void>();
    if (this.#hasEnded) renewal.resolve();
    else this.#renewals.push(renewal);
    this.#order({ kind: "renew", tls });
    return renewal.promise;
  }

  /** Drains it; if it ends meanwhile, what was in flight is dropped. */
  drain(): Promise<Drained> {
    if (this.#hasEnded) return Promise.resolve({ dropped: 0, cut: 0, disconnected: 0 });
    this.#order({ kind: "drain" });
    return this.#drained.promise;
  }

  /**
   * Notes that an interval has passed, in which it should have given a sign of life.
   *
   * @returns in how many intervals in a row it has not.
   */
  check(): number {
    if (this.#hasEnded) return 0;
    const { beats } = this.#row;
    this.#silence = this.#isListening && beats === this.#beats ? this.#silence + 1 : 0;
    this.#beats = beats;
    this.#row.state = this.#silence < SILENT ? State.Well : State.Silent;
    return this.#silence;
  }

  /** Ends it at once: all its connections break off. A second time, it does nothing. */
  end(reason: string): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#worker.terminate();
    this.#row.state = State.Absent;
    const { counters, gauges } = this.#row.figures;
    this.#drained.resolve({
      dropped: counters.inFlight[0]!,
      cut: gauges.connections,
      disconnected: counters.dropped,
    });
    for (const renewal of this.#renewals) renewal.resolve();
    this.#listening.reject(new Error(reason));
    this.#ended.resolve(reason);
  }

  #order(order: Order): void {
    if (!this.#hasEnded) this.#worker.postMessage(order);
  }

  #hear(report: Report, tell: (tellings: readonly Telling[]) => void): void {
    switch (report.kind) {
      case "listening":
        this.#isListening = true;
        return this.#listening.resolve(report);
      case "unable":
        return this.end(report.reason);
      case "events":
        return tell(report.tellings);
      case "renewed": {
        const renewal = this.#renewals.shift()!;
        if (report.failure === undefined) return renewal.resolve();
        return renewal.reject(new RangeError(report.failure));
      }
      case "drained":
        return this.#drained.resolve(report.drained);
      case "faulty":
        return this.end("a fault of its own");
    }
  }
}
