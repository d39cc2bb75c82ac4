/**
 * The conversion of `data` (protocol, "The conversion of `data`"), from bytes to bytes.
 *
 * Both sides are JSON text. A JSON string's own text is enough to work on: its escapes never contain a
 * separator, and a token copied with its escapes is a valid JSON string again. So one pass over the
 * bytes does it, which writes each token where it belongs as it is read and steps back over what turns
 * out to be empty. It is an order of magnitude quicker than splitting into strings and objects, which
 * the tests do, to compare the two.
 *
 * @module
 */

import { Members } from "./repeats.ts";

// Constants of the module's own, here and in its neighbours: the engine folds these, but not imported ones.
const QUOTE = 0x22;
const PERCENT = 0x25;
const AMPERSAND = 0x26;
const COMMA = 0x2c;
const COLON = 0x3a;
const BRACE_OPEN = 0x7b;
const BRACE_CLOSE = 0x7d;

/**
 * How many bytes after `data` the conversion writes to in its source.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { NO_DELAY, responseText, SENTINEL_LENGTH } from "@asyncpkt/asyncpkt/protocol";
 *
 * const text = "7Hub&&id&&1"; // the id, then the data
 * const bytes = new Uint8Array(text.length + SENTINEL_LENGTH);
 * new TextEncoder().encodeInto(text, bytes);
 * assertEquals(
 *   responseText(bytes, 0, 1, 1, text.length, true, NO_DELAY),
 *   '{"request_id":7,"data":{"Hub":{"id":"1"}}}',
 * );
 * ```
 */
export const SENTINEL_LENGTH = 2;

/** The most bytes that the representation of `length` bytes of data takes while it is written. */
export function representationBound(length: number): number {
  return 2 * length + 16;
}

/** What the next token is. */
const enum Token {
  EntityName,
  Name,
  Value,
  /** Part of an entity that has no name. */
  Skipped,
}

const entities = new Members();
const pairs = new Members();

/**
 * Converts the data in `source[i .. end]` and writes its representation from `out[o]` on; returns where
 * that ends.
 *
 * @param source JSON string text, without its quotes; the two bytes at `end` are overwritten.
 * @param out must have room for {@linkcode representationBound} bytes.
 */
export function convertBytes(
  source: Uint8Array,
  i: number,
  end: number,
  out: Uint8Array,
  o: number,
): number {
  // A separator at the end saves asking for every byte whether it is the last.
  source[end] = source[end + 1] = PERCENT;
  entities.clear();
  out[o++] = BRACE_OPEN;
  const entitiesAt = o;

  let token = Token.EntityName;
  let entityAt = o; // where the text goes back to if this entity turns out to have no pair
  let pairAt = 0; // the same for a pair without name or value
  let pairsAt = 0;
  let nameAt = 0;
  let nameEnd = 0;
  out[o++] = QUOTE;
  let entityNameAt = o;
  let entityNameEnd = o;

  while (true) {
    const tokenAt = o;
    let byte: number;
    while (true) {
      byte = source[i]!;
      // A doubled byte separates, unless its second half is the sentinel's.
      if ((byte === AMPERSAND || byte === PERCENT) && source[i + 1] === byte && i + 1 !== end) {
        break;
      }
      out[o++] = byte;
      i++;
    }
    i += 2;

    if (byte === AMPERSAND) {
      switch (token) {
        case Token.Name:
          nameEnd = o;
          out[o++] = QUOTE;
          out[o++] = COLON;
          out[o++] = QUOTE;
          token = Token.Value;
          continue;
        case Token.Value:
          if (o === tokenAt || nameEnd === nameAt) {
            o = pairAt;
          } else {
            out[o++] = QUOTE;
            pairs.add(out, nameAt, nameEnd);
            pairAt = o;
          }
          break;
        case Token.EntityName:
          if (o === tokenAt) {
            token = Token.Skipped;
            continue;
          }
          entityNameEnd = o;
          out[o++] = QUOTE;
          out[o++] = COLON;
          out[o++] = BRACE_OPEN;
          pairAt = pairsAt = o;
          pairs.clear();
          break;
        case Token.Skipped:
          o = tokenAt;
          continue;
      }
      token = Token.Name;
      if (pairs.count > 0) out[o++] = COMMA;
      out[o++] = QUOTE;
      nameAt = o;
      continue;
    }

    if (token === Token.Value && o > tokenAt && nameEnd > nameAt) {
      out[o++] = QUOTE;
      pairs.add(out, nameAt, nameEnd);
      pairAt = o;
    }
    if ((token === Token.Value || token === Token.Name) && pairs.count > 0) {
      o = pairs.repeats ? pairs.gather(out, pairsAt, pairAt) : pairAt;
      out[o++] = BRACE_CLOSE;
      entities.add(out, entityNameAt, entityNameEnd);
      entityAt = o;
    }
    o = entityAt;
    if (i > end) break;
    token = Token.EntityName;
    if (entities.count > 0) out[o++] = COMMA;
    out[o++] = QUOTE;
    entityNameAt = o;
  }
  if (entities.repeats) o = entities.gather(out, entitiesAt, o);
  out[o++] = BRACE_CLOSE;
  return o;
}
