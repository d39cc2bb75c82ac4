import { assertEquals, assertThrows } from "@std/assert";
import { decodeConverted, encodeRequest, HEAD_START, restOf } from "./message.ts";

Deno.test("encodeRequest() makes a packet of a key and data, whatever the data is", () => {
  for (const data of ["", "Hub&&id&&1", 'é "€" \\ \n 😀 \ud800']) {
    const bytes = new TextEncoder().encode(`..${JSON.stringify(data)}..`);
    const packet = encodeRequest("7-12", bytes, 3, bytes.length - 3);
    assertEquals(JSON.parse(new TextDecoder().decode(packet)), { request_id: "7-12", data });
  }
});

Deno.test("decodeConverted() tells the key, and what came of the request", () => {
  assertEquals(decodeConverted('{"request_id":"7-12","data":{"a":{"b":"\\"}"}}}'), {
    key: "7-12",
    representation: '{"a":{"b":"\\"}"}}',
  });
  const error = '{"request_id":"7-12","error":{"code":"internal","message":"broken"}}';
  assertEquals(decodeConverted(error), { key: "7-12", error: "a worker answered: broken" });
  // Of a worker that spells names in its own way, after one with other names.
  decodeConverted('{"request_id":"7-12","error":{"code":"internal","m\\\\u0065":"odd"}}');
  assertEquals(decodeConverted(error.replace("message", "m\\u0065ssage")), decodeConverted(error));
});

Deno.test("decodeConverted() refuses what is no answer of a worker", () => {
  for (const text of ["", "{}", '{"request_id":7,"data":{}}', '{"request_id":"7', "x".repeat(99)]) {
    assertThrows(() => decodeConverted(text), SyntaxError);
  }
});

Deno.test("restOf() lets nothing wait longer than its delay, whatever the clocks say", () => {
  const table: [stored: number, delay: number, now: number, rest: number][] = [
    [1000, 5000, 1000, 5000],
    [1000, 5000, 4000, 2000],
    [1000, 5000, 9000, -3000],
    [1000, 5000, 500, 5000],
    [1000, 0, 1000, 0],
  ];
  for (const [stored, delay, now, rest] of table) {
    assertEquals(restOf(stored, delay, now), rest - HEAD_START);
  }
});
