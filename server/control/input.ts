/**
 * Checks what requests to the control API contain. Each function throws a RangeError, whose message
 * names the member, what was expected, and what was given.
 *
 * @module
 */

import { MAX_DELAY } from "../../session/delays.ts";
import type { JournalFilter } from "../../session/journal.ts";
import { checkValue, type Match, MATCH_SCHEMA, type Schema } from "../../session/rules_schema.ts";
import type { Release, Settings } from "../steering.ts";

const REQUEST_ID: Schema = { anyOf: [{ type: "string" }, { type: "integer" }] };
const POSITIVE: Schema = { type: "integer", minimum: 1 };

/** The longest step of a clock, in seconds: a year. */
const MAX_ADVANCE = 365 * 86_400;

const NULL: Schema = { type: "null" };

/** Returns a check of an object that has no other members; all are optional. */
function members<T>(
  properties: Readonly<Record<string, Schema>>,
  path = "body",
  more: Schema = {},
) {
  const schema: Schema = { type: "object", properties, additionalProperties: false, ...more };
  return (body: unknown): T => {
    checkValue(body, schema, path);
    return body as T;
  };
}

const ONE: Schema = { minProperties: 1, maxProperties: 1 };

/** Filters of requests in a query. */
const FILTERS = {
  id: { type: "string" },
  connection: POSITIVE,
  outcome: { type: "string" },
  rule: POSITIVE,
} satisfies Record<string, Schema>;

const filters = members<Omit<JournalFilter, "id"> & { id?: string }>(FILTERS, "query");

/** The query of `GET /control/requests`. */
export function query(params: URLSearchParams) {
  const values = [...params].map(([name, value]) => {
    if (params.getAll(name).length > 1) throw new RangeError(`query.${name}: expected it once`);
    const isNumber = name === "connection" || name === "rule";
    return [name, isNumber && /^\d+$/.test(value) ? Number(value) : value];
  });
  return filters(Object.fromEntries(values));
}

/** The body of `POST /control/requests/wait`. */
export const wait = members<JournalFilter & { count?: number; timeout?: number }>({
  count: POSITIVE,
  timeout: { type: "number", minimum: 0, maximum: MAX_DELAY },
  ...FILTERS,
  id: REQUEST_ID,
});

/** The body of `POST /control/hold`. */
export const hold = members<{ match?: Match }>({ match: MATCH_SCHEMA });

/** The body of `POST /control/release`. */
export const release = members<Release>({
  ids: { type: "array", items: REQUEST_ID },
  match: MATCH_SCHEMA,
  rule: POSITIVE,
});

/** The body of `PATCH /control/settings`. */
export const settings = members<Partial<Settings>>({
  delay: { type: "string" },
  fault: { anyOf: [{ type: "string" }, NULL] },
  seed: { anyOf: [{ type: "integer" }, NULL] },
});

/** The body of `POST /control/clock`; the time is in seconds. */
export const clockStep = members<{ advance: number } | { to: "next" }>(
  {
    advance: { type: "number", minimum: 0, maximum: MAX_ADVANCE },
    to: { type: "string", enum: ["next"] },
  },
  "body",
  ONE,
);

/** The body of `PATCH /control/rules/N`. */
export const enabling = members<{ enabled: boolean }>({ enabled: { type: "boolean" } }, "body", {
  required: ["enabled"],
});

const anyEnding = members<{ close: number } | { reset: boolean }>(
  {
    close: { type: "integer" },
    reset: { type: "boolean" },
  },
  "body",
  ONE,
);

/** The body of `POST /control/connections/N`. */
export function ending(body: unknown): { close: number } | { reset: boolean } {
  const ending = anyEnding(body);
  if ("reset" in ending && !ending.reset) {
    throw new RangeError("body.reset: expected true, got false");
  }
  if ("close" in ending && !isCloseCode(ending.close)) {
    const codes = "1000, 1001, 1003, a code from 1007 to 1014, or one from 3000 to 4999";
    throw new RangeError(`body.close: expected ${codes}, got ${ending.close}`);
  }
  return ending;
}

/** Whether an endpoint may send this close code (RFC 6455, section 7.4). */
function isCloseCode(code: number): boolean {
  return code === 1000 || code === 1001 || code === 1003 || (code >= 1007 && code <= 1014) ||
    (code >= 3000 && code <= 4999);
}

/** The body of `POST /control/reset`. */
export const nothing = members<Record<never, never>>({});
