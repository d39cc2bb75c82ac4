/**
 * Text on a run of the load generator: while it goes on, and its report.
 *
 * @module
 */

import { figureOf, FIGURES, type Report } from "../load/report.ts";
import type { LoadCounts } from "../load/results.ts";
import type { LoadOptions, Run } from "../load/run.ts";
import { counted, formatCount, formatDuration, histogram, plural, progressBar } from "./figures.ts";
import { escapeControls } from "./terminal/escape.ts";

/** The most characters of an error code from a server. */
const MAX_CODE_LENGTH = 60;

/** The most error codes that are shown during a run. */
const MAX_ERRORS = 5;

/** The shortest time over which the current rate is taken, in milliseconds. */
const RATE_INTERVAL = 250;

const BAR_WIDTH = 40;

/** Counts that are shown only if they are not 0, with their names for one and for many. */
const MISHAPS: readonly (readonly [keyof LoadCounts, one: string, many?: string])[] = [
  ["failed", "answered with an error"],
  ["timed_out", "not answered in time"],
  ["lost", "lost with its connection", "lost with their connections"],
  ["unanswered", "in flight when it was interrupted"],
  ["missed", "due by the rate, but never sent: no room"],
  ["late", "answered after its timeout", "answered after their timeouts"],
  ["unknown", "answer to no request", "answers to no request"],
  ["garbage", "frame that holds no answers", "frames that hold no answers"],
  ["connections_lost", "connection lost", "connections lost"],
];

type Row = readonly [name: string, value: string];

/** Returns a function that returns the lines on a run in progress. */
export function progressOf(options: LoadOptions): (run: Run) => string[] {
  let [rate, countedAt, answeredThen] = [0, 0, 0];
  return ({ results, elapsed }) => {
    const { counts, latency, inFlight } = results;
    const { sent, answered, failed, timed_out } = counts;
    const since = elapsed - countedAt;
    if (since >= RATE_INTERVAL) {
      rate = 1000 * (answered - answeredThen) / since;
      [countedAt, answeredThen] = [elapsed, answered];
    }
    const figures = [50, 90, 99].map((each) =>
      `p${each} ${formatDuration(latency.percentile(each))}`
    );
    const latencies = `latency: ${figures.join(", ")}, max ${formatDuration(latency.max)}`;
    const errors = errorRows(Object.fromEntries(results.errors)).slice(0, MAX_ERRORS);
    return [
      limitLine(elapsed, sent, options),
      `${counted(rate, "answer")}/s, ${formatCount(inFlight)} in flight, ` +
      `${formatCount(answered)} answered, ${formatCount(failed)} failed, ` +
      `${formatCount(timed_out)} timed out`,
      ...latency.count === 0 ? [] : [latencies],
      ...errors.map(([count, code]) => `  ${count}  ${code}`),
    ];
  };
}

/** Returns a line with the progress towards the limit that is closer. */
function limitLine(elapsed: number, sent: number, { requests, duration }: LoadOptions): string {
  const byTime = Math.min(elapsed / duration, 1);
  const byCount = sent / requests;
  const bar = progressBar(Math.max(byTime, byCount), BAR_WIDTH);
  const seconds = (milliseconds: number) => `${(milliseconds / 1000).toFixed(1)} s`;
  const progress = byCount > byTime
    ? `${formatCount(sent)} of ${formatCount(requests)}`
    : `${seconds(Math.min(elapsed, duration))} of ${seconds(duration)}`;
  const waits = byTime === 1 || byCount === 1 ? ", waiting for the last answers" : "";
  return `${bar} ${progress}${waits}`;
}

/** Returns the text of a report. */
export function textOf(report: Report): string {
  const { latency_ms, overhead_ms } = report;
  // Without delays, overhead is the same as latency.
  const hasDelays = overhead_ms !== null && overhead_ms.mean !== latency_ms?.mean;
  const sections: [title: string, lines: string[]][] = [
    ["Summary", rows(summary(report))],
    ["Durations", durations(report)],
    ["Latency", latency_ms === null ? [] : histogram(latency_ms.histogram)],
    ["Overhead", hasDelays ? histogram(overhead_ms.histogram) : []],
    ["Mishaps", rows(mishaps(report.counts))],
    ["Error answers", rows(errorRows(report.errors))],
    ["Thresholds", rows(verdicts(report))],
  ];
  return sections
    .filter(([, lines]) => lines.length > 0)
    .map(([title, lines]) => `${title}\n${lines.map((line) => `  ${line}\n`).join("")}`)
    .join("\n");
}

