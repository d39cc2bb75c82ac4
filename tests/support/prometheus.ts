/**
 * A strict reader of Prometheus' text format 0.0.4: Prometheus may refuse what this refuses.
 *
 * @module
 */

/** Metrics by name and labels, as written: `a_total{code="x"}`. */
export type Samples = Map<string, number>;

const HELP = /^# HELP ([a-z_:][a-z0-9_:]*) ((?:[^\\]|\\[\\n])+)$/;
const TYPE = /^# TYPE ([a-z_:][a-z0-9_:]*) (counter|gauge|histogram)$/;
const SAMPLE =
  /^([a-z_:][a-z0-9_:]*)(\{(?:[a-z_][a-z0-9_]*="(?:[^"\\\n]|\\["\\n])*",?)+\})? (\S+)$/;

/** Parses a scrape; throws an Error with the line that is wrong. */
export function parseMetrics(text: string): Samples {
  if (!text.endsWith("\n")) throw new Error("it does not end with a line break");
  const samples: Samples = new Map();
  const seen = new Set<string>();
  let name = "";
  let type = "";
  for (const line of text.slice(0, -1).split("\n")) {
    if (line === "") continue;
    const help = HELP.exec(line);
    const typed = TYPE.exec(line);
    const sample = SAMPLE.exec(line);
    if (help !== null) {
      if (seen.has(help[1]!)) throw new Error(`a second time: ${line}`);
      seen.add(name = help[1]!);
      type = "";
    } else if (typed !== null) {
      if (typed[1] !== name || type !== "") throw new Error(`not behind its HELP: ${line}`);
      type = typed[2]!;
      if ((type === "counter") !== name.endsWith("_total")) {
        throw new Error(`counters end in _total, and only they do: ${line}`);
      }
    } else if (sample !== null) {
      const [, own, labels = "", number] = sample;
      const suffix = type === "histogram" ? /^_(bucket|sum|count)$/ : /^$/;
      if (type === "" || !own!.startsWith(name) || !suffix.test(own!.slice(name.length))) {
        throw new Error(`not of the family ${name}: ${line}`);
      }
      const value = Number(number);
      if (!Number.isFinite(value)) throw new Error(`not a number: ${line}`);
      if (samples.has(own + labels)) throw new Error(`a second time: ${line}`);
      samples.set(own + labels, value);
    } else {
      throw new Error(`not understood: ${line}`);
    }
  }
  return samples;
}
