/**
 * The threads of a server with workers, from the outside: what they report can be seen, and they can be
 * made to fail.
 *
 * @module
 */

import { addCounts, ADMITTED, type Counts, IN_FLIGHT } from "../../cluster/threads/counts.ts";

const RealWorker = globalThis.Worker;

/** A thread, and what it has reported. */
interface Thread {
  readonly worker: Worker;
  readonly counts: Map<string, number>;
  beats: number;
}

/** Watches all workers that start, until it is disposed. */
export class WorkerThreads implements Disposable {
  /** The latest thread of each worker. */
  readonly #threads: Thread[] = [];

  /** Takes the place of `Worker`. */
  constructor() {
    const watch = (worker: Worker, number: number) => {
      const thread = { worker, counts: new Map<string, number>(), beats: 0 };
      this.#threads[number - 1] = thread;
      worker.addEventListener("message", ({ data: { name, args } }) => {
        if (name === "stats") thread.beats++;
        if (name === "addCounts") addCounts(thread.counts, args[0] as Counts);
      });
    };
    globalThis.Worker = class extends RealWorker {
      constructor(url: URL, options: WorkerOptions) {
        super(url, options);
        watch(this, Number(options.name!.split(" ")[1]));
      }
    } as typeof Worker;
  }

  /** How many workers there are. */
  get size(): number {
    return this.#threads.length;
  }

  /** How many connections each has admitted. */
  get connections(): number[] {
    return this.#threads.map(({ counts }) => counts.get(ADMITTED) ?? 0);
  }

  /** How many requests are in flight in each. */
  get inFlight(): number[] {
    return this.#threads.map(({ counts }) => counts.get(IN_FLIGHT) ?? 0);
  }

  /** How many signs of life each has given. */
  get beats(): number[] {
    return this.#threads.map(({ beats }) => beats);
  }

  /** Makes an error in a worker that nobody catches. */
  fail(index: number): void {
    this.#threads[index]!.worker.postMessage({ name: "no such function", args: [] });
  }

  /** Has the main thread receive a call from a worker that the worker has not made. */
  call(index: number, name: string, ...args: unknown[]): void {
    this.#threads[index]!.worker.dispatchEvent(
      new MessageEvent("message", { data: { name, args } }),
    );
  }

  /** Ends a worker without notice. */
  silence(index: number): void {
    this.#threads[index]!.worker.terminate();
  }

  /** Gives the real one its place back. */
  [Symbol.dispose](): void {
    globalThis.Worker = RealWorker;
  }
}
