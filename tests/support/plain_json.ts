/**
 * A second, plain way to read JSON, for tests to compare with: `JSON.parse()` itself misreads some
 * names, see {@link file://./../protocol/parse_json.ts}.
 *
 * @module
 */

/** A string, a bracket, or a number or word. */
const TOKEN = /"(?:[^"\\]+|\\.)*"|[[\]{}]|[^\s[\]{},:"]+/g;

/**
 * Returns what `JSON.parse(json)` should return. It reads token by token, so V8 never reads a name.
 *
 * @throws {SyntaxError} if `json` is not JSON.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { plainParse } from "./plain_json.ts";
 *
 * assertEquals(plainParse('{"d\\u0061ta":["x",1,null]}'), { data: ["x", 1, null] });
 * ```
 */
export function plainParse(json: string): unknown {
  JSON.parse(json);
  const open: unknown[][] = [[]];
  for (const [token] of json.matchAll(TOKEN)) {
    if (token === "[" || token === "{") {
      open.push([]);
    } else if (token === "]" || token === "}") {
      const parts = open.pop()!;
      open.at(-1)!.push(token === "]" ? parts : objectOf(parts));
    } else {
      open.at(-1)!.push(JSON.parse(token));
    }
  }
  return open[0]![0];
}

/** The object whose names and values stand in `parts` by turns. */
function objectOf(parts: readonly unknown[]): unknown {
  const count = parts.length / 2;
  return Object.fromEntries(
    Array.from({ length: count }, (_, i) => [parts[2 * i], parts[2 * i + 1]]),
  );
}