/** Returns the number of errors of each code, the most frequent first. */
function errorRows(errors: Readonly<Record<string, number>>): Row[] {
  return Object.entries(errors)
    .sort(([, a], [, b]) => b - a)
    .map(([code, count]) => {
      const isLong = code.length > MAX_CODE_LENGTH;
      const shown = isLong ? `${code.slice(0, MAX_CODE_LENGTH)}…` : code;
      return [formatCount(count), escapeControls(shown)];
    });
}

function summary({ server, options, counts, rates, concurrency, ...report }: Report): Row[] {
  const { connections, batch, requests, duration_s, rate } = options;
  const limits = [
    ...requests === null ? [] : [counted(requests, "request")],
    ...duration_s === null ? [] : [`${duration_s} s`],
  ];
  const sharing = batch > 1 ? `, ${batch} to a frame` : "";
  const pace = rate === null ? "" : `, at ${formatCount(rate)}/s`;
  const load = `${connections} × ${options.concurrency} in flight${sharing}${pace}`;
  const interrupted = report.interrupted ? ", interrupted" : "";
  const sending = `${report.sending_s.toFixed(2)} s`;
  const required = concurrency.required === null
    ? ""
    : `; the rate asks for ${formatCount(concurrency.required)}`;
  const { url, protocol, subprotocol } = server;
  const speaks = new Set([protocol, ...subprotocol === null ? [] : [subprotocol]]);
  return [
    ["server", escapeControls([url, ...speaks].join(", "))],
    ["load", `${load}, for ${limits.join(" or ")}`],
    ["took", `${report.elapsed_s.toFixed(2)} s${interrupted}, of which sending ${sending}`],
    ["sent", `${formatCount(counts.sent)}, ${formatCount(rates.sent)}/s while sending`],
    ["answered", `${share(counts.answered, counts.sent)}, ${formatCount(rates.answered)}/s`],
    ["out of order", share(counts.out_of_order, counts.answered)],
    [
      "in flight",
      `${formatCount(concurrency.mean)} on average, ${formatCount(concurrency.max)} at most ` +
      `of ${formatCount(concurrency.limit)}${required}`,
    ],
  ];
}

/** Returns a count and its share of another count, such as `1,200 (50 %)`. */
function share(count: number, all: number): string {
  const percent = all > 0 ? Number((100 * count / all).toFixed(2)) : 0;
  return `${formatCount(count)} (${percent} %)`;
}

/** Returns a table with a column for each distribution. */
function durations({ latency_ms, overhead_ms, send_lag_ms }: Report): string[] {
  const all = { latency: latency_ms, overhead: overhead_ms, "send lag": send_lag_ms };
  const columns = Object.entries(all).filter(([, column]) => column !== null);
  if (columns.length === 0) return [];
  const line = (name: string, cells: string[]) =>
    name.padEnd(8) + cells.map((cell) => cell.padStart(10)).join("");
  const rows = FIGURES.map((name) =>
    line(name, columns.map(([, column]) => formatDuration(figureOf(column, name)!)))
  );
  return [line("", columns.map(([name]) => name)), ...rows];
}

function mishaps(counts: LoadCounts): Row[] {
  return MISHAPS.filter(([name]) => counts[name] > 0)
    .map(([name, one, many = one]) => [formatCount(counts[name]), plural(counts[name], one, many)]);
}

function verdicts({ thresholds }: Report): Row[] {
  return thresholds.map(({ threshold, value, ok }) => {
    const found = value === null ? "not known" : String(Number(value.toPrecision(6)));
    return [ok ? "kept" : "FAILED", `${escapeControls(threshold)}: ${found}`];
  });
}

function rows(cells: readonly Row[]): string[] {
  const width = Math.max(0, ...cells.map(([name]) => name.length));
  return cells.map(([name, value]) => `${name.padEnd(width)}  ${value}`);
}
