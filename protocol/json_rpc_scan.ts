/**
 * Reads the usual requests of JSON-RPC without creating their values.
 *
 * Nearly every frame is one request in the form that JSON writers give it. One pass over its text
 * checks it and finds its id and its params; `JSON.parse()` takes several times as long. Other
 * frames are for the reader in `json_rpc.ts`, which alone decides what is valid: the pass accepts
 * only requests that the reader accepts.
 *
 * @module
 */

import type { Message } from "./message.ts";
import { parseJson } from "./parse_json.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SPACE = 0x20;
const COMMA = 0x2c;
const COLON = 0x3a;
const BRACE_OPEN = 0x7b;
const BRACE_CLOSE = 0x7d;
const BRACKET_OPEN = 0x5b;
const BRACKET_CLOSE = 0x5d;

const NONE = -1;

/** Values in params that stand deeper are for the other reader. */
const MAX_DEPTH = 8;

/** The most digits of which any are a safe integer. */
const INTEGER = /^(?:0|-?[1-9]\d{0,14})$/;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

/** A request in the usual form. */
export class UsualRequest implements Message {
  readonly kind = "request";
  readonly id: string | number;
  /** Its id and its params as they stand in its text; the params may be missing. */
  readonly idText: string;
  readonly params: string | undefined;
  readonly #text: string;

  constructor(text: string, idText: string, params: string | undefined) {
    this.#text = text;
    this.id = idText.charCodeAt(0) === QUOTE ? idText.slice(1, -1) : Number(idText);
    this.idText = idText;
    this.params = params;
  }

  get value(): unknown {
    return parseJson(this.#text);
  }
}

/** Reads a request in the usual form; returns undefined for any other frame. */
export function scanRequest(text: string): UsualRequest | undefined {
  if (text.charCodeAt(0) !== BRACE_OPEN) return undefined;
  let version, id, method, params: string | undefined;
  for (let at = 1;;) {
    const nameEnd = endOfString(text, at);
    if (nameEnd === NONE || text.charCodeAt(nameEnd) !== COLON) return undefined;
    const valueAt = skipSpace(text, nameEnd + 1);
    const end = endOfValue(text, valueAt, MAX_DEPTH);
    if (end === NONE) return undefined;
    const name = text.slice(at + 1, nameEnd - 1);
    const value = text.slice(valueAt, end);
    // Of members with the same name, only the last counts.
    if (name === "jsonrpc" && version === undefined) version = value;
    else if (name === "id" && id === undefined) id = value;
    else if (name === "method" && method === undefined) method = value;
    else if (name === "params" && params === undefined) params = value;
    else return undefined;
    const next = text.charCodeAt(end);
    if (next === BRACE_CLOSE && end + 1 === text.length) break;
    if (next !== COMMA) return undefined;
    at = skipSpace(text, end + 1);
  }
  if (version !== '"2.0"' || id === undefined || method?.charCodeAt(0) !== QUOTE) return undefined;
  if (id.charCodeAt(0) !== QUOTE && !INTEGER.test(id)) return undefined;
  if (params !== undefined && params[0] !== "[" && params[0] !== "{") return undefined;
  return new UsualRequest(text, id, params);
}

function skipSpace(text: string, at: number): number {
  return text.charCodeAt(at) === SPACE ? at + 1 : at;
}

/** Returns the end of the value at `at`; −1 if it is not in the usual form. */
function endOfValue(text: string, at: number, depth: number): number {
  const first = text.charCodeAt(at);
  if (first === QUOTE) return endOfString(text, at);
  if (first === BRACE_OPEN || first === BRACKET_OPEN) return endOfItems(text, at, depth);
  NUMBER.lastIndex = at;
  if (NUMBER.test(text)) return NUMBER.lastIndex;
  const literal = ["true", "false", "null"].find((literal) => text.startsWith(literal, at));
  return literal === undefined ? NONE : at + literal.length;
}

/** Returns the end of the string at `at`; −1 if there is none, or it has an escape. */
function endOfString(text: string, at: number): number {
  if (text.charCodeAt(at) !== QUOTE) return NONE;
  for (let i = at + 1;; i++) {
    const code = text.charCodeAt(i);
    if (code === QUOTE) return i + 1;
    // At the end of the text, the code is NaN.
    if (code === BACKSLASH || !(code >= SPACE)) return NONE;
  }
}

/** Returns the end of the array or object at `at`; −1 if it is not in the usual form. */
function endOfItems(text: string, at: number, depth: number): number {
  if (depth === 0) return NONE;
  const isObject = text.charCodeAt(at) === BRACE_OPEN;
  const close = isObject ? BRACE_CLOSE : BRACKET_CLOSE;
  if (text.charCodeAt(at + 1) === close) return at + 2;
  for (let i = at + 1;; i = skipSpace(text, i + 1)) {
    if (isObject) {
      i = endOfString(text, i);
      if (i === NONE || text.charCodeAt(i) !== COLON) return NONE;
      i = skipSpace(text, i + 1);
    }
    i = endOfValue(text, i, depth - 1);
    if (i === NONE) return NONE;
    const next = text.charCodeAt(i);
    if (next === close) return i + 1;
    if (next !== COMMA) return NONE;
  }
}
