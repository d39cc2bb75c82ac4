/**
 * The time by which requests fall due.
 *
 * @module
 */

/** Longest time of a timer, in milliseconds; a longer one fires at once. */
export const MAX_TIMEOUT = 2 ** 31 - 1;

/** A clock. Its times are in milliseconds, from any start, and never go back. */
export interface Clock {
  /** Name of the clock, as `--clock` takes it. */
  readonly mode?: string;
  /** Returns the time. */
  now(): number;
  /** Returns the time, for a frame that has just arrived. */
  arrival(): number;
  /**
   * Calls `callback` once, when the time is `time` or a little later.
   *
   * @returns a function that cancels the call.
   */
  callAt(time: number, callback: () => void): () => void;
}

/** The most times that a clock is as fast as time passes. */
const MAX_FACTOR = 1_000_000;

/** Time as it passes. */
export const realClock: Clock = scaledClock(1);

/**
 * Returns a clock that runs faster than time passes.
 *
 * @param factor how many times as fast.
 * @throws {RangeError} if the factor is not from 1 to 1,000,000.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { scaledClock, serve } from "@asyncpkt/asyncpkt/server";
 *
 * await using server = serve({ port: 0, delay: { min: 60, max: 60 }, clock: scaledClock(10_000) });
 * const answer = await fetch(server.url.replace("ws", "http"), {
 *   method: "POST",
 *   body: '{"request_id":"01","data":"Hub&&name&&qwe"}',
 * });
 * assertEquals(await answer.json(), { request_id: "01", data: { Hub: { name: "qwe" } } });
 * ```
 */
export function scaledClock(factor: number): Clock {
  if (!(factor >= 1 && factor <= MAX_FACTOR)) {
    throw new RangeError(`clock: expected a factor from 1 to ${MAX_FACTOR}, got ${factor}`);
  }
  const now = () => factor * performance.now();
  return {
    mode: factor === 1 ? "real" : `x${factor}`,
    now,
    arrival: now,
    callAt: (time, callback) => callIn((time - now()) / factor, callback),
  };
}

/** Time without arrivals after which {@linkcode skippingClock} jumps, in milliseconds. */
const QUIET = 5;

/**
 * Returns a clock that does not wait: when nothing has arrived for 5 milliseconds, its time jumps to
 * the next due request.
 *
 * @example
 * ```ts
 * import { assertLess } from "@std/assert";
 * import { serve, skippingClock } from "@asyncpkt/asyncpkt/server";
 *
 * await using server = serve({ port: 0, delay: { min: 600, max: 600 }, clock: skippingClock() });
 * const start = performance.now();
 * await fetch(server.url.replace("ws", "http"), {
 *   method: "POST",
 *   body: '{"request_id":"01","data":"Hub&&name&&qwe"}',
 * }).then((answer) => answer.text());
 * assertLess(performance.now() - start, 600_000);
 * ```
 */
export function skippingClock(): Clock {
  let skipped = 0;
  let lastArrival = 0;
  const now = () => performance.now() + skipped;
  return {
    mode: "skip",
    now,
    arrival() {
      lastArrival = performance.now();
      return now();
    },
    callAt(time, callback) {
      let cancel = () => {};
      const wait = () => {
        const left = time - now();
        const quietIn = lastArrival + QUIET - performance.now();
        if (left > 0 && quietIn > 0) {
          cancel = callIn(Math.min(left, quietIn), wait);
          return;
        }
        skipped += Math.max(left, 0);
        callback();
      };
      // Answers that are sent now may make a client send more, so time to arrive passes first.
      cancel = callIn(Math.min(Math.max(time - now(), 0), QUIET), wait);
      return () => cancel();
    },
  };
}

/** A clock that stands still until it is moved. */
export interface ManualClock extends Clock {
  /**
   * Moves the time, in milliseconds. All that is due until then happens in order, each at its time.
   *
   * @throws {RangeError} if the duration is negative or infinite.
   */
  advance(duration: number): void;
  /**
   * Moves the time to the next that is due, which then happens. Without any, the time stands still.
   */
  advanceToNext(): void;
}

/** Whether a clock stands still until it is moved. */
export function isManual(clock: Clock): clock is ManualClock {
  return "advanceToNext" in clock;
}

/**
 * Returns a clock that stands still at 0 until it is moved.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { manualClock, serve } from "@asyncpkt/asyncpkt/server";
 *
 * await using server = serve({ port: 0, delay: { min: 5, max: 5 }, clock: manualClock() });
 * const answer = fetch(server.url.replace("ws", "http"), {
 *   method: "POST",
 *   body: '{"request_id":"01","data":"Hub&&name&&qwe"}',
 * });
 * await server.received(1);
 * server.clock.advance(5000);
 * assertEquals((await answer.then((answer) => answer.json())).request_id, "01");
 * ```
 */
export function manualClock(): ManualClock {
  let now = 0;
  const calls = new Set<{ time: number; callback: () => void }>();
  const moveTo = (end: number) => {
    for (;;) {
      const [next] = [...calls].filter(({ time }) => time <= end)
        .sort((a, b) => a.time - b.time);
      if (next === undefined) break;
      calls.delete(next);
      now = Math.max(now, next.time);
      next.callback();
    }
    now = Math.max(now, end); // a callback may have moved it further
  };
  return {
    mode: "manual",
    now: () => now,
    arrival: () => now,
    callAt(time, callback) {
      const call = { time, callback };
      calls.add(call);
      return () => void calls.delete(call);
    },
    advance(duration) {
      if (!(duration >= 0 && duration < Infinity)) {
        throw new RangeError(`expected a duration of at least 0 ms, got ${duration}`);
      }
      // In whole nanoseconds, so that ten times 0.1 ms are a millisecond.
      moveTo(Math.round(1e6 * (now + duration)) / 1e6);
    },
    advanceToNext() {
      const next = Math.min(...[...calls].map(({ time }) => time));
      if (next < Infinity) moveTo(next);
    },
  };
}

/**
 * Returns the clock that `--clock` names: `real`, `x100` for 100 times as fast, `skip` or `manual`.
 *
 * @throws {RangeError} if the text names none.
 */
export function parseClock(text: string): Clock {
  if (text === "real") return realClock;
  if (text === "skip") return skippingClock();
  if (text === "manual") return manualClock();
  const [, factor] = /^x(\d+(?:\.\d+)?)$/.exec(text) ?? [];
  if (Number(factor) >= 1 && Number(factor) <= MAX_FACTOR) return scaledClock(Number(factor));
  throw new RangeError(
    `expected real, skip, manual, or x and a number from 1 to ${MAX_FACTOR}, such as x100, ` +
      `got ${JSON.stringify(text)}`,
  );
}

function callIn(duration: number, callback: () => void): () => void {
  const timer = setTimeout(callback, Math.max(duration, 0));
  return () => clearTimeout(timer);
}
