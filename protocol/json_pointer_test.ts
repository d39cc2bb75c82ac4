import { assertEquals, assertThrows } from "@std/assert";
import { fc } from "../tests/support/npm_packages.ts";
import { parsePointer } from "./json_pointer.ts";

Deno.test("parsePointer() follows RFC 6901", () => {
  const value = { foo: ["bar", "baz"], "": 0, "a/b": 1, "m~n": 8, "~1": 9, toString: undefined };
  const cases: [pointer: string, found: unknown][] = [
    ["", value],
    ["/foo", ["bar", "baz"]],
    ["/foo/0", "bar"],
    ["/foo/00", undefined],
    ["/foo/-", undefined],
    ["/foo/-1", undefined],
    ["/foo/2", undefined],
    ["/foo/1e0", undefined],
    ["/foo/length", undefined],
    ["/", 0],
    ["//", undefined],
    ["/a~1b", 1],
    ["/m~0n", 8],
    ["/~01", 9],
    ["/constructor", undefined],
    ["/__proto__", undefined],
    ["/foo/__proto__", undefined],
    ["/foo/0/0", undefined],
    ["/foo/0/length", undefined],
  ];
  for (const [pointer, found] of cases) assertEquals(parsePointer(pointer)(value), found, pointer);
  assertEquals(parsePointer("/__proto__/a")(JSON.parse('{"__proto__":{"a":1}}')), 1);
  for (const value of [null, undefined, 1, "text", true]) {
    assertEquals(parsePointer("/length")(value), undefined);
  }
});

Deno.test("parsePointer() refuses other texts", () => {
  for (const wrong of ["foo", "/~2", "/a~", "#/foo", " /a"]) {
    const expected = `expected a JSON Pointer, such as /params/0, got ${JSON.stringify(wrong)}`;
    assertThrows(() => parsePointer(wrong), RangeError, expected);
  }
});

/** Returns all values in a JSON value, each with its pointer. */
function* pointersInto(value: unknown, pointer = ""): Generator<[pointer: string, unknown]> {
  yield [pointer, value];
  if (typeof value !== "object" || value === null) return;
  for (const [name, member] of Object.entries(value)) {
    yield* pointersInto(
      member,
      `${pointer}/${name.replace(/[~/]/g, (c) => c === "~" ? "~0" : "~1")}`,
    );
  }
}

Deno.test("parsePointer() finds each value by its pointer", () => {
  fc.assert(
    fc.property(fc.json({ noUnicodeString: false } as object), (json) => {
      const value = JSON.parse(json);
      for (const [pointer, found] of pointersInto(value)) {
        assertEquals(parsePointer(pointer)(value), found, pointer);
        if (!Array.isArray(found)) assertEquals(parsePointer(`${pointer}/\0`)(value), undefined);
      }
    }),
    { seed: 8 },
  );
});
