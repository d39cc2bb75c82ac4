/**
 * The protocol's cases, from `vectors.json`.
 *
 * @module
 */

import { membersOf, splitTopLevel } from "../../protocol/json_text.ts";

/** A case of the conversion of `data`. */
export interface ConvertVector {
  name: string;
  data: string;
  /** JSON text, as JSON.stringify spells it, in the order of the file. */
  expected: string;
}

/** The cases of the conversion. The file is taken apart as text, since objects would lose its order. */
export function convertVectors(): ConvertVector[] {
  const file = Deno.readTextFileSync(new URL("./vectors.json", import.meta.url));
  return splitTopLevel(member(file, "convert")).map((text) => ({
    name: JSON.parse(member(text, "name")),
    data: JSON.parse(member(text, "data")),
    expected: compactJson(member(text, "expected")),
  }));
}

/** Spells JSON text as JSON.stringify does, without changing the order of its members. */
export function compactJson(json: string): string {
  return json.replace(
    /"(?:[^"\\]|\\.)*"|\s+/g,
    (part) => part.startsWith('"') ? JSON.stringify(JSON.parse(part)) : "",
  );
}

function member(json: string, name: string): string {
  const found = membersOf(json).find(([key]) => key === name);
  if (found === undefined) throw new Error(`vectors.json: no ${JSON.stringify(name)}`);
  return found[1];
}
