import { assertEquals } from "@std/assert";
import schema from "../docs/recording.schema.json" with { type: "json" };
import { MAX_TIME, readRecorded, recordTo } from "./recording.ts";

Deno.test("recordTo() writes lines that readRecorded() parses, with text, bytes or neither", () => {
  let text = "";
  const tap = recordTo((line) => text += line + "\n", () => 0);
  tap.opened(1, false);
  tap.opened(2, true);
  tap.received(1, '{"a":"\u2028\n"}');
  tap.received(1, new TextEncoder().encode("é"));
  tap.received(2, new Uint8Array([0xff, 0xfe]));
  tap.sent(2, "[]");
  tap.closed(1);
  assertEquals(text.trimEnd().split("\n").map(readRecorded), [
    { time: 0, connection: 1, event: "open", protocol: "" },
    { time: 0, connection: 2, event: "open", protocol: "asyncpkt.v1" },
    { time: 0, connection: 1, event: "in", frame: '{"a":"\u2028\n"}' },
    { time: 0, connection: 1, event: "in", frame: "é" },
    { time: 0, connection: 2, event: "in", base64: "//4=" },
    { time: 0, connection: 2, event: "out", frame: "[]" },
    { time: 0, connection: 1, event: "close" },
  ]);
});

Deno.test("recordTo() writes times in seconds since its start, to the microsecond", () => {
  const lines: string[] = [];
  let now = 1234.5678;
  const tap = recordTo((line) => lines.push(line), () => now);
  tap.opened(1, false);
  now += 0.0014;
  tap.received(1, "");
  now += 3_600_000.1234;
  tap.closed(1);
  assertEquals(lines.map((line) => JSON.parse(line).time), [0, 0.000001, 3600.000125]);
});

Deno.test("docs/recording.schema.json has the longest time of a recording", () => {
  assertEquals(schema.properties.time.maximum, MAX_TIME);
});

Deno.test("readRecorded() returns undefined for lines that are not valid", () => {
  const bad = [
    ...["", "x", "null", "7", "[]", '"open"', "{}", '{"time":0,"connection":1}'],
    '{"time":"0","connection":1,"event":"open"}',
    '{"time":null,"connection":1,"event":"open"}',
    '{"time":0,"connection":1.5,"event":"open"}',
    '{"time":0,"connection":1,"event":"opened"}',
    '{"time":0,"connection":1,"event":"in","frame":{}}',
  ];
  for (const line of bad) assertEquals(readRecorded(line), undefined, line);
  readRecorded('{"time":0,"connection":1,"event":"in","f\\\\u00":"x"}');
  const escaped = '{"time":0,"connection":1,"event":"in","f\\u0072ame":"{"}';
  assertEquals(readRecorded(escaped)?.frame, "{");
  const good = '{"time":0,"connection":1,"event":"in","frame":"{","later":"more"}';
  assertEquals(readRecorded(good)?.frame, "{");
});
