import { assertEquals } from "@std/assert";
import { BROKEN_OFF_CELLS, SharedBrokenOff } from "./broken_off.ts";

Deno.test("SharedBrokenOff tells another worker who has broken off a connection, once", () => {
  const cells = new Int32Array(new SharedArrayBuffer(4 * BROKEN_OFF_CELLS));
  const [one, other] = [{ basis: 7, factor: 13 }, { basis: 7, factor: 13 }]
    .map((key) => new SharedBrokenOff(cells, key)) as [SharedBrokenOff, SharedBrokenOff];
  one.add('"a"');
  assertEquals(other.delete('"b"'), false);
  assertEquals(other.delete('"a"'), true);
  assertEquals([one.delete('"a"'), other.delete('"a"')], [false, false]);
});
