/**
 * Recordings: NDJSON with a line for each frame, and for the start and end of each connection. The
 * schema of a line is {@link file://./../docs/recording.schema.json}.
 *
 * @module
 */

import type { Tap } from "./tap.ts";
import { SUBPROTOCOL } from "../protocol.ts";
import { parseJson } from "../protocol/parse_json.ts";

/** A line of a recording. */
export interface Recorded {
  /** Time since the start of the recording, in seconds. Readers must check its range. */
  readonly time: number;
  /** The number of the connection, from 1. */
  readonly connection: number;
  /** The connection opened, a frame came in or went out, or the connection closed. */
  readonly event: "open" | "in" | "out" | "close";
  /** The subprotocol of a connection that opened; empty in plain mode. */
  readonly protocol?: string;
  readonly frame?: string;
  /** The bytes of a binary frame that is not UTF-8. */
  readonly base64?: string;
}

/** The largest time in a recording, in seconds: a leap year. */
export const MAX_TIME: number = 366 * 24 * 3600;

const EVENTS: readonly unknown[] = ["open", "in", "out", "close"];

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Returns a tap that records frames.
 *
 * @param write called with each line, without its line break.
 * @param now returns the time, in milliseconds.
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
    return `,"base64":"${frame.toBase64()}"`;
  }
}

/** Parses a line of a recording; returns undefined if it is not valid. */
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
