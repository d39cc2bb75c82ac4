/**
 * Converts `data` to its representation and back, for single values.
 *
 * @module
 */

import { representationText } from "./answer_writer.ts";
import { SOURCE_MARGIN } from "./conversion.ts";
import { membersOf, splitTopLevel } from "./json_text.ts";
import type { Representation } from "./packet.ts";
import { parseJson } from "./parse_json.ts";

const encoder = new TextEncoder();

/**
 * Converts `data` to the JSON text of its representation. Every string is valid; without entities,
 * the result is `{}`. Entities and names keep the order of their first appearance.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { convertToJson } from "@asyncpkt/asyncpkt/protocol";
 *
 * assertEquals(convertToJson("10&&name&&qwe&&%%9&&id&&1"), '{"10":{"name":"qwe"},"9":{"id":"1"}}');
 * ```
 */
export function convertToJson(data: string): string {
  const json = JSON.stringify(data);
  const bytes = new Uint8Array(3 * json.length + SOURCE_MARGIN);
  const { written } = encoder.encodeInto(json, bytes);
  return representationText(bytes, 1, written - 1, written === json.length);
}

/**
 * Converts `data` to its representation. Names such as `__proto__` are plain keys. As in every
 * object, names that are array indices come first; {@linkcode convertToJson} keeps the order.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { convert } from "@asyncpkt/asyncpkt/protocol";
 *
 * assertEquals(convert("Hub&&name&&qwe&&id&&123&&%%Device&&id&&1%%Device&&id&&2"), {
 *   Hub: { name: "qwe", id: "123" },
 *   Device: [{ id: "1" }, { id: "2" }],
 * });
 * ```
 */
export function convert(data: string): Representation {
  return parseJson(convertToJson(data)) as Representation;
}

/**
 * Returns the data that converts to a representation: the inverse of {@linkcode convert}.
 *
 * @throws {TypeError} if the argument has another shape.
 * @throws {RangeError} if no data converts to it: if a name or value is empty, contains `&&` or
 * `%%`, ends in `&`, or ends an entity with `%`; if an entity has no pairs, or an array fewer than
 * two elements.
 *
 * @example
 * ```ts
 * import { assertEquals, assertThrows } from "@std/assert";
 * import { formatData } from "@asyncpkt/asyncpkt/protocol";
 *
 * assertEquals(formatData({ Hub: { name: "qwe", tag: ["a", "b"] } }), "Hub&&name&&qwe&&tag&&a&&tag&&b");
 * assertThrows(() => formatData({ Hub: { name: "" } }), RangeError, "empty");
 * ```
 */
export function formatData(representation: Representation): string {
  const json = JSON.stringify(representation);
  if (json === undefined) throw wrongShape("a representation", "an object", json);
  return formatJson(json);
}

/**
 * Returns the data that converts to the JSON text of a representation, in the order of that text:
 * the inverse of {@linkcode convertToJson}.
 *
 * @throws {SyntaxError} if the argument is not JSON.
 * @throws {TypeError} if it has another shape.
 * @throws {RangeError} if no data converts to it; see {@linkcode formatData}.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { formatJson } from "@asyncpkt/asyncpkt/protocol";
 *
 * assertEquals(formatJson('{"10": {"name": "qwe"}, "9": {"id": "1"}}'), "10&&name&&qwe%%9&&id&&1");
 * ```
 */
export function formatJson(json: string): string {
  JSON.parse(json);
  return objectMembers(json, "a representation")
    .flatMap(([name, value]) => oneOrMore(value).map((entity) => formatEntity(name, entity)))
    .join("%%");
}

function formatEntity(name: string, json: string): string {
  const where = `entity ${JSON.stringify(name)}`;
  const tokens = [checkText(name, "an entity's name")];
  for (const [key, values] of objectMembers(json, where)) {
    for (const value of oneOrMore(values)) {
      tokens.push(checkText(key, `a name in ${where}`));
      tokens.push(checkText(parseJson(value), `the value of ${JSON.stringify(key)} in ${where}`));
    }
  }
  if (tokens.length === 1) throw new RangeError(`Cannot format ${where}: it has no pairs`);
  if (tokens.at(-1)!.endsWith("%")) {
    throw new RangeError(`Cannot format ${where}: it ends in "%"`);
  }
  return tokens.join("&&");
}

function checkText(text: unknown, what: string): string {
  if (typeof text !== "string") throw wrongShape(what, "a string", text);
  const separator = /&&|%%|&$/.exec(text)?.[0];
  if (text !== "" && separator === undefined) return text;
  const problem = text === ""
    ? "it is empty"
    : `it ${separator === "&" ? "ends in" : "contains"} "${separator}"`;
  throw new RangeError(`Cannot format ${what}, ${JSON.stringify(text)}: ${problem}`);
}

function objectMembers(json: string, what: string): [name: string, value: string][] {
  if (!json.trimStart().startsWith("{")) throw wrongShape(what, "an object", parseJson(json));
  return membersOf(json);
}

function oneOrMore(json: string): string[] {
  if (!json.startsWith("[")) return [json];
  const texts = splitTopLevel(json);
  if (texts.length >= 2) return texts;
  throw new RangeError(`Cannot format ${json}: expected an array of two or more`);
}

function wrongShape(what: string, expected: string, value: unknown): TypeError {
  return new TypeError(`Cannot format ${what}: expected ${expected}, got ${JSON.stringify(value)}`);
}
