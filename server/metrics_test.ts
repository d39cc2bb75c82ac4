import { assert, assertEquals, assertGreater, assertLess, assertThrows } from "@std/assert";
import { serve } from "../server.ts";
import { openBrowserSocket } from "../tests/support/browser_socket.ts";
import { findProgram } from "../tests/support/machine.ts";
import { startProgram } from "../tests/support/program.ts";
import { parseMetrics, type Samples } from "../tests/support/prometheus.ts";
import { until } from "../tests/support/waiting.ts";
import { formatMetric } from "./metrics.ts";
import { ServerStats } from "./stats.ts";

function get(server: { url: string }, init: RequestInit = {}): Promise<Response> {
  return fetch(`${server.url.replace("ws", "http")}/metrics`, init);
}

async function scrape(server: { url: string }): Promise<Samples> {
  return parseMetrics(await (await get(server)).text());
}

/** Returns the samples with this prefix that are not 0. */
function filled(samples: Samples, prefix: string): Record<string, number> {
  return Object.fromEntries(
    [...samples].filter(([name, value]) => name.startsWith(prefix) && value !== 0),
  );
}

Deno.test("GET /metrics reports exactly what has happened", async () => {
  await using server = serve({
    port: 0,
    delay: { min: 0.02, max: 0.02 },
    limits: { maxPacketSize: 200 },
  });
  const peer = await openBrowserSocket(server.url);
  // In one frame, so that nothing is answered between them.
  const frames = [
    '[{"request_id":"é","data":"a&&b&&c"},{"request_id":2,"data":""},{"request_id":2,"data":"x"},' +
    '{"request_id":3,"data":""},{"request_id":3,"cancel":true}]',
    "{".repeat(201),
    "{",
  ];
  for (const frame of frames) peer.send(frame);
  const answers = await peer.frames.take(6);

  const samples = await scrape(server);
  assertEquals(filled(samples, "asyncpkt_requests"), {
    'asyncpkt_requests_total{outcome="answered"}': 2,
    'asyncpkt_requests_total{outcome="cancelled"}': 1,
    'asyncpkt_requests_total{outcome="refused"}': 3,
  });
  assertEquals(filled(samples, "asyncpkt_errors"), {
    'asyncpkt_errors_total{code="cancelled"}': 1,
    'asyncpkt_errors_total{code="duplicate_request_id"}': 1,
    'asyncpkt_errors_total{code="invalid_json"}': 1,
    'asyncpkt_errors_total{code="packet_too_large"}': 1,
  });
  assertEquals(samples.get("asyncpkt_connections"), 1);
  const bytes = (texts: string[]) => new TextEncoder().encode(texts.join("")).length;
  assertEquals(
    samples.get("asyncpkt_received_bytes_total"),
    bytes(frames),
  );
  assertEquals(samples.get("asyncpkt_sent_bytes_total"), bytes(answers));

  assertEquals(samples.get('asyncpkt_delay_seconds_bucket{le="0.01"}'), 0);
  assertEquals(samples.get('asyncpkt_delay_seconds_bucket{le="0.05"}'), 3);
  assertEquals(samples.get('asyncpkt_delay_seconds_bucket{le="+Inf"}'), 3);
  assertEquals(samples.get("asyncpkt_delay_seconds_count"), 3);
  assertEquals(samples.get("asyncpkt_delay_seconds_sum"), 0.06);
  assertEquals(samples.get("asyncpkt_lateness_seconds_count"), 2);
  assertEquals(samples.get('asyncpkt_lateness_seconds_bucket{le="+Inf"}'), 2);
  assertGreater(samples.get("asyncpkt_lateness_seconds_sum")!, 0);

  const started = samples.get("process_start_time_seconds")!;
  assert(started <= Date.now() / 1000 && started > Date.now() / 1000 - 3600);
  const heap = samples.get("process_heap_bytes")!;
  assertGreater(heap, 1e6);
  assertLess(heap, samples.get("process_resident_memory_bytes")!);

  await peer[Symbol.asyncDispose]();
  while ((await scrape(server)).get("asyncpkt_connections") !== 0);
});

Deno.test("GET /metrics counts requests in flight and dropped requests", async () => {
  await using server = serve({ port: 0, delay: { min: 600, max: 600 } });
  {
    await using peer = await openBrowserSocket(server.url);
    peer.send([{ request_id: 1, data: "" }, { request_id: 2, data: "" }]);
    await until("both are in flight", () => server.inFlight === 2);
    assertEquals((await scrape(server)).get("asyncpkt_requests_in_flight"), 2);
  }
  await until("both are dropped", () => server.inFlight === 0);
  assertEquals(filled(await scrape(server), "asyncpkt_requests"), {
    'asyncpkt_requests_total{outcome="dropped"}': 2,
  });
});

Deno.test("GET /metrics counts packets sent by POST", async () => {
  await using server = serve({ port: 0, delay: { min: 0, max: 0 } });
  const body = '{"request_id":1,"data":""}';
  const answer = await fetch(server.url.replace("ws", "http"), { method: "POST", body });
  const { length } = await answer.text();
  const samples = await scrape(server);
  assertEquals(filled(samples, "asyncpkt_requests"), {
    'asyncpkt_requests_total{outcome="answered"}': 1,
  });
  assertEquals(samples.get("asyncpkt_received_bytes_total"), body.length);
  assertEquals(samples.get("asyncpkt_sent_bytes_total"), length - 1); // the line break is the body's
});

