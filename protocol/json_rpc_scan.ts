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

const VERSION = '"2.0"';

/** The first code that is not ASCII. */
const BEYOND_ASCII = 0x80;

/** The most digits of which any are a safe integer. */
const INTEGER = /^(?:0|-?[1-9]\d{0,14})$/;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

/** A request in the usual form. */
export class UsualRequest implements Message {
  readonly kind = "request";
  readonly id: string | number;
  readonly isAscii: boolean;
  /** Its id and its params as they stand in its text; the params may be missing. */
  readonly idText: string;
  readonly params: string | undefined;
  readonly #text: string;

  constructor(text: string, idText: string, params: string | undefined, isAscii: boolean) {
    this.id = idText.charCodeAt(0) === QUOTE ? idText.slice(1, -1) : Number(idText);
    this.isAscii = isAscii;
    this.idText = idText;
    this.params = params;
    this.#text = text;
  }

  get value(): unknown {
    return parseJson(this.#text);
  }
}

/** All bits of the codes in the strings of the frame that is scanned. */
let codes = 0;

/** Reads a request in the usual form; returns undefined for any other frame. */
export function scanRequest(text: string): UsualRequest | undefined {
  if (text.charCodeAt(0) !== BRACE_OPEN) return undefined;
  codes = 0;
  let hasVersion = false;
  let hasMethod = false;
  let id: string | undefined;
  let params: string | undefined;
  for (let at = 1;;) {
    const nameEnd = endOfString(text, at);
    if (nameEnd === NONE || text.charCodeAt(nameEnd) !== COLON) return undefined;
    const valueAt = skipSpace(text, nameEnd + 1);
    const end = endOfValue(text, valueAt, MAX_DEPTH);
    if (end === NONE) return undefined;
    const isString = text.charCodeAt(valueAt) === QUOTE;
    // Of members with the same name, only the last would count.
    if (!hasVersion && text.startsWith('"jsonrpc"', at)) {
      if (end - valueAt !== VERSION.length || !text.startsWith(VERSION, valueAt)) return undefined;
      hasVersion = true;
    } else if (!hasMethod && text.startsWith('"method"', at)) {
      if (!isString) return undefined;
      hasMethod = true;
    } else if (id === undefined && text.startsWith('"id"', at)) {
      id = text.slice(valueAt, end);
      if (!isString && !INTEGER.test(id)) return undefined;
    } else if (params === undefined && text.startsWith('"params"', at)) {
      const first = text.charCodeAt(valueAt);
      if (first !== BRACE_OPEN && first !== BRACKET_OPEN) return undefined;
      params = text.slice(valueAt, end);
    } else {
      return undefined;
    }
    const next = text.charCodeAt(end);
    if (next === BRACE_CLOSE && end + 1 === text.length) break;
    if (next !== COMMA) return undefined;
    at = skipSpace(text, end + 1);
  }
  if (!hasVersion || !hasMethod || id === undefined) return undefined;
  return new UsualRequest(text, id, params, codes < BEYOND_ASCII);
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
  let seen = 0;
  for (let i = at + 1; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === QUOTE) {
      codes |= seen;
      return i + 1;
    }
    if (code === BACKSLASH || code < SPACE) return NONE;
    seen |= code;
  }
  return NONE;
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
