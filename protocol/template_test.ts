import { assertEquals, assertThrows } from "@std/assert";
import { fc } from "../tests/support/npm_packages.ts";
import { parseTemplate, parseValueTemplate } from "./template.ts";

Deno.test("parseTemplate() puts values in the place of placeholders", () => {
  const value = JSON.parse(`{
    "params": ["\\"", "$&", {"$1": "$$", "__proto__": {"a": 1}}],
    "{{id}}": "{{id}}", "é😀": "\\ud800", "": null
  }`);
  const cases: [template: string, filled: string][] = [
    ['{"id":{{id}},"first": {{ /params/0 }}}', '{"id":"a","first": "\\""}'],
    ["[{{/params/1}}, {{/params/2/$1}}]", '["$&", "$$"]'],
    ["{{/params/2}}", '{"$1":"$$","__proto__":{"a":1}}'],
    ["{{/params/2/__proto__}}", '{"a":1}'],
    ["{{/none}}", "null"],
    ["{{/toString}}", "null"],
    ["{{/}}", "null"],
    ["{{/é😀}}", '"\\ud800"'],
    ["[[[[{{id}}]]]]", '[[[["a"]]]]'],
    ['{"\\u007b{id}}":"\\u007b{id}}"}', '{"\\u007b{id}}":"\\u007b{id}}"}'],
    ["7", "7"],
    [" {{id}}\n", ' "a"\n'],
  ];
  for (const [template, filled] of cases) {
    assertEquals(parseTemplate(template)("a", value), filled, template);
  }
  assertEquals(parseTemplate("{{}}")(1, value), JSON.stringify(value));
});

Deno.test("parseTemplate() says where a template is wrong", () => {
  const whole = "expected JSON in which each placeholder stands for a whole value";
  const cases: [template: string, message: string][] = [
    ['{"id":{{ident}}}', "at 7: expected {{id}} or a JSON Pointer, such as {{/params/0}}"],
    ["[{{/~3}}]", "at 2: expected a JSON Pointer"],
    ['["\\"", {{ID}}]', "at 8: expected {{id}}"],
    ['{"text":"hello {{/name}}"}', whole],
    ['{"{{id}}":1}', whole],
    ["{{id}", whole],
    ["{{id}}{{id}}", whole],
    ["1{{id}}", whole],
    ["", whole],
    ["{{id\n}}", whole],
  ];
  for (const [template, message] of cases) {
    assertThrows(() => parseTemplate(template), RangeError, message);
  }
});

Deno.test("parseTemplate() fills in long texts", () => {
  const [id, text] = ["x".repeat(100_000), "é\\u0000".repeat(100_000)];
  const filled = parseTemplate(`["${text}",${"{{id}},".repeat(100)}{{/0}}]`)(id, [text]);
  assertEquals(JSON.parse(filled), [JSON.parse(`"${text}"`), ...Array(100).fill(id), text]);
});

Deno.test("parseValueTemplate() fills in strings that are one placeholder", () => {
  const cases: [value: unknown, filled: unknown][] = [
    [{ was: "{{/a}}", ids: ["{{id}}", "{{ id }}"] }, { was: [1], ids: ["A", "A"] }],
    ["{{}}", { a: [1], 'q"\\': 2 }],
    ['{{/q"\\}}', 2],
    ["{{/none}}", null],
    [["{{", "}}", "{ {id}}", "$&", 7, null], ["{{", "}}", "{ {id}}", "$&", 7, null]],
  ];
  for (const [value, filled] of cases) {
    assertEquals(JSON.parse(parseValueTemplate(value)("A", { a: [1], 'q"\\': 2 })), filled);
  }
});

Deno.test("parseValueTemplate() refuses other placeholders", () => {
  const alone = "expected a placeholder alone in a value, got";
  const cases: [value: unknown, message: string][] = [
    ["a {{id}}", `${alone} "a {{id}}"`],
    ["{{/a}} and {{/b}}", `${alone} "{{/a}} and {{/b}}"`],
    [{ "{{id}}": 1 }, `${alone} "{{id}}"`],
    [["{{name}}"], "expected {{id}} or a JSON Pointer, such as {{/params/0}}, got {{name}}"],
  ];
  for (const [value, message] of cases) {
    assertThrows(() => parseValueTemplate(value), RangeError, message);
  }
});

Deno.test("templates of both kinds do the same as a plain twin", () => {
  const placeholder = fc.constantFrom("{{id}}", "{{}}", "{{/a}}", "{{/b/0}}", "{{/none}}");
  const template = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      placeholder,
      fc.jsonValue({ maxDepth: 1 }),
      fc.array(tie("value"), { maxLength: 3 }),
      fc.dictionary(fc.string(), tie("value"), { maxKeys: 3 }),
    ),
  })).value.filter((value) =>
    !JSON.stringify(value).replaceAll(/"\{\{[/a-z0-9]*\}\}"/g, "").includes("{{")
  );
  const request = fc.record({
    a: fc.jsonValue({ depthSize: "xsmall" }),
    b: fc.array(fc.jsonValue({ depthSize: "xsmall" }), { maxLength: 2 }),
  });
  const id = fc.oneof(fc.string(), fc.maxSafeInteger());
  fc.assert(
    fc.property(template, request, id, (template, request, id) => {
      const found: Record<string, unknown> = {
        ...{ "{{id}}": id, "{{}}": request, "{{/a}}": request.a },
        ...{ "{{/b/0}}": request.b[0] ?? null, "{{/none}}": null },
      };
      const fill = (text: string) => Object.hasOwn(found, text) ? found[text] : text;
      const expected = plain(template, fill);
      assertEquals(parseValueTemplate(template)(id, request), expected);
      const text = JSON.stringify(template).replaceAll(/"(\{\{[/a-z0-9]*\}\})"/g, "$1");
      assertEquals(parseTemplate(text)(id, request), expected);
    }),
    { seed: 8 },
  );
});

/** Fills in a template the obvious way: in values, not in text. */
function plain(template: unknown, fill: (text: string) => unknown): string {
  if (typeof template === "string") return JSON.stringify(fill(template));
  if (Array.isArray(template)) return `[${template.map((part) => plain(part, fill)).join(",")}]`;
  if (typeof template !== "object" || template === null) return JSON.stringify(template);
  const members = Object.entries(template)
    .map(([name, part]) => `${JSON.stringify(name)}:${plain(part, fill)}`);
  return `{${members.join(",")}}`;
}
