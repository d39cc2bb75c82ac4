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
const COMMA = 0x2c;
const BRACE_OPEN = 0x7b;
const BRACE_CLOSE = 0x7d;
const TWO_PERCENTS = 0x2525;
const TWO_AMPERSANDS = 0x2626;
/** Three bytes to be written at once, with a fourth that the next overwrites. */
const QUOTE_COLON_QUOTE = 0x223a2200;
const QUOTE_COLON_BRACE = 0x223a7b00;
const QUOTE_COMMA_QUOTE = 0x222c2200;

/** How many bytes behind `data` the conversion overwrites in its source. */
export const SENTINEL_LENGTH = 2;

/**
 * How many bytes there must be behind `data` in the source of a conversion, which overwrites the first
 * two of them.
 */
export const SOURCE_MARGIN = 5;

/** The most bytes that the representation of `length` bytes of data takes while it is written. */
export function representationBound(length: number): number {
  return 2 * length + 24;
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

/** The source and the output of last time, nearly always the same buffers, and views of them. */
let lastSource: Uint8Array = new Uint8Array(0);
let lastOut = lastSource;
let sourceView = viewOf(lastSource);
let outView = sourceView;

/**
 * Converts the data in `source[i .. end]` and writes its representation from `out[o]` on; returns where
 * that ends.
 *
 * @param source JSON string text, without its quotes, and {@linkcode SOURCE_MARGIN} bytes.
 * @param out must have room for {@linkcode representationBound} bytes.
 */
export function convertBytes(
  source: Uint8Array,
  i: number,
  end: number,
  out: Uint8Array,
  o: number,
): number {
  if (source !== lastSource) sourceView = viewOf(lastSource = source);
  if (out !== lastOut) outView = viewOf(lastOut = out);
  const from = sourceView;
  const to = outView;
  // A separator at the end saves asking for every byte whether it is the last.
  from.setUint16(end, TWO_PERCENTS);
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
    let two: number;
    // Four bytes at a time are copied, and then counted as far as they belong to the token.
    while (true) {
      const word = from.getInt32(i, true);
      to.setInt32(o, word, true);
      const plain = plainBytes(word);
      i += plain;
      o += plain;
      if (plain === 4) continue;
      two = from.getUint16(i);
      // Two of the same separate, unless the second is the sentinel's.
      if ((two === TWO_AMPERSANDS || two === TWO_PERCENTS) && i + 1 !== end) break;
      i++;
      o++;
    }
    i += 2;

    if (two === TWO_AMPERSANDS) {
      switch (token) {
        case Token.Name:
          nameEnd = o;
          to.setUint32(o, QUOTE_COLON_QUOTE);
          o += 3;
          token = Token.Value;
          continue;
        case Token.Value:
          token = Token.Name;
          if (o > tokenAt && nameEnd > nameAt) {
            pairs.add(out, nameAt, nameEnd);
            to.setUint32(o, QUOTE_COMMA_QUOTE);
            pairAt = o + 1;
            nameAt = o += 3;
            continue;
          }
          o = pairAt;
          break;
        case Token.EntityName:
          if (o === tokenAt) {
            token = Token.Skipped;
            continue;
          }
          entityNameEnd = o;
          to.setUint32(o, QUOTE_COLON_BRACE);
          o += 3;
          pairAt = pairsAt = o;
          pairs.clear();
          token = Token.Name;
          break;
        case Token.Skipped:
          o = tokenAt;
          continue;
      }
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

/**
 * How many bytes of a word, from its lowest on, are no separator: 0 to 4. It may stop at `$` and `'` too,
 * the other two that are `%` and `&` but for their lowest bits; that a byte is one of the four shows as a
 * zero byte, by the well-known test for one in a word.
 */
function plainBytes(word: number): number {
  const zero = (word | 0x03030303) ^ 0x27272727;
  const found = (zero - 0x01010101) & ~zero & 0x80808080;
  return found === 0 ? 4 : (31 - Math.clz32(found & -found)) >> 3;
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}
