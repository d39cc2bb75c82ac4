import { assertEquals, assertThrows } from "@std/assert";
import { decodeAnswer, encodeWorkerRequest, HEAD_START, remainingWait } from "./message.ts";

Deno.test("encodeWorkerRequest() returns a packet with the key and any data", () => {
  for (const data of ["", "Hub&&id&&1", 'é "€" \\ \n 😀 \ud800']) {
    const bytes = new TextEncoder().encode(`..${JSON.stringify(data)}..`);
    const packet = encodeWorkerRequest("7-12", bytes, 3, bytes.length - 3);
    assertEquals(JSON.parse(new TextDecoder().decode(packet)), { request_id: "7-12", data });
  }
});

Deno.test("decodeAnswer() returns the key, and the representation or the error", () => {
  assertEquals(decodeAnswer('{"request_id":"7-12","data":{"a":{"b":"\\"}"}}}'), {
    key: "7-12",
    representation: '{"a":{"b":"\\"}"}}',
  });
  const error = '{"request_id":"7-12","error":{"code":"internal","message":"broken"}}';
  assertEquals(decodeAnswer(error), { key: "7-12", error: "a worker answered: broken" });
  // Escaped names, after a message whose escaped name differs.
  decodeAnswer('{"request_id":"7-12","error":{"code":"internal","m\\\\u0065":"odd"}}');
  assertEquals(decodeAnswer(error.replace("message", "m\\u0065ssage")), decodeAnswer(error));
});

Deno.test("decodeAnswer() throws when the text is not the answer of a worker", () => {
  for (const text of ["", "{}", '{"request_id":7,"data":{}}', '{"request_id":"7', "x".repeat(99)]) {
    assertThrows(() => decodeAnswer(text), SyntaxError);
  }
});

Deno.test("remainingWait() returns at most the delay when clocks differ", () => {
  const table: [stored: number, delay: number, now: number, rest: number][] = [
    [1000, 5000, 1000, 5000],
    [1000, 5000, 4000, 2000],
    [1000, 5000, 9000, -3000],
    [1000, 5000, 500, 5000],
    [1000, 0, 1000, 0],
  ];
  for (const [stored, delay, now, rest] of table) {
    assertEquals(remainingWait(stored, delay, now), rest - HEAD_START);
  }
});
