/**
 * Frames that are no packets, each with its error, and odd frames that are packets.
 *
 * @module
 */

import type { ErrorCode } from "../../protocol/errors.ts";
import type { RequestId } from "../../protocol/packet.ts";

/** A frame that must be refused. */
export interface BrokenFrame {
  readonly name: string;
  readonly text: string;
  /** The id, if it can be read. */
  readonly id: RequestId | null;
  readonly code: ErrorCode;
  /** Part of the message. */
  readonly says: string;
}

const DEEP = 100_000;
const GOOD = '{"request_id":1,"data":"x"}';

const notJson: [name: string, text: string][] = [
  ["no text", ""],
  ["nothing but space", " \t\r\n"],
  ["a word", "hello"],
  ["undefined", "undefined"],
  ["True, as in Python", "True"],
  ["XML", "<request id='1'>x</request>"],
  ["a form", "request_id=1&data=x"],
  ["YAML", "request_id: 1\ndata: x"],
  ["the data alone", "Hub&&name&&qwe"],
  ["an opening brace", "{"],
  ["an opening bracket", "["],
  ["a closing brace", "}"],
  ["a quote", '"'],
  ["half an object", GOOD.slice(0, -1)],
  ["half a string", '{"request_id":1,"data":"x'],
  ["half a key", '{"request_id":1,"da'],
  ["half an array", `[${GOOD},`],
  ["a key without a value", '{"request_id":1,"data":}'],
  ["a key without a colon", '{"request_id":1,"data"}'],
  ["members without a comma", '{"request_id":1 "data":"x"}'],
  ["elements without a comma", `[${GOOD}${GOOD}]`],
  ["brackets that do not match", '{"request_id":1,"data":"x"]'],
  ["a brace too many", `${GOOD}}`],
  ["arrays that never end", "[".repeat(DEEP)],
  ["objects that never end", '{"a":'.repeat(DEEP)],
  ["arrays, closed once too often", "[".repeat(DEEP) + "]".repeat(DEEP + 1)],
  ["a byte order mark", `\ufeff${GOOD}`],
  ["a byte order mark of the wrong order", `\ufffe${GOOD}`],
  ["text behind it", `${GOOD}x`],
  ["NUL behind it", `${GOOD}\0`],
  ["NUL before it", `\0${GOOD}`],
  ["NUL alone", "\0"],
  ["two objects", `${GOOD}${GOOD}`],
  ["two lines", `${GOOD}\n${GOOD}`],
  ["two arrays", `[${GOOD}][${GOOD}]`],
  ["a comma too many", `[${GOOD},]`],
  ["a comma too many in an object", '{"request_id":1,"data":"x",}'],
  ["two commas", '{"request_id":1,,"data":"x"}'],
  ["single quotes", "{'request_id':1,'data':'x'}"],
  ["typographic quotes", "{“request_id”:1,“data”:“x”}"],
  ["keys without quotes", '{request_id:1,data:"x"}'],
  ["a comment", `${GOOD} // x`],
  ["a comment within", '{"request_id":1,/* x */"data":"x"}'],
  ["a no-break space", `\u00a0${GOOD}`],
  ["a line separator for space", `\u2028${GOOD}`],
  ["a bare NUL in a string", '{"request_id":1,"data":"\0"}'],
  ["a bare line break in a string", '{"request_id":1,"data":"\n"}'],
  ["a bare tab in a string", '{"request_id":1,"data":"\t"}'],
  ["a bare escape in a string", '{"request_id":1,"data":"\x1b[2J"}'],
  ["an escape of nothing", '{"request_id":1,"data":"\\x"}'],
  ["half an escape", '{"request_id":1,"data":"\\u12"}'],
  ["an escape in braces", '{"request_id":1,"data":"\\u{12}"}'],
  ["a string that ends in a backslash", '{"request_id":1,"data":"\\"}'],
  ["a leading zero", '{"request_id":01,"data":"x"}'],
  ["a leading plus", '{"request_id":+1,"data":"x"}'],
  ["a minus alone", '{"request_id":-,"data":"x"}'],
  ["a point without a digit before", '{"request_id":.5,"data":"x"}'],
  ["a point without a digit behind", '{"request_id":1.,"data":"x"}'],
  ["an exponent without digits", '{"request_id":1e,"data":"x"}'],
  ["a number of hexadecimal digits", '{"request_id":0x1,"data":"x"}'],
  ["a big integer of JavaScript", '{"request_id":1n,"data":"x"}'],
  ["NaN", '{"request_id":NaN,"data":"x"}'],
  ["Infinity", '{"request_id":Infinity,"data":"x"}'],
];

