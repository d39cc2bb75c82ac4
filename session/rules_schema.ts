/**
 * Rules as JSON: their types, their JSON Schema, and a check that follows the schema.
 *
 * @module
 */

import { type ErrorCode, ERRORS, type RequestId } from "../protocol.ts";
import { closestString } from "./closest_string.ts";
import { MAX_DELAY } from "./delays.ts";
import { FAULT_KINDS, type FaultKind } from "./faults.ts";

/** What a request must have, in all members, to be matched. `{}` matches every request. */
export interface Match {
  /**
   * The id: an integer, or a string in which `*` stands for any characters, `\*` for a star, and
   * `\\` for a backslash.
   */
  readonly id?: RequestId;
  /** The data, with `*` in the same way. */
  readonly data?: string;
  /** The name of an entity in the data. */
  readonly entity?: string;
  /** A JSON Pointer to a value in the representation, or in a message of another protocol. */
  readonly at?: string;
  /** The value at {@linkcode Match.at}; a string with `*` as in the id. */
  readonly is?: string | number | boolean | null;
  /** The number of the request on its connection, from 1. */
  readonly nth?: number;
  /** The number of the connection on the server, from 1. */
  readonly connection?: number;
}

/** What happens to a request. Without members, it is answered after the delay of the server. */
export interface Effect {
  /** In seconds, or a text as `--delay` takes it, or `"never"`: then it stays in flight. */
  readonly delay?: number | string;
  /** A fault; `{ late: 5 }` is 5 seconds late, `{ drip: 100 }` sends 100 bytes per second. */
  readonly fault?: FaultKind | { readonly late: number } | { readonly drip: number };
  /** The request is answered with this error, at once if there is no delay. */
  readonly error?: { readonly code: ErrorCode; readonly message?: string };
  /**
   * A JSON value in place of the representation. A string that is `{{id}}` or a JSON Pointer, such as
   * `{{/Hub/name}}`, becomes the id, or the value there in the request.
   */
  readonly answer?: unknown;
  /** Whether it is held until it is released. */
  readonly hold?: boolean;
}

/** A rule. The first that matches a request decides what happens to it. */
export interface Rule extends Effect {
  /** Which requests it matches. */
  readonly match: Match;
  /** An effect for each request that matches, in order; the last one repeats. */
  readonly then?: readonly Effect[];
  /** How many requests it matches at most. */
  readonly times?: number;
}

/** The part of JSON Schema (2020-12) that describes rules. */
export interface Schema {
  readonly $schema?: string;
  readonly title?: string;
  readonly description?: string;
  readonly type?: "array" | "object" | "string" | "integer" | "number" | "boolean" | "null";
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
  readonly items?: Schema;
  readonly minItems?: number;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: false;
  readonly minProperties?: number;
  readonly maxProperties?: number;
  /** Alternatives of different types. */
  readonly anyOf?: readonly Schema[];
}

/** The schema of a {@linkcode Match}. */
export const MATCH_SCHEMA: Schema = {
  description: "What a request must have, in all members. {} matches every request.",
  type: "object",
  properties: {
    id: {
      description: "An integer, or a string in which * stands for any characters, \\* for a star",
      anyOf: [{ type: "string" }, { type: "integer" }],
    },
    data: {
      description: "The data, in which * stands for any characters, and \\* for a star",
      type: "string",
    },
    entity: { description: "The name of an entity in the data", type: "string" },
    at: {
      description: "A JSON Pointer to a value in the representation, or in a message",
      type: "string",
    },
    is: {
      description: "The value there, with * in strings as in the id; by default, any",
      anyOf: [{ type: "string" }, { type: "number" }, { type: "boolean" }, { type: "null" }],
    },
    nth: {
      description: "The number of the request on its connection, from 1",
      type: "integer",
      minimum: 1,
    },
    connection: {
      description: "The number of the connection on the server, from 1",
      type: "integer",
      minimum: 1,
    },
  },
  additionalProperties: false,
};

