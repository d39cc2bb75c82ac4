/**
 * How servers behave as the load grows: the charts.
 *
 * @module
 */

// Imported by its full name, since `deno compile` includes all that deno.json names.
// deno-lint-ignore no-import-prefix
import * as echarts from "npm:echarts@^6.1.0";
import { SMALL } from "./conversion.ts";
import { describePlacing, measure, type Result } from "../measure.ts";
import { interleave, median, type Section } from "../report.ts";
import type { Servers } from "../servers.ts";

/** The most rounds of a point, since there are many points. */
const MAX_ROUNDS = 3;

/** Arrivals per second; three times as many are in flight. */
const RATES = [1_000, 10_000, 33_000, 100_000];

/** Packets by the length of their data. */
const LENGTHS = [55, 220, 1_100, 8_800, 64_000];

const OPEN = { connections: 50, delays: true, data: SMALL, warmUp: 7, seconds: 3 };
const CLOSED = { connections: 16, pipeline: 16, warmUp: 0.5, seconds: 2 };
const V1 = { subprotocol: "asyncpkt.v1" };

const COLORS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00"];
/** Half the width of the ends of a spread, in pixels. */
const CAP = 4;

/** The points of each line by its name; a point has a result for each round. */
type Sweep = ReadonlyMap<string, readonly (readonly Result[])[]>;

/** Measures each point at most three times. */
export async function measureSweeps(servers: Servers, maxRounds: number): Promise<Section> {
  const rounds = Math.min(maxRounds, MAX_ROUNDS);
  const { asyncpkt, asyncpktStrict, echo, plainDeno, plainBun } = servers;
  const open = await sweep(rounds, RATES, {
    "asyncpkt": (rate) => measure(asyncpkt, { ...OPEN, rate }),
    "asyncpkt strict": (rate) => measure(asyncpktStrict, { ...OPEN, rate }),
    "asyncpkt.v1": (rate) => measure(asyncpkt, { ...OPEN, ...V1, rate }),
    "plain on Deno": (rate) => measure(plainDeno, { ...OPEN, rate }),
    "plain on Bun": (rate) => measure(plainBun, { ...OPEN, rate }),
  }, (result, rate) => result.perSecond >= 0.95 * rate);
  const closedLines = [asyncpkt, asyncpktStrict, echo, plainDeno, plainBun].map((server) =>
    [server.name, (length: number) => {
      const data = SMALL.repeat(Math.ceil(length / SMALL.length)).slice(0, length);
      return measure(server, { ...CLOSED, data });
    }] as const
  );
  const closed = await sweep(rounds, LENGTHS, Object.fromEntries(closedLines));

  const subtitle = `${await describePlacing()}\n${servers.versions.slice(0, -1).join(", ")}; ` +
    `${rounds} rounds: median, least and greatest`;
  return {
    title: "As the load grows",
    text:
      `Medians of ${rounds} rounds, with bars from the minimum to the maximum. A line ends where a ` +
      "server no longer keeps up with the requests. Beyond that, lateness grows for as long as the " +
      "measurement takes.",
    goals: [],
    charts: {
      "lateness.svg": lineChart(
        { title: "Lateness by requests in flight", subtitle },
        { name: "requests in flight", valueOf: ({ inFlight }) => inFlight },
        { name: "lateness p99, ms", valueOf: ({ p99 }) => p99 },
        open,
      ),
      "memory.svg": lineChart(
        { title: "Memory by requests in flight", subtitle },
        { name: "requests in flight", valueOf: ({ inFlight }) => inFlight },
        { name: "memory, MB", valueOf: ({ memory }) => memory / 1e6 },
        open,
      ),
      "throughput.svg": lineChart(
        { title: "Answers per second by packet size", subtitle },
        { name: "length of data, characters", valueOf: (_result, step) => LENGTHS[step]! },
        { name: "answers/s", valueOf: ({ perSecond }) => perSecond },
        closed,
      ),
    },
  };
}

/** Measures lines at steps, in rounds. A line ends before its first step with a bad result. */
async function sweep(
  rounds: number,
  steps: readonly number[],
  lines: Readonly<Record<string, (step: number) => Promise<Result>>>,
  isGood = (_result: Result, _step: number): boolean => true,
): Promise<Sweep> {
  const points = new Map<string, (readonly Result[])[]>(
    Object.keys(lines).map((name) => [name, []]),
  );
  let going = Object.entries(lines);
  for (const step of steps) {
    const measurements = going.map(([name, measureAt]) => [name, () => measureAt(step)] as const);
    const results = await interleave(rounds, Object.fromEntries(measurements));
    going = going.filter(([name]) => results.get(name)!.every((result) => isGood(result, step)));
    for (const [name] of going) points.get(name)!.push(results.get(name)!);
  }
  return points;
}

/** An axis of a chart: its name, and what it shows of a result. */
interface Axis {
  readonly name: string;
  readonly valueOf: (result: Result, step: number) => number;
}

/**
 * Draws lines over logarithmic axes, through the medians of the rounds, each with a bar from the
 * least to the greatest value. Returns the text of an SVG.
 */
function lineChart(
  { title, subtitle }: { title: string; subtitle: string },
  x: Axis,
  y: Axis,
  lines: Sweep,
): string {
  const chart = echarts.init(null, null, { renderer: "svg", ssr: true, width: 720, height: 440 });
  chart.setOption({
    animation: false,
    backgroundColor: "#ffffff",
    color: COLORS,
    title: { text: title, subtext: subtitle, left: "center", subtextStyle: { lineHeight: 15 } },
    legend: { bottom: 0, data: [...lines.keys()] },
    grid: { left: 80, right: 30, top: 90, bottom: 80 },
    xAxis: { type: "log", name: x.name, nameLocation: "middle", nameGap: 28 },
    yAxis: { type: "log", name: y.name, nameLocation: "middle", nameGap: 55 },
    series: [...lines].flatMap(([name, points]) => {
      const data = points.map((results, step) => {
        const [xs, ys] = [x, y].map((axis) => results.map((result) => axis.valueOf(result, step)));
        return [median(xs!), median(ys!), Math.min(...ys!), Math.max(...ys!)];
      });
      return [
        { type: "line", name, symbolSize: 7, encode: { x: 0, y: 1 }, data },
        { type: "custom", name, renderItem: renderSpread, encode: { x: 0, y: [2, 3] }, data },
      ];
    }),
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}

/** Draws the bar from the least to the greatest value. */
function renderSpread(_params: unknown, api: echarts.CustomSeriesRenderItemAPI) {
  const point = (y: number) => api.coord([api.value(0), api.value(y)]) as [number, number];
  const [[x, low], [, high]] = [point(2), point(3)];
  const line = (x1: number, y1: number, x2: number, y2: number) => ({
    type: "line",
    shape: { x1, y1, x2, y2 },
    style: { stroke: api.visual("color"), lineWidth: 1.5 },
  });
  const caps = [low, high].map((at) => line(x - CAP, at, x + CAP, at));
  return { type: "group", children: [line(x, low, x, high), ...caps] };
}
