/**
 * Flags that decide what requests meet, and files of rules, as `docs/rules.schema.json` describes
 * them.
 *
 * @module
 */

import { parseJson } from "../protocol/parse_json.ts";
import { parseDelay } from "../session/delays.ts";
import { parseFaults } from "../session/fault_policy.ts";
import type { Lacking } from "../session/faults.ts";
import { Rules } from "../session/rules.ts";
import { checkRules, type Rule } from "../session/rules_schema.ts";
import { messageOf, UsageError } from "./command.ts";
import { readTextFile } from "./files.ts";
import { integer, text, value } from "./flags.ts";

/** The flags that decide what requests meet. */
export const PLANNING_FLAGS = {
  delay: value(
    "DELAY",
    "A..B, TIME, normal:M,SD or lognormal:MEDIAN,SIGMA [1..5]",
    parseDelay,
  ),
  seed: integer("makes delays and faults depend on N and the id only"),
  fault: value("KIND=SHARE,…", "shares of requests to inject faults into", parseFaults),
  rules: text("FILE", "rules for requests that match, as JSON"),
};

/**
 * Reads a file of rules.
 *
 * @param lacking what a server lacks for faults; nothing by default.
 * @throws {UsageError} if it cannot be read or used, with the place of the mistake.
 */
export async function readRules(path: string, lacking?: Lacking): Promise<Rule[]> {
  const json = (await readTextFile(path)).replace(/^\ufeff/, "");
  try {
    const rules = checkRules(parseJson(json));
    new Rules(rules, undefined, lacking);
    return rules;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw new UsageError(`${path}: ${messageOf(error)}`);
    const before = json.slice(0, mistakeIn(json)).split("\n");
    const place = `${path}:${before.length}:${before.at(-1)!.length + 1}`;
    throw new UsageError(`${place}: ${reasonOf(error)}`);
  }
}

/** Returns why a text is not JSON, without the place. */
export function reasonOf({ message }: SyntaxError): string {
  return message.replace(/((?: in JSON)? at position |, (?:\.{3})?").*/s, "");
}

/** Returns the position of the mistake in a text that is not JSON. */
function mistakeIn(json: string): number {
  const message = mistake(json)!;
  const [, position] = / at position (\d+)/.exec(message) ?? [];
  if (position !== undefined) return Number(position);
  if (!isUnexpected(message)) return json.length;
  // V8 does not report where an unexpected token is, so this finds the longest text before it.
  let before = 0;
  for (let after = json.length; after - before > 1;) {
    const middle = Math.floor((before + after) / 2);
    if (isUnexpected(mistake(json.slice(0, middle)))) after = middle;
    else before = middle;
  }
  return before;
}

/** Returns why a text is not JSON; undefined if it is. */
function mistake(json: string): string | undefined {
  try {
    JSON.parse(json);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

function isUnexpected(message: string | undefined): boolean {
  return message?.startsWith("Unexpected token") === true;
}
