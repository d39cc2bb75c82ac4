import { assertEquals } from "@std/assert";
import { decodeFrame, encodeRequest } from "../protocol.ts";
import { numberOf, Payload } from "./payload.ts";

Deno.test("Payload.frame() encodes a request as encodeRequest() does, with data in turn", () => {
  const data = ["a&&b&&c", 'quotes " and \\ and ü', ""];
  const payload = new Payload(data);
  for (let i = 0; i < 7; i++) {
    assertEquals(payload.frame(i + 1, 1), encodeRequest(`${i + 1}`, data[i % 3]!));
  }
});

Deno.test("Payload.frame() returns an array when there are several requests", () => {
  const payload = new Payload(["x", "y"]);
  assertEquals(decodeFrame(payload.frame(99, 3)), [
    { request_id: "99", data: "x" },
    { request_id: "100", data: "y" },
    { request_id: "101", data: "x" },
  ]);
  assertEquals(decodeFrame(payload.frame(102, 1)), [{ request_id: "102", data: "y" }]);
});

Deno.test("numberOf() returns 0 for ids that Payload does not make", () => {
  assertEquals(["1", "10", "987654321012345"].map(numberOf), [1, 10, 987_654_321_012_345]);
  const others = ["", "0", "01", " 1", "1 ", "1.0", "1e3", "-1", "+1", "x", "١", "1".repeat(16)];
  for (const id of [...others, 1, 0, null]) assertEquals(numberOf(id), 0, `${id}`);
});