Deno.test("/metrics has the content type of the format, and can only be read", async () => {
  await using server = serve({ port: 0 });
  const read = await get(server);
  assertEquals(read.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  await read.body?.cancel();
  const head = await get(server, { method: "HEAD" });
  assertEquals([head.status, await head.text()], [200, ""]);
  const posted = await get(server, { method: "POST", body: "x" });
  assertEquals([posted.status, posted.headers.get("allow")], [405, "GET, HEAD"]);
  await posted.body?.cancel();
});

Deno.test("formatMetric() escapes help and labels, and writes numbers as Prometheus reads them", () => {
  const samples = [
    { value: 0.1 + 0.2, labels: { path: 'C:\\new\n"1"', kind: "\\n" } },
    { value: 1e21, suffix: "_sum" },
    ...[Infinity, -Infinity, NaN].map((value) => ({ value })),
  ];
  assertEquals(
    formatMetric("gauge", "a", 'A "quoted"\nC:\\new', samples),
    [
      '# HELP a A "quoted"\\nC:\\\\new',
      "# TYPE a gauge",
      'a{path="C:\\\\new\\n\\"1\\"",kind="\\\\n"} 0.30000000000000004',
      "a_sum 1e+21",
      "a +Inf",
      "a -Inf",
      "a NaN",
      "",
    ].join("\n"),
  );
});

Deno.test("ServerStats.add() adds the numbers of another server, or of a clone of them", () => {
  const one = new ServerStats();
  one.counters.answered = 2;
  one.counters.delays.add(1000);
  one.gauges.heap = 3;
  const sum = new ServerStats();
  for (const stats of [one, structuredClone(one)]) sum.add(stats);
  assertEquals([sum.counters.answered, sum.counters.delays.sum, sum.gauges.heap], [4, 2000, 6]);
  assertEquals(sum.counters.delays.counts, one.counters.delays.counts.map((count) => 2 * count));
});

const promtool = findProgram("promtool");

Deno.test({
  name: `promtool finds nothing wrong with GET /metrics${
    promtool ? "" : " (ignored: there is no promtool)"
  }`,
  ignore: promtool === undefined,
  async fn() {
    await using server = serve({ port: 0, delay: { min: 0, max: 0 }, faults: { error: 0.5 } });
    const body = '[{"request_id":1,"data":""},{"request_id":2,"data":""},{}]';
    const answers = await fetch(server.url.replace("ws", "http"), { method: "POST", body });
    await answers.body?.cancel();
    await using checker = startProgram(promtool!, ["check", "metrics"]);
    await checker.write(await (await get(server)).text());
    await checker.endInput();
    const { code, stdout, stderr } = await checker.result();
    assertEquals([code, stdout, stderr], [0, [], ""]);
  },
});

Deno.test("parseMetrics() throws on other formats", () => {
  const family = "# HELP a_total A.\n# TYPE a_total counter\n";
  assertEquals([...parseMetrics(`${family}a_total{b="c"} 1\n`)], [['a_total{b="c"}', 1]]);
  const refused: [text: string, says: string][] = [
    [`${family}a_total 1`, "line break"],
    [`${family}a_total 1\na_total 2\n`, "a second time"],
    [family + family, "a second time"],
    ["a_total 1\n", "not of the family"],
    [`${family}b_total 1\n`, "not of the family"],
    [`${family}a_total x\n`, "not a number"],
    [`${family}a_total{b=c} 1\n`, "not understood"],
    [`${family}a_total{b="\\d"} 1\n`, "not understood"],
    ["# HELP a A.\n# TYPE a counter\n", "_total"],
  ];
  for (const [text, says] of refused) assertThrows(() => parseMetrics(text), Error, says);
});

Deno.test("GET /metrics counts injected faults", async () => {
  await using server = serve({ port: 0, delay: { min: 0, max: 0 }, faults: { error: 1 } });
  const body = '{"request_id":1,"data":""}';
  const answer = await fetch(server.url.replace("ws", "http"), { method: "POST", body });
  await answer.text(); // or the request could be dropped before it is due
  const samples = await scrape(server);
  assertEquals(samples.get('asyncpkt_faults_total{kind="error"}'), 1);
  assertEquals(samples.get('asyncpkt_errors_total{code="internal"}'), 1);
  assertEquals(samples.get('asyncpkt_requests_total{outcome="answered"}'), 0);
});

Deno.test("docs/log-and-metrics.md has every metric, its labels, and every outcome", async () => {
  await using server = serve({ port: 0, faults: {} });
  const text = await (await get(server)).text();
  const reported = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => {
    const [, labels = ""] = new RegExp(`^${name}\\{(.*)\\}`, "m").exec(text) ?? [];
    return [name, type, ...labels.matchAll(/(\w+)="/g).map(([, label]) => label)];
  });
  const docs = await Deno.readTextFile(new URL("../docs/log-and-metrics.md", import.meta.url));
  const row = /^\| `(\w+)` +\| (counter|gauge|histogram) +\| (.*?) +\|/gm;
  const listed = [...docs.matchAll(row)].map((
    [, name, type, labels],
  ) => [name, type, ...labels!.matchAll(/\w+/g).map(([label]) => label)]);
  assertEquals(listed, reported);
  const outcomes = [...text.matchAll(/^asyncpkt_requests_total\{outcome="(\w+)"/gm)];
  const [, list] = docs.split("An `outcome` is one of:");
  const names = list!.split("\n\n")[1]!.matchAll(/^- `(\w+)`/gm).map(([, name]) => name!);
  const always = [...names].filter((name) => name !== "notification");
  assertEquals(always.sort(), outcomes.map(([, name]) => name!).sort());
});
