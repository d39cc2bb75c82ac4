/**
 * A report as CSV (RFC 4180): a line of names and a row, so that the rows of many runs make a sheet.
 *
 * @module
 */

import { type DistributionReport, figureOf, FIGURES, type Report } from "./report.ts";

type Cell = string | number | boolean | null;

/** What spreadsheets take for a formula. */
const FORMULA = /^[=+\-@\t\r]/;

/** The header and the row of a report. */
export function csvOf(report: Report): string {
  const cells = columns(report);
  const line = (fields: readonly string[]) => `${fields.join(",")}\r\n`;
  return line(cells.map(([name]) => name)) + line(cells.map(([, cell]) => fieldOf(cell)));
}

/** What is not the same for every run: error codes, histograms and thresholds are in the JSON. */
function columns(report: Report): [string, Cell][] {
  return [
    ["asyncpkt", report.asyncpkt],
    ["started_at", report.started_at],
    ["interrupted", report.interrupted],
    ...Object.entries(report.server),
    ...Object.entries(report.options),
    ["elapsed_s", report.elapsed_s],
    ["sending_s", report.sending_s],
    ...Object.entries(report.counts),
    ...prefixed("rate", report.rates),
    ...prefixed("concurrency", report.concurrency),
    ...durations("latency", report.latency_ms),
    ...durations("overhead", report.overhead_ms),
    ...durations("send_lag", report.send_lag_ms),
    ["thresholds_failed", report.thresholds.filter(({ ok }) => !ok).length],
  ];
}

function prefixed(prefix: string, values: object): [string, Cell][] {
  return Object.entries(values).map(([name, value]) => [`${prefix}_${name}`, value]);
}

function durations(prefix: string, report: DistributionReport | null): [string, Cell][] {
  return FIGURES.map((name) => [`${prefix}_${name}_ms`, figureOf(report, name) ?? null]);
}

function fieldOf(cell: Cell): string {
  if (cell === null) return "";
  if (typeof cell !== "string") return String(cell);
  const text = FORMULA.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
