/**
 * What somebody typed, as packets to be sent.
 *
 * @module
 */

import { decodeFrame, encodeRequest, MAX_ID_LENGTH, type RequestId } from "../protocol.ts";
import { splitTopLevel } from "../protocol/json_text.ts";

/** Something to be sent. */
export interface Draft {
  readonly kind: "request" | "cancel" | "broken";
  /** What names it; null where nothing does, as in a packet that is broken. */
  readonly id: RequestId | null;
  /** What is to be converted; of a packet that is broken, its text. */
  readonly data: string;
  /** The text that goes out. */
  readonly text: string;
}

/**
 * Reads what was typed: one packet a line, or JSON over several. A line that begins with `{` or `[` is a
 * frame, which goes out even if it is none; any other is the data of a packet.
 *
 * @param freeId makes an id up for what has none.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { readDrafts } from "./drafts.ts";
 *
 * const drafts = readDrafts('{"request_id":7,"data":"a&&b&&c"}\nd&&e&&f', () => "1");
 * assertEquals(drafts.map(({ id, data }) => [id, data]), [[7, "a&&b&&c"], ["1", "d&&e&&f"]]);
 * ```
 */
export function readDrafts(typed: string, freeId: () => RequestId): Draft[] {
  const whole = typed.trim();
  if (isFrame(whole) && isJson(whole)) return readFrame(whole);
  return typed.split(/\r?\n/).filter((line) => line.trim() !== "").flatMap((line) =>
    isFrame(line.trim()) ? readFrame(line.trim()) : [requestOf(freeId(), line)]
  );
}

/**
 * As many drafts as are wanted, by turns. Each request gets an id of its own, so that they can be in
 * flight together.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { readDrafts, repeatDrafts } from "./drafts.ts";
 *
 * let n = 0;
 * const drafts = readDrafts('{"request_id":"01","data":"a&&b&&c"}', () => "");
 * assertEquals(repeatDrafts(drafts, 3, () => ++n).map(({ id }) => id), ["01-1", "01-2", "01-3"]);
 * ```
 */
export function repeatDrafts(
  drafts: readonly Draft[],
  count: number,
  nextNumber: () => number,
): Draft[] {
  return Array.from({ length: drafts.length === 0 ? 0 : count }, (_, i) => {
    const draft = drafts[i % drafts.length]!;
    if (draft.kind !== "request") return draft;
    const number = `-${nextNumber()}`;
    return requestOf(`${draft.id}`.slice(0, MAX_ID_LENGTH - number.length) + number, draft.data);
  });
}

function requestOf(id: RequestId, data: string): Draft {
  return { kind: "request", id, data, text: encodeRequest(id, data) };
}

function isFrame(text: string): boolean {
  return text.startsWith("{") || text.startsWith("[");
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** What the protocol says that a frame holds; a frame that it refuses as a whole stays whole. */
function readFrame(frame: string): Draft[] {
  const packets = decodeFrame(frame);
  const texts = frame.startsWith("[") && isJson(frame) ? splitTopLevel(frame) : [frame];
  if (packets.length !== texts.length) {
    return [{ kind: "broken", id: null, data: frame, text: frame }];
  }
  return packets.map((packet, i): Draft => {
    const id = packet.request_id;
    const text = texts[i]!;
    if ("error" in packet) return { kind: "broken", id, data: text, text };
    if ("cancel" in packet) return { kind: "cancel", id, data: "", text };
    return { kind: "request", id, data: packet.data, text };
  });
}
