import { assertEquals } from "@std/assert";
import { convertToJson } from "../protocol.ts";
import { anyData } from "../tests/support/arbitraries.ts";
import { fc } from "../tests/support/npm_packages.ts";
import { compactJson } from "../tests/support/vectors.ts";
import { linesOf, splitData } from "./pairing.ts";

Deno.test("splitData() keeps all of the source", () => {
  fc.assert(fc.property(anyData, (data) => {
    const joined = splitData(data).map(({ name, pairs }) => {
      const tokens = pairs.flatMap((pair) =>
        pair.value === undefined ? [pair.name] : [pair.name, pair.value]
      );
      return [name, ...tokens].join("&&");
    });
    assertEquals(joined.join("%%"), data);
  }));
});

Deno.test("linesOf() returns the representation that it was given", () => {
  fc.assert(fc.property(anyData, (data) => {
    const json = convertToJson(data);
    const text = linesOf(json, splitData(data)).map((line) => line.text).join("\n");
    assertEquals(compactJson(text), json);
  }));
});

Deno.test("linesOf() numbers every kept pair once, with its value", () => {
  fc.assert(fc.property(anyData, (data) => {
    const source = splitData(data);
    const values = source.flatMap(({ pairs }) => pairs)
      .filter(({ number }) => number > 0)
      .map(({ value, number }) => [number, JSON.stringify(value)]);
    const shown = linesOf(convertToJson(data), source)
      .filter(({ number }) => number > 0)
      .sort((a, b) => a.number - b.number);
    assertEquals(shown.map(({ number }) => number), values.map(([number]) => number));
    for (const [i, { text }] of shown.entries()) {
      assertEquals(text.replace(/,$/, "").endsWith(values[i]![1] as string), true, text);
    }
  }));
});

Deno.test("linesOf() distinguishes repeated pairs, and numbers none of another source", () => {
  const source = splitData("A&&x&&1&&x&&2%%B&&y&&3%%A&&x&&4");
  const numbered = (json: string) =>
    linesOf(json, source).filter(({ number }) => number > 0).map(({ text, number }) => [
      number,
      text,
    ]);
  assertEquals(numbered('{"A":[{"x":["1","2"]},{"x":"4"}],"B":{"y":"3"}}'), [
    [1, '"1",'],
    [2, '"2"'],
    [4, '"x": "4"'],
    [3, '"y": "3"'],
  ]);
  assertEquals(numbered('{"C":{"x":"1"},"B":7,"A":null}'), []);
});
