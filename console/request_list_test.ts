import { assertEquals } from "@std/assert";
import type { JournalEntry } from "./control_client.ts";
import { RequestList } from "./request_list.ts";

const ALL = { state: "", text: "" };

function entry(number: number, changes: Partial<JournalEntry> = {}): JournalEntry {
  const times = { arrived: number, delay: 3, due: number + 3, ended: null };
  const rest = { data: "a&&b&&c", cut: false, rule: null, fault: null, outcome: "in_flight" };
  return { number, connection: 1, id: `id-${number}`, ...times, ...rest, ...changes };
}

function numbers(list: RequestList, filter = ALL): number[] {
  return list.select(filter).map(({ number }) => number);
}

Deno.test("RequestList keeps the newest requests and ignores changes of removed ones", () => {
  const list = new RequestList(3);
  for (const number of [1, 2, 3, 4, 5]) list.put(entry(number));
  list.put(entry(2, { outcome: "answered" }));
  list.put(entry(3, { outcome: "answered" }));
  assertEquals(numbers(list), [5, 4, 3]);
  assertEquals(list.select(ALL)[2]!.outcome, "answered");
});

Deno.test("RequestList.load() replaces all requests, also by those with lower numbers", () => {
  const list = new RequestList(2);
  for (const number of [1, 2, 3]) list.put(entry(number));
  list.load([entry(1)]);
  assertEquals(numbers(list), [1]);
});

Deno.test("RequestList.select() finds requests by state and by text", () => {
  const list = new RequestList();
  list.load([
    entry(1, { outcome: "held" }),
    entry(2, { outcome: "error:overloaded", data: "Door&&x&&y" }),
    entry(3, { id: 17 }),
  ]);
  assertEquals(numbers(list, { state: "held", text: "" }), [1]);
  assertEquals(numbers(list, { state: "error", text: "DOOR" }), [2]);
  assertEquals(numbers(list, { state: "", text: "17" }), [3]);
  assertEquals(numbers(list, { state: "held", text: "door" }), []);
});
