/**
 * The charts of docs/performance.md, as SVG.
 *
 * @module
 */

// Named here and not in deno.json, as `deno compile` puts all that is named there into the program.
// deno-lint-ignore no-import-prefix
import * as echarts from "npm:echarts@^6.1.0";
import { median } from "./statistics.ts";

/** A point of a line: for each round, what was found. */
export interface Point {
  readonly x: readonly number[];
  readonly y: readonly number[];
}

/** A line of a chart. */
export interface Line {
  readonly name: string;
  readonly points: readonly Point[];
}

/** What a chart says beside its lines. */
export interface Labels {
  readonly title: string;
  /** What was measured on, and how often. */
  readonly subtitle: string;
  readonly x: string;
  readonly y: string;
}

const COLORS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7"];
/** Half the width of the ends of a spread, in pixels. */
const CAP = 4;

/**
 * A chart with lines over logarithmic axes, through the medians of the rounds, each with a bar from the
 * least to the greatest; returns the text of an SVG.
 */
export function lineChart({ title, subtitle, x, y }: Labels, lines: readonly Line[]): string {
  const chart = echarts.init(null, null, { renderer: "svg", ssr: true, width: 720, height: 440 });
  chart.setOption({
    animation: false,
    backgroundColor: "#ffffff",
    color: COLORS,
    title: { text: title, subtext: subtitle, left: "center", subtextStyle: { lineHeight: 15 } },
    legend: { bottom: 0, data: lines.map(({ name }) => name) },
    grid: { left: 80, right: 30, top: 90, bottom: 80 },
    xAxis: { type: "log", name: x, nameLocation: "middle", nameGap: 28 },
    yAxis: { type: "log", name: y, nameLocation: "middle", nameGap: 55 },
    series: lines.flatMap(({ name, points }) => [
      {
        type: "line",
        name,
        symbolSize: 7,
        data: points.map((point) => [median(point.x), median(point.y)]),
      },
      {
        type: "custom",
        name,
        renderItem: renderSpread,
        encode: { x: 0, y: [1, 2] },
        data: points.map((point) => [
          median(point.x),
          Math.min(...point.y),
          Math.max(...point.y),
        ]),
      },
    ]),
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}

/** Draws the bar from the least to the greatest. */
function renderSpread(
  _params: unknown,
  api: {
    value(dimension: number): number;
    coord(point: [number, number]): [number, number];
    visual(name: "color"): string;
  },
): unknown {
  const [x, low] = api.coord([api.value(0), api.value(1)]);
  const [, high] = api.coord([api.value(0), api.value(2)]);
  const line = (x1: number, y1: number, x2: number, y2: number) => ({
    type: "line",
    shape: { x1, y1, x2, y2 },
    style: { stroke: api.visual("color"), lineWidth: 1.5 },
  });
  return {
    type: "group",
    children: [
      line(x, low, x, high),
      line(x - CAP, low, x + CAP, low),
      line(x - CAP, high, x + CAP, high),
    ],
  };
}
