/**
 * Turns typed text into packets.
 *
 * @module
 */

import { decodeFrame, encodeRequest, MAX_ID_LENGTH, type RequestId } from "../protocol.ts";
import { splitTopLevel } from "../protocol/json_text.ts";

/** A packet to send. */
export interface Draft {
  readonly kind: "request" | "cancel" | "broken";
  /** The id; null if there is none, as in a broken packet. */
  readonly id: RequestId | null;
  /** The data to convert; of a broken packet, its text. */
  readonly data: string;
  /** The text to send. */
  readonly text: string;
}

/**
 * Reads typed text: one packet per line, or JSON over several lines. A line that begins with `{` or
 * `[` is sent as a frame, valid or not; any other line is data, which gets an id from `freeId`.
 */
export function readDrafts(typed: string, freeId: () => RequestId): Draft[] {
  const whole = typed.trim();
  if (isFrame(whole) && isJson(whole)) return readFrame(whole);
  return typed.split(/\r?\n/).filter((line) => line.trim() !== "").flatMap((line) =>
    isFrame(line.trim()) ? readFrame(line.trim()) : [requestOf(freeId(), line)]
  );
}

/** Repeats drafts in turn up to a count. Each request gets its own id. */
export function repeatDrafts(
  drafts: readonly Draft[],
  count: number,
  nextNumber: () => number,
): Draft[] {
  return Array.from({ length: drafts.length === 0 ? 0 : count }, (_, i) => {
    const draft = drafts[i % drafts.length]!;
    if (draft.kind !== "request") return draft;
    return requestOf(numbered(draft.id, nextNumber()), draft.data);
  });
}

/** Gives new ids to requests whose ids are taken. Those that share an id still do. */
export function avoidTakenIds(
  drafts: readonly Draft[],
  isTaken: (id: RequestId) => boolean,
  nextNumber: () => number,
): Draft[] {
  const renamed = new Map<RequestId | null, string>();
  return drafts.map((draft) => {
    const { kind, id, data } = draft;
    if (kind !== "request" || id === null || !isTaken(id)) return draft;
    let free = renamed.get(id);
    while (free === undefined || isTaken(free)) free = numbered(id, nextNumber());
    renamed.set(id, free);
    return requestOf(free, data);
  });
}

function numbered(id: RequestId | null, n: number): string {
  const number = `-${n}`;
  return `${id}`.slice(0, MAX_ID_LENGTH - number.length) + number;
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

/** Reads the packets of a frame; a frame that is invalid as a whole is one broken packet. */
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
