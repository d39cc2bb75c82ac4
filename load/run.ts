/**
 * Puts a server under load: connects, sends by the schedule, and ends when no request is in flight.
 *
 * @module
 */

import { clearImmediate, setImmediate } from "node:timers";
import type { ClientWire, RequestWriter } from "../protocol/client_wire.ts";
import type { WebSocketConnection } from "../websocket/connection.ts";
import { connectAll, type HandshakeOptions, type OpenedSocket } from "./connect.ts";
import { RequestTracker } from "./request_tracker.ts";
import { Results } from "./results.ts";
import { type LoadLimits, Schedule } from "./schedule.ts";

/** How often to look for overdue requests, in milliseconds. */
const SWEEP = 20;

/**
 * How long before a request is due to poll instead of setting a timer, in milliseconds. Deno's timers
 * are late by up to 2, which would add to each latency.
 */
const TIMER_LATENESS = 3;

/** Options for {@linkcode runLoad}. All times are in milliseconds. */
export interface LoadOptions extends HandshakeOptions, LoadLimits {
  /** With the scheme ws or wss. */
  readonly url: URL;
  readonly connections: number;
  /** Most requests in flight on a connection. */
  readonly concurrency: number;
  /** Requests that share a frame. */
  readonly batch: number;
  /** Requests a second over all connections; undefined to send as fast as the server answers. */
  readonly rate: number | undefined;
  /** Time limit for each request, and for connecting. */
  readonly timeout: number;
  /** What the server speaks. */
  readonly wire: ClientWire;
  /** What the requests are made of, used in turn; at least one. */
  readonly contents: readonly string[];
}

/** A run, during and after it. All times are in milliseconds. */
export interface Run {
  readonly results: Results;
  /** Subprotocol that the server agreed to on all connections, or empty. */
  readonly subprotocol: string;
  /** Time since the start; up to the last answer once the run is over. */
  readonly elapsed: number;
  /** Time from the start to the last sent request. */
  readonly sending: number;
  /** Whether the signal ended it early. */
  readonly interrupted: boolean;
}

/**
 * Runs a load to its end.
 *
 * @param onProgress called several times a second.
 * @throws {ClientError} if it cannot connect.
 * @throws {RangeError} if the contents are wrong.
 */
export async function runLoad(
  options: LoadOptions,
  signal: AbortSignal,
  onProgress: (run: Run) => void = () => {},
): Promise<Run> {
  const requests = options.wire.requests(options.contents);
  const sockets = await connectAll({ ...options, signal });
  const load = new Load(options, requests, sockets, onProgress);
  await load.run(signal);
  return load;
}

class Load implements Run {
  readonly results = new Results();
  readonly subprotocol: string;
  interrupted = false;
  sending = 0;
  readonly #options: LoadOptions;
  readonly #onProgress: (run: Run) => void;
  readonly #schedule: Schedule;
  readonly #sockets: readonly OpenedSocket[];
  /** Open connections, in the order of their turns. */
  readonly #trackers: RequestTracker[];
  readonly #over = Promise.withResolvers<void>();
  #turn = 0;
  #startedAt = 0;
  #endedAt: number | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #immediate: ReturnType<typeof setImmediate> | undefined;
  /** Whether the timer or the immediate is set. */
  #isAwake = false;

  constructor(
    options: LoadOptions,
    requests: RequestWriter,
    sockets: OpenedSocket[],
    onProgress: (run: Run) => void,
  ) {
    const { rate, batch } = options;
    this.#options = options;
    this.#onProgress = onProgress;
    const [first] = sockets;
    const isAgreed = sockets.every(({ protocol }) => protocol === first!.protocol);
    this.subprotocol = isAgreed ? first!.protocol : "";
    this.#schedule = new Schedule(options, batch, rate);
    this.#sockets = sockets;
    this.#trackers = sockets.map(({ connection }) => this.#track(connection, requests));
  }

