/**
 * Converts `data` from bytes to bytes, both JSON text.
 *
 * Escapes in a JSON string never contain a separator, and a token copied with its escapes is a
 * valid JSON string again. So one pass over the bytes is enough: it writes each token to its place
 * and steps back over empty pairs and entities. It is ten times as fast as splitting into strings
 * and objects, which the tests do to compare results.
 *
 * @module
 */

import { Members } from "./repeats.ts";

// V8 folds constants of the same module, but not imported ones, so modules repeat them.
const QUOTE = 0x22;
const COMMA = 0x2c;
const BRACE_OPEN = 0x7b;
const BRACE_CLOSE = 0x7d;
const TWO_PERCENTS = 0x2525;
const TWO_AMPERSANDS = 0x2626;
/** Three bytes to write at once, and a fourth that the next write overwrites. */
const QUOTE_COLON_QUOTE = 0x223a2200;
const QUOTE_COLON_BRACE = 0x223a7b00;
const QUOTE_COMMA_QUOTE = 0x222c2200;

/** The number of bytes after `data` that the conversion overwrites in its source. */
export const SENTINEL_LENGTH = 2;

/** The number of bytes after `data` that must exist in the source of a conversion. */
export const SOURCE_MARGIN = 5;

/** Returns the most bytes that a conversion of `length` bytes writes. */
export function representationBound(length: number): number {
  return 2 * length + 24;
}

/** The kind of the next token. */
const enum Token {
  EntityName,
  Name,
  Value,
  /** A token of an entity without a name. */
  Skipped,
}

const entities = new Members();
const pairs = new Members();

/** The last source and output, which rarely change, and views of them. */
let lastSource: Uint8Array = new Uint8Array(0);
let lastOut = lastSource;
let sourceView = viewOf(lastSource);
let outView = sourceView;

/**
 * Converts the data in `source[i .. end]` and writes its representation to `out`, from `o` on.
 *
 * @param source the text of a JSON string, without quotes, followed by {@linkcode SOURCE_MARGIN}
 * bytes.
 * @param out has room for {@linkcode representationBound} bytes.
 * @returns the end of the representation.
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
  // With a separator at the end, the loop need not check for the end at each byte.
  from.setUint16(end, TWO_PERCENTS);
  entities.clear();
  out[o++] = BRACE_OPEN;
  const entitiesAt = o;

  let token = Token.EntityName;
  let entityAt = o; // where to step back to if the entity has no pair
  let pairAt = 0; // where to step back to if the pair has no name or no value
  let pairsAt = 0;
  let nameAt = 0;
  let nameEnd = 0;
  out[o++] = QUOTE;
  let entityNameAt = o;
  let entityNameEnd = o;

  while (true) {
    const tokenAt = o;
    let two: number;
    // Copies four bytes at a time, and then counts those that belong to the token.
    while (true) {
      const word = from.getInt32(i, true);
      to.setInt32(o, word, true);
      const plain = plainBytes(word);
      i += plain;
      o += plain;
      if (plain === 4) continue;
      two = from.getUint16(i);
      // Two equal bytes are a separator, unless the second belongs to the one at the end.
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
 * Returns the number of bytes of a word, from its lowest on, before a separator: 0 to 4. It may
 * also stop at `$` and `'`, which differ from `%` and `&` only in their lowest bits. The well-known
 * test for a zero byte in a word finds all four.
 */
function plainBytes(word: number): number {
  const zero = (word | 0x03030303) ^ 0x27272727;
  const found = (zero - 0x01010101) & ~zero & 0x80808080;
  return found === 0 ? 4 : (31 - Math.clz32(found & -found)) >> 3;
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}