const EFFECT_PROPERTIES: Readonly<Record<keyof Effect, Schema>> = {
  delay: {
    description: "Seconds, a text that --delay takes, such as 1..5 or 500ms, or never",
    anyOf: [{ type: "number", minimum: 0, maximum: MAX_DELAY }, { type: "string" }],
  },
  fault: {
    description: "The fault that happens in place of the response",
    anyOf: [{ type: "string", enum: FAULT_KINDS }, {
      type: "object",
      properties: {
        late: {
          description: "Seconds after its delay",
          type: "number",
          exclusiveMinimum: 0,
          maximum: MAX_DELAY,
        },
        drip: { description: "Bytes per second", type: "number", minimum: 1 },
      },
      additionalProperties: false,
      minProperties: 1,
      maxProperties: 1,
    }],
  },
  error: {
    description: "An error in place of the response, at once if there is no delay",
    type: "object",
    properties: {
      code: { type: "string", enum: Object.keys(ERRORS) },
      message: { description: "By default, the message of the code", type: "string" },
    },
    required: ["code"],
    additionalProperties: false,
  },
  answer: {
    description: "A JSON value in place of the representation; {{id}} or a JSON Pointer, such as " +
      "{{/Hub/name}}, as a string stands for a value of the request",
  },
  hold: { description: "Whether the request is held until it is released", type: "boolean" },
};

/** The schema of a {@linkcode Rule}. */
export const RULE_SCHEMA: Schema = {
  description: "What happens to the requests that match, unless an earlier rule matches them",
  type: "object",
  properties: {
    match: MATCH_SCHEMA,
    ...EFFECT_PROPERTIES,
    then: {
      description: "An effect for each request that matches, in order; the last one repeats",
      type: "array",
      items: { type: "object", properties: EFFECT_PROPERTIES, additionalProperties: false },
      minItems: 1,
    },
    times: {
      description: "How many requests the rule matches at most",
      type: "integer",
      minimum: 1,
    },
  },
  required: ["match"],
  additionalProperties: false,
};

/**
 * The schema of a list of rules, which is published as `docs/rules.schema.json`. It allows effects
 * beside each other that exclude each other, and any text as a delay; `Rules` does not.
 */
export const RULES_SCHEMA: Schema = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  title: "Rules of asyncpkt serve",
  description: "The first rule that matches a request decides what happens to it.",
  type: "array",
  items: RULE_SCHEMA,
};

/**
 * Returns a list of rules if it follows {@linkcode RULES_SCHEMA}.
 *
 * @param path the name of the list in errors.
 * @throws {RangeError} with the place of the first mistake.
 */
export function checkRules(value: unknown, path = "rules"): Rule[] {
  checkValue(value, RULES_SCHEMA, path);
  return value as Rule[];
}

/** Returns a rule if it follows {@linkcode RULE_SCHEMA}; see {@linkcode checkRules}. */
export function checkRule(value: unknown, path = "rule"): Rule {
  checkValue(value, RULE_SCHEMA, path);
  return value as Rule;
}

/** Returns a match if it follows {@linkcode MATCH_SCHEMA}; see {@linkcode checkRules}. */
export function checkMatch(value: unknown, path = "match"): Match {
  checkValue(value, MATCH_SCHEMA, path);
  return value as Match;
}

/** Returns the error of a value at a place in JSON. */
export function wrongValue(path: string, expected: string, value: unknown): RangeError {
  return new RangeError(`${path}: expected ${expected}, got ${shown(value)}`);
}

/**
 * Checks a value against a schema.
 *
 * @param path the name of the value in errors.
 * @throws {RangeError} with the place of the first mistake.
 */
export function checkValue(value: unknown, schema: Schema, path: string): void {
  const meant = (schema.anyOf ?? [schema]).find(({ type }) => hasType(value, type));
  if (meant === undefined || !isInRange(value, meant)) {
    const hint = typeof value === "string" ? hintFor(value, meant?.enum ?? []) : "";
    throw new RangeError(wrongValue(path, expectedBy(schema), value).message + hint);
  }
  const { items, properties } = meant;
  if (items !== undefined) {
    (value as unknown[]).forEach((item, i) => checkValue(item, items, `${path}[${i}]`));
  }
  if (properties !== undefined) checkMembers(value as Record<string, unknown>, meant, path);
}

