import { assertEquals } from "@std/assert";
import { readDrafts } from "./drafts.ts";
import { Exchange } from "./exchange.ts";
import { RequestLog } from "./request_log.ts";
import { ALL, dependsOnAnswers, select, type Selection } from "./selection.ts";

/** Two runs; of the first, `a` is answered last, `b` first, `c10` has failed and `c9` is open. */
function start() {
  const log = new RequestLog();
  const exchange = new Exchange({ ended() {}, changed() {}, strayed() {} });
  const send = (ids: string[], now: number) => {
    const frame = ids.map((id) => JSON.stringify({ request_id: id, data: `data of ${id}` }));
    log.add(exchange.send(readDrafts(frame.join("\n"), () => 0), now), now);
  };
  send(["a", "b", "c10", "c9"], 0);
  exchange.receive('{"request_id":"b","data":{},"delay":1}', 1010);
  exchange.receive('{"request_id":"c10","error":{"code":"internal","message":""}}', 1500);
  exchange.receive('{"request_id":"a","data":{},"delay":2}', 2005);
  send(["d"], 20_000);
  return {
    log,
    shown: (changes: Partial<Selection>) =>
      select(log.runs, { ...ALL, ...changes }, true).map((item) =>
        "draft" in item ? item.draft.id : `run of ${item.sent.length}`
      ),
  };
}

Deno.test("select() keeps runs together, the newest first", () => {
  assertEquals(start().shown({}), ["run of 1", "d", "run of 4", "a", "b", "c10", "c9"]);
});

Deno.test("select() filters by state and by text, and leaves empty runs out", () => {
  const { shown } = start();
  assertEquals(shown({ state: "failed" }), ["run of 4", "c10"]);
  assertEquals(shown({ text: "DATA OF D" }), ["run of 1", "d"]);
  assertEquals(shown({ text: "c", state: "in-flight" }), ["run of 4", "c9"]);
  assertEquals(shown({ text: "none" }), []);
});

Deno.test("select() sorts, and puts requests without a value last", () => {
  const { shown } = start();
  assertEquals(shown({ sort: "id" }), ["a", "b", "c9", "c10", "d"]);
  assertEquals(shown({ sort: "place" }), ["b", "c10", "a", "d", "c9"]);
  assertEquals(shown({ sort: "place", isDescending: true }), ["a", "c10", "b", "d", "c9"]);
  assertEquals(shown({ sort: "delay" }).slice(0, 2), ["b", "a"]);
  assertEquals(shown({ sort: "lateness" }).slice(0, 2), ["a", "b"]);
});

Deno.test("select() shows the part of a run under a brush", () => {
  const { log, shown } = start();
  const run = log.runs[1]!;
  const brush = { run, first: 0, last: 3, from: 1000, to: 1600 };
  assertEquals(shown({ brush }), ["run of 4", "b", "c10", "c9"]);
  assertEquals(shown({ brush: { ...brush, first: 2, last: 2 } }), ["run of 4", "c10"]);
});

Deno.test("dependsOnAnswers() tells selections that change when a request ends", () => {
  assertEquals(dependsOnAnswers({ ...ALL, text: "a", sort: "id" }), false);
  assertEquals(dependsOnAnswers({ ...ALL, state: "failed" }), true);
  assertEquals(dependsOnAnswers({ ...ALL, sort: "place" }), true);
});
