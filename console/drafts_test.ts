import { assertEquals } from "@std/assert";
import { MAX_BATCH, MAX_ID_LENGTH } from "../protocol.ts";
import { avoidTakenIds, type Draft, readDrafts, repeatDrafts } from "./drafts.ts";

function counter(): () => number {
  let n = 0;
  return () => ++n;
}

const typed: [what: string, text: string, drafts: [Draft["kind"], Draft["id"], string][]][] = [
  ["nothing", " \n\n", []],
  ["data", "a&&b&&c", [["request", 1, "a&&b&&c"]]],
  ["data with spaces, which count", " a&&b&&c ", [["request", 1, " a&&b&&c "]]],
  ["lines of data", "a&&b&&c\r\n\nd&&e&&f\n", [["request", 1, "a&&b&&c"], [
    "request",
    2,
    "d&&e&&f",
  ]]],
  ["a packet", '{"request_id":"01","data":"a"}', [["request", "01", "a"]]],
  ["a packet over lines", '{\n"request_id": 7,\n"data": "a"\n}\n', [["request", 7, "a"]]],
  [
    "packets by line",
    '{"request_id":"01","data":"a"}\n  {"request_id":"02","data":"b"}',
    [["request", "01", "a"], ["request", "02", "b"]],
  ],
  [
    "an array, of which one is broken",
    '[{"request_id":1,"data":"a,]"}, {"request_id":2}, 3]',
    [["request", 1, "a,]"], ["broken", 2, '{"request_id":2}'], ["broken", null, "3"]],
  ],
  ["a cancel", '{"request_id":"01","cancel":true}', [["cancel", "01", ""]]],
  ["invalid JSON", '{"request_id":"01"', [["broken", null, '{"request_id":"01"']]],
  ["an empty array", "[]", [["broken", null, "[]"]]],
];

Deno.test("readDrafts() reads typed text", async (t) => {
  for (const [what, text, drafts] of typed) {
    await t.step(what, () => {
      const read = readDrafts(text, counter()).map(({ kind, id, data }) => [kind, id, data]);
      assertEquals(read, drafts);
    });
  }
  await t.step("more packets than a frame may hold, which the server refuses", () => {
    const text = JSON.stringify(Array(MAX_BATCH + 1).fill({ request_id: 1, data: "" }));
    assertEquals(readDrafts(text, counter()).map(({ kind, id }) => [kind, id]), [["broken", null]]);
  });
});

Deno.test("repeatDrafts() repeats drafts in turn and gives each request its own id", () => {
  const number = counter();
  const drafts = readDrafts('{"request_id":"01","data":"a"}\nb\n{"request_id":3', () => 9);
  const repeated = repeatDrafts(drafts, 5, number);
  assertEquals(repeated.map(({ id, data }) => [id, data]), [
    ["01-1", "a"],
    ["9-2", "b"],
    [null, '{"request_id":3'],
    ["01-3", "a"],
    ["9-4", "b"],
  ]);
  assertEquals(repeated[0]!.text, '{"request_id":"01-1","data":"a"}');
  assertEquals(repeatDrafts([], 5, number), []);
});

Deno.test("repeatDrafts() shortens the longest id to stay within the limit", () => {
  const drafts = readDrafts(
    JSON.stringify({ request_id: "x".repeat(MAX_ID_LENGTH), data: "" }),
    () => 1,
  );
  const ids = repeatDrafts(drafts, 2, counter()).map(({ id }) => String(id));
  assertEquals(new Set(ids).size, 2);
  for (const id of ids) assertEquals(id.length <= MAX_ID_LENGTH, true);
});

Deno.test("avoidTakenIds() renames requests in flight, and keeps duplicates of one another", () => {
  const drafts = readDrafts(
    '{"request_id":"a","data":""}\n{"request_id":"a","data":"x"}\n{"request_id":"b","data":""}\n{"request_id":"a","cancel":true}',
    () => 1,
  );
  const taken = new Set<unknown>(["a", "a-1"]);
  const renewed = avoidTakenIds(drafts, (id) => taken.has(id), counter());
  assertEquals(renewed.map(({ id }) => id), ["a-2", "a-2", "b", "a"]);
  assertEquals(renewed[1]!.text, '{"request_id":"a-2","data":"x"}');
});