function checkMembers(
  value: Readonly<Record<string, unknown>>,
  { properties = {}, required = [], maxProperties }: Schema,
  path: string,
): void {
  const known = Object.keys(properties);
  const names = Object.keys(value);
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    const place = memberPath(path, unknown);
    const hint = hintFor(unknown, known);
    throw new RangeError(`${place}: unknown member; expected ${eitherOf(known)}${hint}`);
  }
  if (maxProperties !== undefined && names.length !== maxProperties) {
    const got = names.join(" and ") || "none";
    throw new RangeError(`${path}: expected exactly one of ${eitherOf(known)}, got ${got}`);
  }
  for (const name of known) {
    const place = memberPath(path, name);
    const schema = properties[name]!;
    if (value[name] !== undefined) checkValue(value[name], schema, place);
    else if (required.includes(name)) {
      throw new RangeError(`${place}: expected ${expectedBy(schema)}, got none`);
    }
  }
}

function hasType(value: unknown, type: Schema["type"]): boolean {
  if (type === "array") return Array.isArray(value);
  if (type === "object") {
    return typeof value === "object" && value !== null && !Array.isArray(value);
  }
  if (type === "null") return value === null;
  if (type === "integer") return Number.isInteger(value);
  if (type === "number") return Number.isFinite(value);
  return type === undefined || typeof value === type;
}

function isInRange(value: unknown, schema: Schema): boolean {
  const { minimum = -Infinity, exclusiveMinimum = -Infinity, maximum = Infinity } = schema;
  if (typeof value === "number") {
    return value >= minimum && value > exclusiveMinimum && value <= maximum;
  }
  if (Array.isArray(value)) return value.length >= (schema.minItems ?? 0);
  return schema.enum === undefined || schema.enum.includes(value as string);
}

/** Returns what a schema expects, for people. */
function expectedBy(schema: Schema): string {
  const words = (schema.anyOf ?? [schema]).flatMap((each) => each.enum ?? [expectedType(each)]);
  return eitherOf(words);
}

function expectedType(schema: Schema): string {
  const { type, minimum, exclusiveMinimum, maximum, minItems } = schema;
  const bounds = [
    minimum === undefined
      ? ""
      : maximum === undefined
      ? `of at least ${minimum}`
      : `from ${minimum}`,
    exclusiveMinimum === undefined ? "" : `above ${exclusiveMinimum} and up`,
    maximum === undefined ? "" : `to ${maximum}`,
    minItems === undefined ? "" : `of ${minItems} or more elements`,
  ];
  if (type === "null") return type;
  const article = /^[aio]/.test(type!) ? "an" : "a";
  return [article, type, ...bounds].filter((word) => word !== "").join(" ");
}

function eitherOf(words: readonly string[]): string {
  return words.length < 2 ? words.join() : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}

function hintFor(word: string, known: readonly string[]): string {
  const meant = closestString(word, known);
  return meant === undefined ? "" : `; did you mean ${meant}?`;
}

function memberPath(path: string, name: string): string {
  return /^[\w$]+$/.test(name) ? `${path}.${name}` : `${path}[${JSON.stringify(name)}]`;
}

/** The most characters of a string in an error. */
const MAX_SHOWN = 60;

/** Returns a value in one short line. */
function shown(value: unknown): string {
  if (typeof value === "string") {
    const isLong = value.length > MAX_SHOWN;
    return JSON.stringify(isLong ? `${value.slice(0, MAX_SHOWN)}…` : value);
  }
  if (Array.isArray(value)) return value.length === 0 ? "[]" : "an array";
  if (typeof value === "function") return "a function";
  return typeof value === "object" && value !== null ? "an object" : String(value);
}
