import { assertEquals } from "@std/assert";
import { readDrafts } from "./drafts.ts";
import { Exchange, type Sent } from "./exchange.ts";
import { RequestLog } from "./request_log.ts";

function requests(count: number): Sent[] {
  const exchange = new Exchange({ ended() {}, changed() {}, strayed() {} });
  return exchange.send(readDrafts("a\n".repeat(count), () => 1), 0);
}

function sizes({ runs }: RequestLog): number[] {
  return runs.map(({ sent }) => sent.length);
}

Deno.test("RequestLog lets requests join a run while it has requests in flight, for 10 s", () => {
  const log = new RequestLog();
  const [a, b, ...others] = requests(5);
  assertEquals(log.add([a!], 0), true);
  assertEquals(log.add([b!], 9999), false);
  assertEquals(log.add(others.slice(0, 2), 10_000), true);
  for (const sent of others.slice(0, 2)) log.end(sent, false);
  assertEquals(log.add(others.slice(2), 10_001), true);
  assertEquals(sizes(log), [1, 2, 2]);
});

Deno.test("RequestLog counts requests that are in flight or failed", () => {
  const log = new RequestLog();
  const [a, b, c] = requests(3);
  log.add([a!, b!, c!], 0);
  log.end(a!, true);
  const run = log.end(b!, false)!;
  assertEquals([run.inFlight, run.failed], [1, 1]);
});

Deno.test("RequestLog removes runs that are over: the oldest at its limit, or all", () => {
  const log = new RequestLog(4);
  const [a, b, c, d, e] = requests(10).map((_, i, all) => all.slice(2 * i, 2 * i + 2));
  log.add(a!, 0);
  log.add(b!, 20_000);
  for (const sent of b!) log.end(sent, false);
  log.add(c!, 40_000);
  assertEquals([log.runOf(b![0]!), log.size], [undefined, 4]);
  log.add(d!, 60_000);
  assertEquals(log.size, 6, "those in flight stay");
  for (const sent of [...a!, ...d!]) log.end(sent, false);
  log.clear();
  assertEquals(sizes(log), [2]);
  assertEquals(log.runOf(e![0]!), undefined);
});