const noPackets: [name: string, text: string, says: string][] = [
  ["null", "null", "got null"],
  ["a number", "7", "got a number"],
  ["a number of 100,000 digits", "7".repeat(DEEP), "got a number"],
  ["a number beyond numbers", "-1e999", "got a number"],
  ["a string", '"x"', "got a string"],
  ["a packet in a string", JSON.stringify(GOOD), "got a string"],
  ["a boolean", "true", "got a boolean"],
  ["an array of arrays", `[[${GOOD}]]`, "got an array"],
  ["an array of null", "[null]", "got null"],
  ["an array of a string", '["x"]', "got a string"],
  ["arrays in arrays, 100,000 deep", "[".repeat(DEEP) + "]".repeat(DEEP), "got an array"],
  ["objects in objects, 100,000 deep", nested(DEEP), "request_id is missing"],
  ["an empty array", "[]", "empty array"],
  ["1,001 packets", `[${new Array(1001).fill(GOOD)}]`, "at most 1000"],
  ["an empty object", "{}", "request_id is missing"],
  ["no id", '{"data":"x"}', "request_id is missing"],
  ["a cancel without id", '{"cancel":true}', "request_id is missing"],
  ["a packet in an object", `{"packet":${GOOD}}`, "request_id is missing"],
  ["keys in capitals", '{"Request_Id":1,"Data":"x"}', "request_id is missing"],
  ["a key with a NUL", '{"request_id\\u0000":1,"data":"x"}', "request_id is missing"],
  ["an id in a __proto__", `{"__proto__":${GOOD}}`, "request_id is missing"],
];

const badIds: [name: string, id: string, says: string][] = [
  ["an empty id", '""', "got 0"],
  ["an id of 257 units", `"${"x".repeat(257)}"`, "257"],
  ["an id of 129 characters, 258 units", `"${"😀".repeat(129)}"`, "258"],
  ["an id that is a fraction", "1.5", "integer"],
  ["an id of 2^53", "9007199254740992", "integer"],
  ["an id of −2^53", "-9007199254740992", "integer"],
  ["an id of 400 digits", "7".repeat(400), "integer"],
  ["an id beyond numbers", "1e999", "integer"],
  ["an id that is null", "null", "got null"],
  ["an id that is true", "true", "got a boolean"],
  ["an id that is an array", "[1]", "got an array"],
  ["an id that is an object", "{}", "got an object"],
  ["an id that is 100,000 objects", nested(DEEP), "got an object"],
  ["ids twice, the last of which is none", '1,"request_id":null', "got null"],
];

/** Their id can be read, so the error has it. */
const badData: [name: string, members: string, says: string][] = [
  ["no data", "", "data is missing"],
  ["data that is null", ',"data":null', "got null"],
  ["data that is a number", ',"data":1', "got a number"],
  ["data that is an array", ',"data":["x"]', "got an array"],
  ["data that is an object", ',"data":{"A":{}}', "got an object"],
  ["data that is 100,000 arrays", `,"data":${"[".repeat(DEEP)}${"]".repeat(DEEP)}`, "got an array"],
  ["data in a __proto__", ',"__proto__":{"data":"x"}', "data is missing"],
  ["data twice, the last of which is none", ',"data":"x","data":7', "got a number"],
  ["cancel that is false", ',"cancel":false', "data is missing"],
  ["cancel that is a string", ',"cancel":"true"', "data is missing"],
  ["cancel that is a number", ',"cancel":1', "data is missing"],
];

