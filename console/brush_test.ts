import { assertEquals } from "@std/assert";
import { brushOf } from "./brush.ts";
import { readDrafts } from "./drafts.ts";
import { Exchange } from "./exchange.ts";

const exchange = new Exchange({ ended() {}, changed() {}, strayed() {} });
const sent = exchange.send(readDrafts("a\n".repeat(100), () => 1), 0);
const run = { startedAt: 0, sent, inFlight: 100, failed: 0 };
const BOX = { left: 100, top: 50, width: 1000, height: 200 };

function brush(ax: number, ay: number, bx: number, by: number) {
  const [a, b] = [{ clientX: ax, clientY: ay }, { clientX: bx, clientY: by }];
  const found = brushOf(a, b, BOX, { run, reach: 6000 });
  return found && [found.first, found.last, found.from, found.to];
}

Deno.test("brushOf() returns the requests and the times between two points", () => {
  assertEquals(brush(200, 70, 600, 150), [10, 50, 600, 3000]);
  assertEquals(brush(600, 150, 200, 70), [10, 50, 600, 3000], "in any direction");
});

Deno.test("brushOf() limits only the direction in which the pointer moved", () => {
  assertEquals(brush(200, 70, 600, 72), [0, 99, 600, 3000]);
  assertEquals(brush(200, 70, 202, 150), [10, 50, 0, Infinity]);
  assertEquals(brush(200, 70, 202, 72), undefined);
});

Deno.test("brushOf() stays within the box", () => {
  assertEquals(brush(0, 0, 9999, 9999), [0, 99, 0, 6000]);
});