  get elapsed(): number {
    return (this.#endedAt ?? performance.now()) - this.#startedAt;
  }

  async run(signal: AbortSignal): Promise<void> {
    const interrupt = () => {
      this.interrupted = true;
      this.#end();
    };
    signal.addEventListener("abort", interrupt, { once: true });
    const sweeping = setInterval(this.#sweep, SWEEP);
    this.#startedAt = performance.now();
    this.#schedule.start(this.#startedAt);
    const running = this.#sockets.map(({ connection, surplus }) => connection.run(surplus));
    if (signal.aborted) interrupt();
    else this.#sendDue();
    this.#checkEnd();
    await this.#over.promise;
    clearInterval(sweeping);
    clearTimeout(this.#timer);
    clearImmediate(this.#immediate);
    signal.removeEventListener("abort", interrupt);
    for (const { connection } of this.#sockets) connection.close(1000);
    await Promise.all(running);
  }

  #track(connection: WebSocketConnection, requests: RequestWriter): RequestTracker {
    const send = (frame: string) => connection.send(frame);
    const tracker = new RequestTracker(send, this.#options.wire, requests, this.results);
    connection.listen({
      onMessage: (message) => {
        tracker.receive(message, performance.now());
        this.#fill(tracker);
        this.#checkEnd();
      },
      onEnd: () => this.#lose(tracker),
    });
    return tracker;
  }

  #lose(tracker: RequestTracker): void {
    const at = this.#trackers.indexOf(tracker);
    if (at < 0 || this.#endedAt !== undefined) return;
    this.#trackers.splice(at, 1);
    this.results.counts.connections_lost++;
    tracker.giveUp("lost", performance.now());
    this.#checkEnd();
  }

  /** Sends all due requests for which one connection has room. */
  #fill(tracker: RequestTracker): void {
    while (this.#hasRoom(tracker)) {
      if (!this.#sendOn(tracker)) return this.#wakeWhenDue();
    }
  }

  /** Sends all due requests for which there is room, on all connections in turn. */
  #sendDue = (): void => {
    this.#isAwake = false;
    let full = 0;
    while (full < this.#trackers.length) {
      this.#turn = (this.#turn + 1) % this.#trackers.length;
      const tracker = this.#trackers[this.#turn]!;
      if (!this.#hasRoom(tracker)) full++;
      else if (this.#sendOn(tracker)) full = 0;
      else return this.#wakeWhenDue();
    }
    // There is no room; the next answer makes some.
  };

  #hasRoom(tracker: RequestTracker): boolean {
    return tracker.inFlight + this.#options.batch <= this.#options.concurrency;
  }

  /** Sends a frame, if one is due. */
  #sendOn(tracker: RequestTracker): boolean {
    const now = performance.now();
    const count = this.#schedule.take(now);
    if (count === 0) return false;
    const { intendedAt } = this.#schedule;
    tracker.send(count, intendedAt, now);
    if (this.#options.rate !== undefined) this.results.lag.record(now - intendedAt);
    this.sending = now - this.#startedAt;
    return true;
  }

  #wakeWhenDue(): void {
    const { nextAt } = this.#schedule;
    if (this.#isAwake || !Number.isFinite(nextAt) || this.#endedAt !== undefined) return;
    this.#isAwake = true;
    const wait = nextAt - performance.now();
    if (wait > TIMER_LATENESS) this.#timer = setTimeout(this.#sendDue, wait - TIMER_LATENESS);
    else this.#immediate = setImmediate(this.#sendDue);
  }

  #sweep = (): void => {
    const now = performance.now();
    for (const tracker of this.#trackers) {
      const before = tracker.inFlight;
      tracker.timeOut(now - this.#options.timeout, now);
      if (tracker.inFlight < before) this.#fill(tracker);
    }
    this.#onProgress(this);
    this.#checkEnd();
  };

  #checkEnd(): void {
    if (this.results.inFlight > 0) return;
    if (this.#trackers.length > 0 && !this.#schedule.isOver(performance.now())) return;
    this.#end();
  }

  #end(): void {
    if (this.#endedAt !== undefined) return;
    const now = performance.now();
    this.#endedAt = now;
    this.results.counts.missed = this.#schedule.missed(now);
    for (const tracker of this.#trackers) tracker.giveUp("unanswered", now);
    this.#over.resolve();
  }
}
