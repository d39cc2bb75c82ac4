/**
 * One process as a queue, event by event: requests arrive, answers fall due, and one thread deals with both
 * in turns of an event loop, in the order of `server/pump.ts`. A request's delay itself need not be
 * simulated: when very many are in flight, what falls due is a Poisson process of the same rate.
 *
 * @module
 */

/** What is simulated. Times are in milliseconds. */
export interface Load {
  /** Requests a second. */
  readonly rate: number;
  /** What a request costs, in and out together. */
  readonly perRequest: number;
  /** What a turn of the event loop costs, whatever is done in it. */
  readonly perTurn: number;
  /** Whether requests arrive in a burst each millisecond, as the load of a benchmark does, or at random. */
  readonly inBursts: boolean;
}

/** What came of it. */
export interface Simulated {
  /** The part of the time in which the process was at work. */
  readonly utilisation: number;
  readonly turnsPerSecond: number;
  /** Lateness: from sending to the answer, less the delay; in milliseconds. */
  readonly p50: number;
  readonly p99: number;
}

/** How long is simulated, in milliseconds. */
const DURATION = 20_000;

/** Beyond so many requests, it is shorter: they say enough. */
const ENOUGH = 100_000;

/** How late Deno's timers are at most, in milliseconds; see `server/pump.ts`. */
const TIMER_LATE = 2;

/** Simulates a load; the same each time. */
export function simulate(load: Load): Simulated {
  const { rate, perRequest, perTurn, inBursts } = load;
  const random = randomNumbers(1);
  const perMillisecond = rate / 1000;
  const duration = Math.min(DURATION, ENOUGH / perMillisecond);
  const exponential = (mean: number) => -Math.log(1 - random()) * mean;

  let arrived = 0; // since the start, for bursts
  const nextArrivalAfter = (last: number): number => {
    if (!inBursts) return last + exponential(1 / perMillisecond);
    return Math.ceil(++arrived / perMillisecond);
  };
  const nextDueAfter = (last: number): number => last + exponential(1 / perMillisecond);

  const waits: number[] = []; // until a request is read
  const latenesses: number[] = [];
  let now = 0;
  let busy = 0;
  let turns = 0;
  let arrival = nextArrivalAfter(0);
  let due = nextDueAfter(0);
  let dueSlot = due + random(); // the wheel's slots are milliseconds, and are looked at when they end
  while (now < duration) {
    const timer = dueSlot + random() * TIMER_LATE;
    now = Math.max(now, Math.min(arrival, timer));
    const from = now;
    turns++;
    now += perTurn;
    for (const present = now; arrival <= present; arrival = nextArrivalAfter(arrival)) {
      now += perRequest / 2;
      waits.push(now - arrival);
    }
    for (const present = now; dueSlot <= present; dueSlot = due + random()) {
      now += perRequest / 2;
      const wait = waits.length > 0 ? waits[Math.floor(random() * waits.length)]! : 0;
      latenesses.push(now - due + wait);
      due = nextDueAfter(due);
    }
    busy += now - from;
  }
  latenesses.sort((a, b) => a - b);
  const at = (rank: number) => latenesses[Math.floor(rank * latenesses.length)] ?? NaN;
  return {
    utilisation: busy / now,
    turnsPerSecond: turns / now * 1000,
    p50: at(0.5),
    p99: at(0.99),
  };
}

/** Numbers from 0 to 1, the same for the same seed: xorshift of 32 bits. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
