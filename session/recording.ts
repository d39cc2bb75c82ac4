/**
 * Recordings: NDJSON, a line for each frame and for the beginning and end of each connection. What a line
 * holds is published in {@link file://./../docs/recording.schema.json}.
 *
 * @module
 */

import type { Tap } from "./tap.ts";
import { SUBPROTOCOL } from "../protocol.ts";
import { parseJson } from "../protocol/parse_json.ts";

/** A line of a recording. */
export interface Recorded {
  /** When, in seconds since the recording began. The reader checks its range. */
  readonly time: number;
  /** On which connection; they are counted from 1. */
  readonly connection: number;
  /** Whether it began, a frame came in or went out, or it ended. */
  readonly event: "open" | "in" | "out" | "close";
  /** The subprotocol of a connection that begins; empty for plain mode. */
  readonly protocol?: string;
  /** The text of a frame. */
  readonly frame?: string;
  /** The bytes of a frame that is not UTF-8. */
  readonly base64?: string;
}

/** Longest time that a recording may hold, in seconds: a leap year. */
export const MAX_TIME: number = 366 * 24 * 3600;

const EVENTS: readonly unknown[] = ["open", "in", "out", "close"];

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Records what it listens in on.
 *
 * @param write takes each line, without its end.
 * @param now the time, in milliseconds.
 */
export function recordTo(
  write: (line: string) => void,
  now: () => number = () => performance.now(),
): Tap {
  const startedAt = now();
  const record = (connection: number, event: Recorded["event"], more = "") => {
    const time = Math.round((now() - startedAt) * 1000) / 1e6;
    write(`{"time":${time},"connection":${connection},"event":"${event}"${more}}`);
  };
  return {
    opened: (connection, batched) =>
      record(connection, "open", `,"protocol":"${batched ? SUBPROTOCOL : ""}"`),
    received: (connection, frame) => record(connection, "in", memberOf(frame)),
    sent: (connection, frame) => record(connection, "out", memberOf(frame)),
    closed: (connection) => record(connection, "close"),
  };
}

function memberOf(frame: string | Uint8Array): string {
  if (typeof frame === "string") return `,"frame":${JSON.stringify(frame)}`;
  try {
    return `,"frame":${JSON.stringify(decoder.decode(frame))}`;
  } catch {
    return `,"base64":"${base64Of(frame)}"`;
  }
}

function base64Of(bytes: Uint8Array): string {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

/**
 * Reads a line of a recording; undefined if it is none.
 */
export function readRecorded(line: string): Recorded | undefined {
  let value: unknown;
  try {
    value = parseJson(line);
  } catch {
    return undefined;
  }
  const { time, connection, event, frame } = Object(value);
  const isRecorded = typeof time === "number" && Number.isSafeInteger(connection) &&
    EVENTS.includes(event) && (frame === undefined || typeof frame === "string");
  return isRecorded ? value as Recorded : undefined;
}
