/**
 * Decides which requests meet an injected fault.
 *
 * @module
 */

import { MAX_DELAY } from "./delays.ts";
import { formatNumber, parseDuration } from "./duration.ts";
import { FAULT_KINDS, type FaultKind, type PlannedFault } from "./faults.ts";
import { RandomStream, seededRandom } from "./seeded_random.ts";

/** The share of requests that meets each kind of fault: from 0 to 1, and at most 1 together. */
export interface FaultRates extends Partial<Record<FaultKind, number>> {
  /** The extra delay of the kind `late`, in seconds. @default {10} */
  lateBy?: number;
  /** The rate of the kind `drip`, in bytes per second. @default {10} */
  dripRate?: number;
}

/** Decides which fault each request meets. */
export interface FaultPolicy {
  /** The extra delay of the kind `late`, in milliseconds. */
  readonly lateBy: number;
  /** Returns the fault of the request with the id `bytes[at .. end]`, JSON in UTF-8, if any. */
  faultFor(bytes: Uint8Array, at: number, end: number): PlannedFault | undefined;
}

/** How far the sum of shares may exceed 1: sums of decimals are not exact. */
const ROUNDING = 1e-9;

/**
 * Returns a policy with these rates. A seed, an integer, makes the fault of a request a function of
 * the seed and the id alone, independent of its delay.
 *
 * @throws {RangeError} if a number is out of range, the shares exceed 1, or the seed is not an
 * integer.
 */
export function faultPolicy(rates: FaultRates, seed?: number): FaultPolicy {
  const late = plannedFault("late", rates.lateBy);
  const drip = plannedFault("drip", rates.dripRate);
  const bounds: [PlannedFault, end: number][] = [];
  let sum = 0;
  for (const kind of FAULT_KINDS) {
    const rate = rates[kind] ?? 0;
    if (!(rate >= 0 && rate <= 1)) {
      throw new RangeError(`${kind}: expected a share from 0 to 1, got ${rate}`);
    }
    sum += rate;
    bounds.push([kind === "late" ? late : kind === "drip" ? drip : { kind }, sum]);
  }
  if (sum > 1 + ROUNDING) throw new RangeError(`expected shares of at most 1 together, got ${sum}`);
  const chosen = seededRandom(seed, RandomStream.fault);
  return {
    lateBy: late.parameter!,
    faultFor: (bytes, at, end) => {
      const number = chosen(bytes, at, end);
      return bounds.find(([, end]) => number < end)?.[0];
    },
  };
}

/** The parameters of faults by default: in seconds, and in bytes per second. */
const DEFAULTS: Partial<Record<FaultKind, number>> = { late: 10, drip: 10 };

/**
 * Returns a fault.
 *
 * @param parameter the extra delay of `late`, in seconds, or the rate of `drip`, in bytes per second;
 * 10 by default.
 * @throws {RangeError} if the parameter is out of range.
 */
export function plannedFault(kind: FaultKind, parameter = DEFAULTS[kind]): PlannedFault {
  if (kind === "late" && !(parameter! > 0 && parameter! <= MAX_DELAY)) {
    throw new RangeError(
      `lateBy: expected more than 0 and at most ${MAX_DELAY} seconds, got ${parameter}`,
    );
  }
  if (kind === "drip" && !(parameter! >= 1 && Number.isFinite(parameter))) {
    throw new RangeError(`dripRate: expected at least 1 byte per second, got ${parameter}`);
  }
  return { kind, parameter: kind === "late" ? Math.round(1000 * parameter!) : parameter };
}

/** Returns rates as {@linkcode parseFaults} takes them; null if there are none. */
export function formatFaults(rates: FaultRates): string | null {
  const parameters: Partial<Record<FaultKind, number | undefined>> = {
    late: rates.lateBy,
    drip: rates.dripRate,
  };
  const faults = FAULT_KINDS.filter((kind) => rates[kind] !== undefined)
    .map((kind) => {
      const parameter = parameters[kind];
      const rest = parameter === undefined ? "" : `:${formatNumber(parameter)}`;
      return `${kind}=${formatNumber(rates[kind]!)}${rest}`;
    });
  return faults.length === 0 ? null : faults.join(",");
}

/** A fault on the command line: its kind and share, and a parameter of `late` or `drip`. */
const FAULT = /^([a-z]+)=(\d+(?:\.\d+)?)(?::(\d+(?:\.\d+)?(?:ms|s|m|h)?))?$/;

/**
 * Parses rates of the command line, such as `drop=0.01,late=0.02:5,drip=0.1:100`. 5 is the extra
 * delay in seconds, or with a unit, such as `500ms`; 100 is the rate in bytes per second.
 *
 * @throws {RangeError} if the text has another form, or {@linkcode faultPolicy} throws.
 */
export function parseFaults(text: string): FaultRates {
  const rates: FaultRates = {};
  for (const part of text.split(",")) {
    const [, name, rate, parameter] = FAULT.exec(part) ?? [];
    if (name === undefined || (parameter !== undefined && name !== "late" && name !== "drip")) {
      const got = JSON.stringify(part);
      throw new RangeError(
        `expected kinds with their shares, such as drop=0.01,late=0.02:5, got ${got}`,
      );
    }
    const kind = FAULT_KINDS.find((kind) => kind === name);
    if (kind === undefined) {
      throw new RangeError(`expected ${FAULT_KINDS.join(", ")}, got ${JSON.stringify(name)}`);
    }
    if (rates[kind] !== undefined) {
      throw new RangeError(`expected each kind once, got ${kind} twice`);
    }
    rates[kind] = Number(rate);
    if (parameter === undefined) continue;
    if (name === "late") rates.lateBy = parseDuration(parameter);
    else rates.dripRate = Number(parameter);
  }
  faultPolicy(rates);
  return rates;
}
