/**
 * Which part of a representation came from which part of its source. It converts nothing: what is shown
 * as the representation is the server's answer; this finds the places in the source that it tells of.
 *
 * @module
 */

import { membersOf, splitTopLevel } from "../protocol/json_text.ts";

/** An entity in the source. */
export interface SourceEntity {
  readonly name: string;
  readonly pairs: readonly SourcePair[];
  /** Whether it is in the representation. */
  readonly isKept: boolean;
}

/** A pair in the source. */
export interface SourcePair {
  readonly name: string;
  /** Undefined where the entity ends after the name. */
  readonly value: string | undefined;
  /** Counts, from 1, the pairs that are in the representation; 0 if it is left out. */
  readonly number: number;
}

/** A line of a representation. */
export interface Line {
  /** How far it is indented. */
  readonly depth: number;
  readonly text: string;
  /** The number of the pair that it shows; 0 if it shows none. */
  readonly number: number;
}

/**
 * Takes data apart at its separators.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { takeApart } from "./pairing.ts";
 *
 * assertEquals(takeApart("Hub&&name&&qwe&&id&&"), [{
 *   name: "Hub",
 *   pairs: [{ name: "name", value: "qwe", number: 1 }, { name: "id", value: "", number: 0 }],
 *   isKept: true,
 * }]);
 * ```
 */
export function takeApart(data: string): SourceEntity[] {
  let count = 0;
  return data.split("%%").map((entity) => {
    const [entityName = "", ...tokens] = entity.split("&&");
    const before = count;
    const pairs: SourcePair[] = [];
    for (let i = 0; i < tokens.length; i += 2) {
      const name = tokens[i]!;
      const value = tokens[i + 1];
      const number = entityName && name && value ? ++count : 0;
      pairs.push({ name, value, number });
    }
    return { name: entityName, pairs, isKept: count > before };
  });
}

/**
 * The lines of a representation, each with the number of the pair that it shows.
 *
 * @param json the text of the representation.
 * @param source what it was converted from.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { linesOf, takeApart } from "./pairing.ts";
 *
 * assertEquals(linesOf('{"Hub":{"id":"1"}}', takeApart("Hub&&id&&1")), [
 *   { depth: 0, text: "{", number: 0 },
 *   { depth: 1, text: '"Hub": {', number: 0 },
 *   { depth: 2, text: '"id": "1"', number: 1 },
 *   { depth: 1, text: "}", number: 0 },
 *   { depth: 0, text: "}", number: 0 },
 * ]);
 * ```
 */
export function linesOf(json: string, source: readonly SourceEntity[]): Line[] {
  const lines: Line[] = [];
  const write = (depth: number, label: string, text: string, numbers: Numbers, end: string) => {
    const isObject = text.startsWith("{") && text !== "{}";
    if (!isObject && !text.startsWith("[")) {
      const number = typeof numbers === "number" ? numbers : 0;
      lines.push({ depth, text: label + text + end, number });
      return;
    }
    lines.push({ depth, text: label + text[0], number: 0 });
    const members: [label: string, text: string, numbers: Numbers][] = isObject
      ? membersOf(text).map(([name, value]) => {
        const inside = numbers instanceof Map ? numbers.get(name) : undefined;
        return [`${JSON.stringify(name)}: `, value, inside];
      })
      : splitTopLevel(text).map((value, i) => {
        return ["", value, Array.isArray(numbers) ? numbers[i] : undefined];
      });
    for (const [i, [name, value, inside]] of members.entries()) {
      write(depth + 1, name, value, inside, i < members.length - 1 ? "," : "");
    }
    lines.push({ depth, text: (isObject ? "}" : "]") + end, number: 0 });
  };
  write(0, "", json, numbersOf(source), "");
  return lines;
}

/** The numbers of pairs in the shape of their representation. */
type Numbers = undefined | number | Numbers[] | Map<string, Numbers>;

function numbersOf(source: readonly SourceEntity[]): Numbers {
  const entities = source.filter(({ isKept }) => isKept).map(({ name, pairs }) => {
    const kept = pairs.filter(({ number }) => number > 0);
    return [name, byName(kept.map((pair) => [pair.name, pair.number]))] as const;
  });
  return byName(entities);
}

/** What has one name is gathered in an array; what stands alone, stands for itself. */
function byName(members: readonly (readonly [name: string, numbers: Numbers])[]): Numbers {
  const gathered = Map.groupBy(members, ([name]) => name);
  return new Map(
    Array.from(gathered, ([name, group]) => {
      return [name, group.length > 1 ? group.map(([, numbers]) => numbers) : group[0]![1]];
    }),
  );
}
