/**
 * A report as text for people.
 *
 * @module
 */

import { escapeControls } from "./terminal/escape.ts";
import { counted, formatCount, formatDuration, histogram, plural } from "./figures.ts";
import { type DistributionReport, figureOf, FIGURES, type Report } from "../load/report.ts";
import type { LoadCounts } from "../load/results.ts";

/** How far text from a server may go on. */
const MAX_CODE_LENGTH = 60;

/** What is counted besides requests and responses; told only if there is any. */
const MISHAPS: Readonly<Partial<Record<keyof LoadCounts, readonly [one: string, many?: string]>>> =
  {
    failed: ["answered with an error"],
    timed_out: ["not answered in time"],
    lost: ["lost with its connection", "lost with their connections"],
    unanswered: ["in flight when it was interrupted"],
    missed: ["due by the rate, but never sent: no room"],
    late: ["answered after its timeout", "answered after their timeouts"],
    unknown: ["answer to no request", "answers to no request"],
    garbage: ["frame that holds no answers", "frames that hold no answers"],
    connections_lost: ["connection lost", "connections lost"],
  };

/** The text of a report. */
export function textOf(report: Report): string {
  const sections = [
    ["Summary", rows(summary(report))],
    ["Durations", durations(report)],
    ["Latency", report.latency_ms && histogram(report.latency_ms.histogram)],
    ["Overhead", hasDelays(report) ? histogram(report.overhead_ms!.histogram) : null],
    ["Mishaps", rows(mishaps(report.counts))],
    ["Error answers", rows(errorRows(report.errors))],
    ["Thresholds", rows(verdicts(report))],
  ] as const;
  return sections
    .filter(([, lines]) => lines !== null && lines.length > 0)
    .map(([title, lines]) => `${title}\n${lines!.map((line) => `  ${line}\n`).join("")}`)
    .join("\n");
}

/** Lines of an error table: how often, and the code, which is made safe to show. */
export function errorRows(errors: Readonly<Record<string, number>>): [string, string][] {
  return Object.entries(errors)
    .sort(([, a], [, b]) => b - a)
    .map(([code, count]) => [formatCount(count), escapeControls(shorten(code))]);
}

function summary({ server, options, counts, rates, concurrency, ...report }: Report): Row[] {
  const { connections, pipeline, batch } = options;
  const limits = [
    options.requests === null ? [] : [counted(options.requests, "request")],
    options.duration_s === null ? [] : [`${options.duration_s} s`],
  ].flat().join(" or ");
  const sharing = batch > 1 ? `, ${batch} to a frame` : "";
  const pace = options.rate === null ? "" : `, at ${formatCount(options.rate)}/s`;
  const share = counts.sent > 0 ? 100 * counts.answered / counts.sent : 0;
  const disorder = counts.answered > 0 ? 100 * counts.out_of_order / counts.answered : 0;
  const required = concurrency.required === null
    ? ""
    : `; the rate asks for ${formatCount(concurrency.required)}`;
  return [
    ["server", `${escapeControls(server.url)}, ${server.protocol}`],
    ["load", `${connections} × ${pipeline} in flight${sharing}${pace}, for ${limits}`],
    [
      "took",
      `${report.elapsed_s.toFixed(2)} s${report.interrupted ? ", interrupted" : ""}, ` +
      `of which sending ${report.sending_s.toFixed(2)} s`,
    ],
    ["sent", `${formatCount(counts.sent)}, ${formatCount(rates.sent)}/s while sending`],
    [
      "answered",
      `${formatCount(counts.answered)} (${percent(share)}), ${formatCount(rates.answered)}/s`,
    ],
    ["out of order", `${formatCount(counts.out_of_order)} (${percent(disorder)})`],
    [
      "in flight",
      `${formatCount(concurrency.mean)} on average, ${formatCount(concurrency.max)} at most ` +
      `of ${formatCount(concurrency.limit)}${required}`,
    ],
  ];
}

/** A table with a column for each distribution. */
function durations(report: Report): string[] {
  const columns = ([
    ["latency", report.latency_ms],
    ["overhead", report.overhead_ms],
    ["send lag", report.send_lag_ms],
  ] as const).filter((column): column is [typeof column[0], DistributionReport] =>
    column[1] !== null
  );
  if (columns.length === 0) return [];
  const line = (name: string, cells: string[]) =>
    name.padEnd(8) + cells.map((cell) => cell.padStart(10)).join("");
  return [
    line("", columns.map(([name]) => name)),
    ...FIGURES.map((name) =>
      line(name, columns.map(([, each]) => formatDuration(figureOf(each, name)!)))
    ),
  ];
}

/** Without delays, overhead is latency over again. */
function hasDelays({ latency_ms, overhead_ms }: Report): boolean {
  return overhead_ms !== null && overhead_ms.mean !== latency_ms?.mean;
}

function mishaps(counts: LoadCounts): Row[] {
  return Object.entries(MISHAPS).flatMap(([name, [one, many = one]]) => {
    const count = counts[name as keyof LoadCounts];
    return count > 0 ? [[formatCount(count), plural(count, one, many)] as const] : [];
  });
}

function verdicts({ thresholds }: Report): Row[] {
  return thresholds.map(({ threshold, value, ok }) => {
    const found = value === null ? "not known" : String(Number(value.toPrecision(6)));
    return [ok ? "kept" : "FAILED", `${escapeControls(threshold)}: ${found}`];
  });
}

type Row = readonly [string, string];

function rows(cells: readonly Row[]): string[] {
  const width = Math.max(0, ...cells.map(([name]) => name.length));
  return cells.map(([name, value]) => `${name.padEnd(width)}  ${value}`);
}

function percent(value: number): string {
  return `${Number(value.toFixed(2))} %`;
}

function shorten(text: string): string {
  return text.length > MAX_CODE_LENGTH ? `${text.slice(0, MAX_CODE_LENGTH)}…` : text;
}
