/**
 * The strip of totals, with what they were in the last seconds, and the latencies.
 *
 * @module
 */

import { Reply } from "../client/reply.ts";
import type { Exchange, Sent } from "./exchange.ts";
import { count, duration, find } from "./page.ts";
import { areaPath, barsPath, Latencies, Series } from "./statistics.ts";

/** How many values a sparkline shows, as the `viewBox` of its element. */
const SPARK_SIZE = 60;

/** How many bars the histogram has, as the `viewBox` of its element. */
const BARS = 48;

/** A total and its sparkline. */
class Total {
  readonly #element: HTMLElement;
  readonly #path: SVGPathElement;
  readonly #series = new Series(SPARK_SIZE);

  constructor(id: string) {
    this.#element = find(`#${id}`);
    this.#path = find<SVGPathElement>("path", this.#element.parentElement!);
  }

  /** Shows a total; `drawn` is the newest value of the sparkline. */
  show(total: number, drawn: number): void {
    this.#element.textContent = count(total);
    this.#series.add(drawn);
    this.#path.setAttribute("d", areaPath(this.#series.values, SPARK_SIZE));
  }
}

/** The strip of totals. */
export class Totals {
  readonly #inFlight = new Total("in-flight");
  readonly #perSecond = new Total("rate");
  readonly #ended = ["answered", "failed", "cancelled"].map((id) => new Total(id));
  readonly #latencies = new Latencies();
  #before = [0, 0, 0];

  /** Counts the latency of a request that has ended. */
  ended({ ending }: Sent): void {
    if (ending?.result instanceof Reply) this.#latencies.add(ending.result.latency);
  }

  /** Forgets the latencies. */
  clear(): void {
    this.#latencies.clear();
    this.#showLatencies();
  }

  /** Shows the current totals; call it a few times per second while they change. */
  show(exchange: Exchange, perSecond: number): void {
    const { inFlight, answered, failed, cancelled, isConnected } = exchange;
    find("#in-flight-title").textContent = isConnected ? "In flight" : "Queued";
    this.#inFlight.show(inFlight, inFlight);
    this.#perSecond.show(perSecond, perSecond);
    const ended = [answered, failed, cancelled];
    this.#ended.forEach((total, i) => total.show(ended[i]!, ended[i]! - this.#before[i]!));
    this.#before = ended;
    this.#showLatencies();
  }

  #showLatencies(): void {
    const { counts, end } = this.#latencies.histogram(BARS);
    find("#histogram path").setAttribute("d", barsPath(counts));
    find("#histogram-end").textContent = this.#latencies.count === 0 ? "" : duration(end);
    for (const [id, share] of [["p50", 0.5], ["p99", 0.99]] as const) {
      const latency = this.#latencies.percentile(share);
      find(`#${id}`).textContent = latency === undefined ? "–" : duration(latency);
    }
  }
}
