/**
 * Cases of the conversion of `data`.
 *
 * @module
 */

/** A case of the conversion. */
export interface ConvertVector {
  readonly name: string;
  readonly data: string;
  /** The JSON text of the representation, members in order. */
  readonly expected: string;
}

const VECTORS: readonly [name: string, data: string, expected: string][] = [
  [
    "the example",
    "Hub&&name&&qwe&&id&&123&&%%Device&&name&&wqe&&id&&234&&",
    '{"Hub":{"name":"qwe","id":"123"},"Device":{"name":"wqe","id":"234"}}',
  ],
  [
    "no trailing separator",
    "Hub&&name&&qwe&&id&&123%%Device&&name&&wqe&&id&&234",
    '{"Hub":{"name":"qwe","id":"123"},"Device":{"name":"wqe","id":"234"}}',
  ],
  ["one entity, one pair", "Hub&&name&&qwe", '{"Hub":{"name":"qwe"}}'],
  [
    "an empty value in the middle drops its pair and shifts nothing",
    "Hub&&name&&&&id&&123",
    '{"Hub":{"id":"123"}}',
  ],
  ["an empty value at the end", "Hub&&name&&qwe&&id&&&&", '{"Hub":{"name":"qwe"}}'],
  ["an empty name drops its pair", "Hub&&&&qwe&&id&&123", '{"Hub":{"id":"123"}}'],
  ["an empty pair", "Hub&&&&&&id&&123", '{"Hub":{"id":"123"}}'],
  ["a name with no value", "Hub&&name&&qwe&&id", '{"Hub":{"name":"qwe"}}'],
  ["an entity without pairs", "Hub%%Device&&id&&1", '{"Device":{"id":"1"}}'],
  ["an entity without pairs, with a separator", "Hub&&%%Device&&id&&1", '{"Device":{"id":"1"}}'],
  ["an entity without a name", "&&name&&qwe%%Device&&id&&1", '{"Device":{"id":"1"}}'],
  ["empty entities", "%%%%Hub&&id&&1%%%%", '{"Hub":{"id":"1"}}'],
  ["empty data", "", "{}"],
  ["separators only", "&&&&%%&&%%", "{}"],
  [
    "an odd run of ampersands: leftmost first",
    "Hub&&name&&a&&&b&&c",
    '{"Hub":{"name":"a","&b":"c"}}',
  ],
  [
    "an odd run of percent signs: leftmost first",
    "Hub&&id&&1%%%Device&&id&&2",
    '{"Hub":{"id":"1"},"%Device":{"id":"2"}}',
  ],
  ["single separators are data", "R&D&&rate&&50%&&a&b&&c%d", '{"R&D":{"rate":"50%","a&b":"c%d"}}'],
  [
    "a repeated entity",
    "Device&&id&&1%%Hub&&id&&0%%Device&&id&&2%%Device&&id&&3",
    '{"Device":[{"id":"1"},{"id":"2"},{"id":"3"}],"Hub":{"id":"0"}}',
  ],
  [
    "a repeated parameter",
    "Hub&&tag&&a&&id&&1&&tag&&b&&tag&&c",
    '{"Hub":{"tag":["a","b","c"],"id":"1"}}',
  ],
  [
    "a repeated entity, one of them empty",
    "Device&&id&&1%%Device&&&&%%Device&&id&&2",
    '{"Device":[{"id":"1"},{"id":"2"}]}',
  ],
  [
    "names that objects have of their own",
    "__proto__&&constructor&&x&&__proto__&&y%%toString&&hasOwnProperty&&z",
    '{"__proto__":{"constructor":"x","__proto__":"y"},"toString":{"hasOwnProperty":"z"}}',
  ],
  [
    "digits as names keep their order in the text",
    "10&&2&&a&&1&&b%%9&&x&&y",
    '{"10":{"2":"a","1":"b"},"9":{"x":"y"}}',
  ],
  ["nothing is trimmed", " Hub && name && q w e ", '{" Hub ":{" name ":" q w e "}}'],
  [
    "nothing is interpreted",
    'Hub&&a&&true&&b&&null&&c&&1e3&&d&&{"x":1}',
    '{"Hub":{"a":"true","b":"null","c":"1e3","d":"{\\"x\\":1}"}}',
  ],
  [
    "what JSON must escape",
    'Hub&&q&&say "hi"&&b&&a\\b&&n&&line\nbreak\ttab&&z&&\u0000\u001f\u007f',
    '{"Hub":{"q":"say \\"hi\\"","b":"a\\\\b","n":"line\\nbreak\\ttab","z":"\\u0000\\u001f\u007f"}}',
  ],
  [
    "beyond ASCII",
    "Дом&&имя&&кухня&&家&&灯&&e&&😀&&s&&\u2028\u2029\ufeff",
    '{"Дом":{"имя":"кухня","家":"灯","e":"😀","s":"\u2028\u2029\ufeff"}}',
  ],
];

/** Returns all cases of the conversion. */
export function convertVectors(): ConvertVector[] {
  return VECTORS.map(([name, data, expected]) => ({ name, data, expected }));
}

/** Spells JSON text as JSON.stringify does, without changing the order of its members. */
export function compactJson(json: string): string {
  return json.replace(
    /"(?:[^"\\]|\\.)*"|\s+/g,
    (part) => part.startsWith('"') ? JSON.stringify(JSON.parse(part)) : "",
  );
}
