/**
 * Finds the parts of a representation in its source. It converts nothing: the page shows the
 * server's answer.
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
  /** Undefined if the entity ends after the name. */
  readonly value: string | undefined;
  /** Position among the pairs in the representation, from 1; 0 if it is left out. */
  readonly number: number;
}

/** A line of a representation. */
export interface Line {
  /** Levels of indentation. */
  readonly depth: number;
  readonly text: string;
  /** The number of its pair; 0 if it shows none. */
  readonly number: number;
}

/** Splits data at its separators. */
export function splitData(data: string): SourceEntity[] {
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

/** Returns the lines of a representation in JSON; `source` is its source. */
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

/** Numbers of pairs, in the shape of the representation. */
type Numbers = undefined | number | Numbers[] | Map<string, Numbers>;

function numbersOf(source: readonly SourceEntity[]): Numbers {
  const entities = source.filter(({ isKept }) => isKept).map(({ name, pairs }) => {
    const kept = pairs.filter(({ number }) => number > 0);
    return [name, byName(kept.map((pair) => [pair.name, pair.number]))] as const;
  });
  return byName(entities);
}

/** Gathers members with the same name in an array, as the conversion does. */
function byName(members: readonly (readonly [name: string, numbers: Numbers])[]): Numbers {
  const gathered = Map.groupBy(members, ([name]) => name);
  return new Map(
    Array.from(gathered, ([name, group]) => {
      return [name, group.length > 1 ? group.map(([, numbers]) => numbers) : group[0]![1]];
    }),
  );
}
