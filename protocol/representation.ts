/**
 * The conversion of `data` and the way back, for single values (protocol, "The conversion of `data`").
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
 * Converts `data` to the JSON text of its representation. Every string is valid; the least that comes
 * out is `{}`. Entities and names keep the order in which they first appear.
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
 * Converts `data` to its representation, an object as JSON.parse makes it: names such as `__proto__`
 * are plain keys, and, as in every object in JavaScript, names that are array indices come first.
 * {@linkcode convertToJson} keeps the order.
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
 * The inverse of {@linkcode convert}: the data that converts to `representation`. What the format cannot
 * carry is refused: a name or value that is empty, that contains `&&` or `%%`, that ends in `&`, or that
 * ends an entity with `%`; an entity without pairs; an array of fewer than two.
 *
 * @throws {TypeError} if something is not of a representation's shape.
 * @throws {RangeError} if the format cannot carry it.
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
  if (json === undefined) throw new TypeError(wrongShape("a representation", undefined));
  return formatJson(json);
}

/**
 * {@linkcode formatData} from the JSON text of a representation, in the order of that text.
 *
 * @throws {SyntaxError} if `json` is not JSON.
 * @throws {TypeError} if it is not of a representation's shape.
 * @throws {RangeError} if the format cannot carry it.
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
  const tokens = [checkToken(name, "an entity's name")];
  for (const [key, values] of objectMembers(json, where)) {
    for (const value of oneOrMore(values)) {
      tokens.push(checkToken(key, `a name in ${where}`));
      tokens.push(checkToken(parseJson(value), `the value of ${JSON.stringify(key)} in ${where}`));
    }
  }
  if (tokens.length === 1) throw new RangeError(`Cannot format ${where}: it has no pairs`);
  const last = tokens.at(-1)!;
  if (last.endsWith("%")) {
    throw new RangeError(
      `Cannot format ${where}: it ends in "%", which makes a separator with what follows`,
    );
  }
  return tokens.join("&&");
}

function checkToken(token: unknown, what: string): string {
  if (typeof token !== "string") throw new TypeError(wrongShape(what, token));
  const fault = token === ""
    ? "it is empty"
    : token.includes("&&")
    ? 'it contains "&&"'
    : token.includes("%%")
    ? 'it contains "%%"'
    : token.endsWith("&")
    ? 'it ends in "&", which makes a separator with what follows'
    : undefined;
  if (fault !== undefined) {
    throw new RangeError(`Cannot format ${what}, ${JSON.stringify(token)}: ${fault}`);
  }
  return token;
}

function objectMembers(json: string, what: string): [name: string, value: string][] {
  if (!json.trimStart().startsWith("{")) throw new TypeError(wrongShape(what, parseJson(json)));
  return membersOf(json);
}

function oneOrMore(json: string): string[] {
  if (!json.startsWith("[")) return [json];
  const texts = splitTopLevel(json);
  if (texts.length < 2) {
    throw new RangeError(`Cannot format ${json}: an array holds two or more, one stands alone`);
  }
  return texts;
}

function wrongShape(what: string, value: unknown): string {
  const wanted = what.startsWith("an entity's") || what.startsWith("a name") ||
      what.startsWith("the value")
    ? "a string"
    : "an object";
  return `Cannot format ${what}: want ${wanted}, got ${JSON.stringify(value)}`;
}
