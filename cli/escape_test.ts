import { assertEquals, assertMatch, assertStrictEquals } from "@std/assert";
import { escapeControls } from "./escape.ts";

Deno.test("escapeControls() escapes what terminals obey, and what hides or turns text", () => {
  const ranges = [
    [0x00, 0x1f],
    [0x7f, 0x9f],
    [0x61c, 0x61c],
    [0x200e, 0x200f],
    [0x2028, 0x202e],
    [0x2066, 0x2069],
    [0xfeff, 0xfeff],
  ] as const;
  for (const [first, last] of ranges) {
    for (let unit = first; unit <= last; unit++) {
      const escape = `\\u${unit.toString(16).padStart(4, "0")}`;
      assertStrictEquals(escapeControls(`a${String.fromCharCode(unit)}b`), `a${escape}b`);
    }
  }
});

Deno.test("escapeControls() leaves all else as it is", () => {
  const texts = ["", " ~", 'plain "text" \\ \\n', "é€😀 ß مرحبا שלום 日本語", "\u00a0\u200d\ud800"];
  for (const text of texts) assertStrictEquals(escapeControls(text), text);
});

Deno.test("escapeControls() escapes each of many", () => {
  assertStrictEquals(
    escapeControls("\x1b[31mred\x1b[0m\r\n\x9b2J\u202egnirts"),
    "\\u001b[31mred\\u001b[0m\\u000d\\u000a\\u009b2J\\u202egnirts",
  );
});

Deno.test("escapeControls() leaves JSON of the same value", () => {
  for (let unit = 0; unit <= 0xffff; unit++) {
    const json = JSON.stringify([String.fromCharCode(unit)]);
    const escaped = escapeControls(json);
    assertEquals(JSON.parse(escaped), JSON.parse(json));
    assertMatch(escaped, /^[^\p{Cc}\u202e]*$/u);
  }
});
