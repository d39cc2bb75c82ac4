/**
 * The charts of docs/performance.md, as SVG.
 *
 * @module
 */

// Named here and not in deno.json, as `deno compile` puts all that is named there into the program.
// deno-lint-ignore no-import-prefix
import * as echarts from "npm:echarts@^6.1.0";

/** A line of a chart: points of x and y. */
export interface Line {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

/** A chart with lines over logarithmic axes; returns the text of an SVG. */
export function lineChart(title: string, x: string, y: string, lines: readonly Line[]): string {
  const chart = echarts.init(null, null, { renderer: "svg", ssr: true, width: 720, height: 400 });
  chart.setOption({
    animation: false,
    backgroundColor: "#ffffff",
    title: { text: title, left: "center" },
    legend: { bottom: 0 },
    grid: { left: 80, right: 30, top: 50, bottom: 80 },
    xAxis: { type: "log", name: x, nameLocation: "middle", nameGap: 28 },
    yAxis: { type: "log", name: y, nameLocation: "middle", nameGap: 55 },
    series: lines.map(({ name, points }) => ({ type: "line", name, data: points, symbolSize: 7 })),
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}
