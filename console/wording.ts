/**
 * Numbers as people read them.
 *
 * @module
 */

const whole = new Intl.NumberFormat("en");
const clock = new Intl.DateTimeFormat("en-GB", {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
});

/** A count. */
export function count(n: number): string {
  return whole.format(n);
}

/** A length of time, given in milliseconds. */
export function duration(milliseconds: number): string {
  if (Math.abs(milliseconds) >= 999.5) return `${(milliseconds / 1000).toFixed(2)} s`;
  return `${milliseconds.toFixed(Math.abs(milliseconds) < 10 ? 1 : 0)} ms`;
}

/** A time of the day, given as `performance.now()` gave it. */
export function timeOfDay(at: number): string {
  return clock.format(performance.timeOrigin + at);
}
