import { assertEquals } from "@std/assert";
import { decodeFrame, encodeRequest } from "./packet.ts";
import { packetClientWire } from "./packet_client_wire.ts";

Deno.test("frame() encodes a request as encodeRequest() does, with data in turn", () => {
  const data = ["a&&b&&c", 'quotes " and \\ and ü', ""];
  const requests = packetClientWire.requests(data);
  for (let i = 0; i < 7; i++) {
    assertEquals(requests.frame(i + 1, 1), encodeRequest(`${i + 1}`, data[i % 3]!));
  }
});

Deno.test("frame() returns an array when there are several requests", () => {
  const requests = packetClientWire.requests(["x", "y"]);
  assertEquals(decodeFrame(requests.frame(99, 3)), [
    { request_id: "99", data: "x" },
    { request_id: "100", data: "y" },
    { request_id: "101", data: "x" },
  ]);
  assertEquals(decodeFrame(requests.frame(102, 1)), [{ request_id: "102", data: "y" }]);
});

Deno.test("numberOf() returns 0 for ids that frame() does not write", () => {
  const { numberOf } = packetClientWire.requests([""]);
  assertEquals(["1", "10", "987654321012345"].map(numberOf), [1, 10, 987_654_321_012_345]);
  const others = ["", "0", "01", " 1", "1 ", "1.0", "1e3", "-1", "+1", "x", "١", "1".repeat(16)];
  for (const id of [...others, 1, 0, null]) assertEquals(numberOf(id), 0, `${id}`);
});
