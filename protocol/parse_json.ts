/**
 * Parses JSON from outside the process, because `JSON.parse()` misreads some names.
 *
 * **What is broken.** If the text spells a name of an object with an escape, V8 may put another
 * name in its place, or lose the member:
 *
 *     JSON.parse('{"p":1,"\\\\":1}');
 *     JSON.parse('{"p":1,"\\"":1}'); // {"p":1,"\\":1}
 *
 * V8 expects the name that came next in an earlier object of as many members with the same names so
 * far. It compares that name with the undecoded text, over the decoded length: of `\"` that is the
 * backslash alone. So one peer's text can corrupt the next peer's. Values, and names without an
 * escape, are right.
 *
 * **Where.** V8 14.7 and 15.0 (Deno 2.7.11 and 2.9.6), with a reviver as well; Node.js 24 and 26
 * are reported. See nodejs/node#63785 and Chromium issue 521080746.
 *
 * **When this can go.** When the tests of this module pass with `JSON.parse` in place of
 * `parseJson`, on the oldest supported Deno and in the browsers and Node.js versions that clients
 * run in.
 *
 * @module
 */

import { endOfString } from "./json_text.ts";

const SPACE = 0x20;
const COLON = 0x3a;

/**
 * Returns what `JSON.parse(json)` should return. `JSON.parse()` decides what is valid, and its
 * result stands unless a name holds an escape. Then a second pass, linear and without recursion,
 * reads the names as values.
 *
 * @throws {SyntaxError} if `json` is not JSON.
 */
export function parseJson(json: string): unknown {
  const value: unknown = JSON.parse(json);
  return hasEscapedName(json) ? unwrap(JSON.parse(wrapObjects(json))) : value;
}

/** Whether a colon follows a string that holds an escape. `json` must be valid. */
function hasEscapedName(json: string): boolean {
  for (let at = json.indexOf("\\"); at >= 0; at = json.indexOf("\\", at)) {
    at = endOfString(json, at) + 1;
    while (json.charCodeAt(at) <= SPACE) at++; // between tokens, only white space is that low
    if (json.charCodeAt(at) === COLON) return true;
  }
  return false;
}

/** An object in a form that V8 reads right: its names are values, each followed by its own. */
interface Wrapped {
  readonly "": readonly unknown[];
}

/** Rewrites valid JSON so that it has a {@linkcode Wrapped} wherever it had an object. */
function wrapObjects(json: string): string {
  let text = "";
  let copied = 0;
  for (let i = 0; i < json.length; i++) {
    const char = json[i];
    if (char === '"') {
      i = endOfString(json, i + 1);
    } else if (char === "{" || char === "}" || char === ":") {
      text += json.slice(copied, i) + (char === "{" ? '{"":[' : char === "}" ? "]}" : ",");
      copied = i + 1;
    }
  }
  return text + json.slice(copied);
}

/** Turns wrapped objects into objects, without recursion. Changes arrays in place. */
function unwrap(wrapped: unknown): unknown {
  /** Arrays whose elements may be wrapped; the target of each is itself, or an object. */
  const sources: (readonly unknown[])[] = [];
  const targets: object[] = [];
  const begin = (value: unknown): unknown => {
    if (typeof value !== "object" || value === null) return value;
    const isArray = Array.isArray(value);
    const target = isArray ? value : {};
    sources.push(isArray ? value : (value as Wrapped)[""]);
    targets.push(target);
    return target;
  };
  const whole = begin(wrapped);
  for (let source = sources.pop(); source !== undefined; source = sources.pop()) {
    const target = targets.pop()!;
    if (source === target) {
      for (let i = 0; i < source.length; i++) (target as unknown[])[i] = begin(source[i]);
    } else {
      for (let i = 0; i < source.length; i += 2) {
        setMember(target, source[i] as string, begin(source[i + 1]));
      }
    }
  }
  return whole;
}

/** Sets a member as `JSON.parse()` does: as a plain one, even if its name is `__proto__`. */
function setMember(target: object, name: string, value: unknown): void {
  if (name in target) {
    Object.defineProperty(target, name, {
      value,
      writable: true,
      enumerable: true,
      configurable: true,
    });
  } else {
    (target as Record<string, unknown>)[name] = value;
  }
}
