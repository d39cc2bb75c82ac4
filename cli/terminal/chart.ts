/**
 * A text chart of requests over time: a bar for each, from sending it to its answer.
 *
 * @module
 */

import type { Outcome } from "../../client.ts";
import { Distribution } from "../../load/distribution.ts";
import type { RequestId } from "../../protocol.ts";
import type { Answered } from "../message_client.ts";
import { escapeControls } from "./escape.ts";
import { formatCount, formatDuration, histogram, quantiles } from "../figures.ts";
import type { TerminalSize } from "../buffered_writer.ts";

/** Most lines. If there are more requests, they share lines. */
const MAX_LINES = 40;

/** Longest label of a line, in cells. */
const MAX_LABEL = 12;

/** Room for the note after a bar, in cells: the longest error code. */
const NOTE = 22;

/** Least room for a bar, in cells. A terminal that is too narrow cuts off the notes. */
const MIN_WIDTH = 10;

/** Least distance between two marks of the axis, in cells. */
const MARK = 10;

/** Most bars of the histogram, without the one beyond the 99th percentile. */
const BARS = 10;

/** Room for the numbers in a line of the histogram, in cells. */
const BAR_MARGIN = 32;

/** Shades for the share of a line's requests that are in flight. */
const SHADES = ["░", "▒", "▓", "█"] as const;

const COLORS = { answered: "\x1b[32m", inFlight: "\x1b[36m", failed: "\x1b[31m" } as const;
const NO_COLOR = "\x1b[39m";

/** Characters that surely take one cell each. */
const NARROW = /^[\x20-\x7e\xa1-\xac\xae-\u02ff\u0370-\u0377\u0391-\u0481\u048a-\u052f]*$/;

/** A request. Times are in milliseconds; it is in flight until it has an end. */
interface Entry {
  id: RequestId | undefined;
  readonly sentAt: number;
  endedAt?: number;
  /** Error code, if it failed. */
  code?: string;
}

/** Keeps the times of requests and draws them. */
export class Chart {
  readonly #entries: Entry[] = [];
  readonly #hasColors: boolean;
  #drawing: string[] = [];
  #drawnUntil = -Infinity;

  /** @param hasColors whether to use colors. */
  constructor(hasColors: boolean) {
    this.#hasColors = hasColors;
  }

  /** Adds a request that is sent now, in the order of {@linkcode Outcome.index}. */
  sent(id: RequestId | undefined): void {
    this.#entries.push({ id, sentAt: performance.now() });
  }

  /** Ends a request. */
  settled({ index, reply, error }: Outcome<Answered>): void {
    const entry = this.#entries[index]!;
    entry.id = reply?.requestId ?? error?.requestId;
    // The answer may have come some time ago.
    entry.endedAt = reply === undefined ? performance.now() : entry.sentAt + reply.latency;
    const code = error?.code ?? reply?.error;
    if (code !== undefined) entry.code = code;
  }

  /** Returns the lines while requests are in flight, for two thirds of the terminal. */
  live({ columns, rows }: TerminalSize): string[] {
    const now = performance.now();
    if (now >= this.#drawnUntil) {
      const most = Math.min(Math.max(Math.floor(2 * rows / 3), 1), MAX_LINES);
      this.#drawing = timeline(this.#entries, now, most, columns, this.#hasColors);
      // Drawing many requests is slow; it may take a tenth of the time.
      this.#drawnUntil = now + 10 * (performance.now() - now);
    }
    return this.#drawing;
  }

