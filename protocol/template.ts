/**
 * Templates: JSON text in which `{{id}}` stands for the id of a request, and `{{/params/0}}` for the
 * value to which this JSON Pointer points in the request.
 *
 * @module
 */

import { parsePointer } from "./json_pointer.ts";
import { placed } from "./placed.ts";

/** Fills in a template. What is not there becomes null. */
export type Template = (id: unknown, value: unknown) => string;

/** What a placeholder stands for, as JSON text. */
type Fill = (id: unknown, value: unknown) => string;

const PLACEHOLDER = /\{\{(.*?)\}\}/g;
const HOLDS_PLACEHOLDER = /\{\{.*?\}\}/s;
const IS_PLACEHOLDER = /^\{\{((?:(?!\}\}).)*)\}\}$/s;

/**
 * Parses a template.
 *
 * @throws {RangeError} if a placeholder is wrong, or the text around the placeholders is not JSON;
 * with the place, in UTF-16 units from 1.
 */
export function parseTemplate(text: string): Template {
  const texts: string[] = [];
  const fills: Fill[] = [];
  let end = 0;
  for (const match of text.matchAll(PLACEHOLDER)) {
    const [whole, name] = match;
    texts.push(text.slice(end, match.index));
    end = match.index + whole.length;
    fills.push(placed(`at ${match.index + 1}`, () => fillOf(name!.trim())));
  }
  texts.push(text.slice(end));
  // With strings in place of the placeholders, none can stand inside a string.
  for (const sample of ["0", '"0"']) checkJson(texts.join(sample), text);
  return templateOf(texts, fills);
}

/** Returns a template of fills between texts. */
function templateOf(texts: readonly string[], fills: readonly Fill[]): Template {
  return (id, value) =>
    fills.reduce((done, fill, i) => done + fill(id, value) + texts[i + 1]!, texts[0]!);
}

function fillOf(name: string): Fill {
  if (name === "id") return (id) => JSON.stringify(id) ?? "null";
  if (name !== "" && !name.startsWith("/")) {
    throw new RangeError(
      `expected {{id}} or a JSON Pointer, such as {{/params/0}}, got {{${name}}}`,
    );
  }
  const pointer = parsePointer(name);
  return (_id, value) => JSON.stringify(pointer(value)) ?? "null";
}

function checkJson(json: string, template: string): void {
  try {
    JSON.parse(json);
  } catch (error) {
    throw new RangeError(
      `expected JSON in which each placeholder stands for a whole value, got ${template} (${
        (error as Error).message
      })`,
    );
  }
}

/**
 * Returns a JSON value with its placeholders filled in. A string that is one placeholder becomes
 * what it stands for; other values stay.
 *
 * @throws {RangeError} if a placeholder is wrong, or only a part of a string.
 */
export function parseValueTemplate(value: unknown): Template {
  const fills: Fill[] = [];
  const mark = crypto.randomUUID();
  const json = JSON.stringify(value, (key, part) => {
    if (HOLDS_PLACEHOLDER.test(key)) throw notAlone(key);
    if (typeof part !== "string" || !HOLDS_PLACEHOLDER.test(part)) return part;
    const name = IS_PLACEHOLDER.exec(part)?.[1];
    if (name === undefined) throw notAlone(part);
    fills.push(fillOf(name.trim()));
    return mark;
  });
  return templateOf(json.split(`"${mark}"`), fills);
}

function notAlone(text: string): RangeError {
  return new RangeError(`expected a placeholder alone in a value, got ${JSON.stringify(text)}`);
}