/** Frames that must be refused. */
export const BROKEN_FRAMES: readonly BrokenFrame[] = [
  ...notJson.map(([name, text]): BrokenFrame => {
    return { name, text, id: null, code: "invalid_json", says: "the frame is not JSON" };
  }),
  ...noPackets.map(([name, text, says]): BrokenFrame => {
    return { name, text, id: null, code: "invalid_packet", says };
  }),
  ...badIds.map(([name, id, says]): BrokenFrame => {
    const text = `{"request_id":${id},"data":"x"}`;
    return { name, text, id: null, code: "invalid_packet", says };
  }),
  ...["a", 0, -7].flatMap((id) =>
    badData.map(([name, members, says]): BrokenFrame => {
      const text = `{"request_id":${JSON.stringify(id)}${members}}`;
      return { name: `${name}, id ${id}`, text, id, code: "invalid_packet", says };
    })
  ),
];

/** Bytes that are not UTF-8, in a binary frame or a POST, which must be refused as `invalid_json`. */
export const BROKEN_BYTES: readonly (readonly [name: string, bytes: number[]])[] = [
  ["a byte that begins nothing", [0xff]],
  ["a byte that only goes on", [0x80]],
  ["a sequence broken off", [0xe2, 0x82]],
  ["a NUL of two bytes", [0xc0, 0x80]],
  ["a quote of three bytes", [0xe0, 0x80, 0xa2]],
  ["half of a surrogate pair", [0xed, 0xa0, 0x80]],
  ["a surrogate pair, each half for itself", [0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80]],
  ["a character past the last", [0xf4, 0x90, 0x80, 0x80]],
  ["Latin-1", [0xe9]],
  ["UTF-16 with its mark", [0xff, 0xfe, 0x78, 0x00]],
].map(([name, bytes]) => [name as string, [0x22, ...bytes as number[], 0x22]]);

/** Frames that look broken, but must be answered. */
export const ODD_FRAMES: readonly (readonly [name: string, text: string])[] = [
  ["keys twice: the last counts", '{"request_id":1,"data":"x","request_id":2,"data":"a&&b&&c"}'],
  ["a key with escapes", '{"request\\u005fid":1,"d\\u0061ta":"a&&b&&c"}'],
  ["separators with escapes", '{"request_id":1,"data":"A\\u0026\\u0026b&&\\"\\/\\n"}'],
  ["an escaped NUL", '{"request_id":"\\u0000","data":"\\u0000&&b&&\\u0000"}'],
  ["an escaped byte order mark", '{"request_id":"\\ufeff","data":"\\ufeff&&b&&c"}'],
  ["escaped halves of pairs", '{"request_id":"\\ud800","data":"a&&\\udc00&&\\ud800"}'],
  ["halves of pairs the wrong way round", '{"request_id":1,"data":"a&&b&&\\udc00\\ud800"}'],
  ["a line separator in a string", '{"request_id":1,"data":"a&&\u2028&&\u2029"}'],
  ["names that objects have", '{"request_id":"__proto__","data":"__proto__&&toString&&x"}'],
  ["an id of -0", '{"request_id":-0,"data":"a&&b&&c"}'],
  ["an id of 1e3", '{"request_id":1e3,"data":"a&&b&&c"}'],
  ["an id of 1e-999", '{"request_id":1e-999,"data":"a&&b&&c"}'],
  ["a number beyond numbers beside it", '{"more":1e999,"request_id":1,"data":"a&&b&&c"}'],
  ["100,000 digits beside it", `{"more":${"7".repeat(DEEP)},"request_id":1,"data":"a&&b&&c"}`],
  ["100,000 objects beside it", `{"request_id":1,"data":"a&&b&&c","more":${nested(DEEP)}}`],
  ["10,000 members beside it", `{"request_id":1,"data":"a&&b&&c"${',"more":[]'.repeat(10_000)}}`],
  ["a lot of space", `${" \n\t\r".repeat(20_000)}{"request_id":1,"data":"a&&b&&c"}`],
  ["100,000 separators", `{"request_id":1,"data":"${"&&".repeat(DEEP)}"}`],
  ["100,000 entities", `{"request_id":1,"data":"${"a&&b&&c%%".repeat(DEEP)}"}`],
];

function nested(depth: number): string {
  return `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`;
}