  /** Returns the chart of all requests that have ended, and a histogram of their latencies. */
  final(columns: number): string {
    const latencies = new Distribution();
    for (const latency of latenciesOf(this.#entries)) latencies.record(latency);
    const width = Math.min(Math.max(columns - BAR_MARGIN, MIN_WIDTH), 40);
    const bars = histogram(latencies.bars(Math.min(BARS, latencies.count)), width);
    return this.ended(columns) + (latencies.count > 1 ? section("Latency", bars) : "");
  }

  /** Returns the chart of all requests that have ended. */
  ended(columns: number): string {
    const ended = this.#entries.filter(({ endedAt }) => endedAt !== undefined);
    if (ended.length === 0) return "";
    const shared = sharing(ended.length, MAX_LINES);
    const legend = `${formatCount(shared)} a line: darker where more are in flight; median latency`;
    const title = shared === 1 ? "Requests" : `Requests, ${legend}`;
    return section(title, timeline(ended, 0, MAX_LINES, columns - 2, this.#hasColors));
  }
}

function section(title: string, lines: readonly string[]): string {
  return `${title}\n${lines.map((line) => `  ${line}\n`).join("")}\n`;
}

function latenciesOf(entries: readonly Entry[]): number[] {
  return entries.flatMap(({ sentAt, endedAt, code }) =>
    code === undefined && endedAt !== undefined ? [endedAt - sentAt] : []
  );
}

/** Returns the number of requests that share a line: 1, 2, 5, 10, 20, … */
function sharing(count: number, maxLines: number): number {
  return count <= maxLines ? 1 : roundUp(count / maxLines);
}

/** Rounds up to 1, 2 or 5 times a power of ten. */
function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return power * ([1, 2, 5].find((factor) => factor * power >= value) ?? 10);
}

/** Returns a line for each request or group of requests, and the axis. */
function timeline(
  entries: readonly Entry[],
  now: number,
  maxLines: number,
  columns: number,
  hasColors: boolean,
): string[] {
  if (entries.length === 0) return [];
  const start = entries[0]!.sentAt;
  const end = entries.reduce((end, { endedAt }) => Math.max(end, endedAt ?? now), start + 1);
  const shared = sharing(entries.length, maxLines);
  const groups = Array.from(
    { length: Math.ceil(entries.length / shared) },
    (_, i) => entries.slice(i * shared, (i + 1) * shared),
  );
  const labels = groups.map((group, i) => labelOf(group, i * shared + 1));
  const indent = Math.max(...labels.map((label) => label.length));
  const width = Math.max(columns - indent - 2 - NOTE, MIN_WIDTH);
  const scale = width / (end - start);
  const lines = groups.map((group, i) => {
    const spans = group.map(({ sentAt, endedAt }) =>
      [(sentAt - start) * scale, ((endedAt ?? now) - start) * scale] as const
    );
    const bar = shared === 1 ? barOf(...spans[0]!) : shadesOf(spans, width);
    return `${labels[i]!.padStart(indent)}  ${withNote(bar, group, now, hasColors)}`;
  });
  return [...lines, " ".repeat(indent + 2) + axisOf(end - start, scale, width)];
}

/** Returns the id of a request, or the numbers of several. */
function labelOf(group: readonly Entry[], first: number): string {
  if (group.length > 1) return `${first}–${first + group.length - 1}`;
  const id = escapeControls(String(group[0]!.id ?? first));
  if (!NARROW.test(id)) return `#${first}`;
  return id.length > MAX_LABEL ? `${id.slice(0, MAX_LABEL - 1)}…` : id;
}

/** Returns a bar, to half a cell. */
function barOf(from: number, to: number): string {
  const first = Math.round(2 * from);
  const last = Math.max(Math.round(2 * to), first + 1);
  const left = " ".repeat(first >> 1) + (first % 2 === 1 ? "▐" : "");
  const full = Math.max((last >> 1) - ((first + 1) >> 1), 0);
  return left + "█".repeat(full) + (last % 2 === 1 && last > first + first % 2 ? "▌" : "");
}

/** Returns a bar whose shades show the share of spans in each cell. */
function shadesOf(spans: readonly (readonly [number, number])[], width: number): string {
  const changes = new Int32Array(width + 1);
  for (const [from, to] of spans) {
    const first = Math.min(Math.floor(from), width - 1);
    changes[first]!++;
    changes[Math.max(Math.round(to), first + 1)]!--;
  }
  let count = 0;
  const cells = Array.from(changes, (change) => {
    count += change;
    return count === 0 ? " " : SHADES[Math.ceil(SHADES.length * count / spans.length) - 1]!;
  });
  return cells.join("").trimEnd();
}

/** Adds to a bar how its requests have ended. */
function withNote(bar: string, group: readonly Entry[], now: number, hasColors: boolean): string {
  const paint = (text: string, color: keyof typeof COLORS) =>
    hasColors ? `${COLORS[color]}${text}${NO_COLOR}` : text;
  const codes = group.flatMap(({ code }) => code ?? []);
  const latencies = latenciesOf(group);
  const ended = codes.length + latencies.length;
  const notes: string[] = [];
  if (latencies.length > 0) notes.push(formatDuration(quantiles(latencies)(0.5)));
  if (ended === 0) notes.push(`${formatDuration(now - group[0]!.sentAt)} …`);
  if (codes.length > 0) {
    const note = group.length === 1
      ? escapeControls(codes[0]!).slice(0, NOTE - 1)
      : `${formatCount(codes.length)} failed`;
    notes.push(paint(note, "failed"));
  }
  const state = ended < group.length ? "inFlight" : codes.length === ended ? "failed" : "answered";
  return `${paint(bar, state)} ${notes.join(", ")}`.trimEnd();
}

/** Returns marks at round times. */
function axisOf(span: number, scale: number, width: number): string {
  const step = roundUp(MARK / scale);
  const digits = Math.max(Math.ceil(-Math.log10(step / 1000)), 0);
  let axis = "";
  for (let time = 0; time <= span && time * scale <= width; time += step) {
    axis = axis.padEnd(Math.round(time * scale)) + `${(time / 1000).toFixed(digits)} s`;
  }
  return axis;
}
