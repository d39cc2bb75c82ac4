/**
 * The server's log: what happens to requests, as lines for people or for machines.
 *
 * @module
 */

import { configure, dispose, getLogger, type LogRecord } from "@logtape/logtape";
import { FAULT_KINDS } from "../fault/policy.ts";
import type { Events, FaultKind, Server } from "../server.ts";
import { escapeControls } from "./escape.ts";
import type { Output } from "./output.ts";

/** What a line looks like: a sentence, or a JSON object. */
export type LogFormat = "text" | "json";

const CATEGORY = "asyncpkt";

/** What was done on purpose. */
const DEEDS: Readonly<Record<FaultKind, string>> = {
  drop: "not answered",
  error: "answered with an error",
  duplicate: "answered twice",
  late: "answered late",
  garbage: "answered with garbage",
  disconnect: "disconnected",
};

/** What logs the events of a server, and its beginning and end. */
export interface Log extends Events {
  listening(url: string): void;
  draining(inFlight: number): void;
  /** Says how often each kind of trouble was made, if any was to be. */
  faults(counts: Server["faults"]): void;
}

/**
 * Starts logging to `output`; returns what logs the events of a server, and says `listening`.
 *
 * @param quiet leaves out the line of each request.
 */
export async function startLog(
  output: Output,
  format: LogFormat,
  quiet: boolean,
): Promise<Log> {
  const line = format === "json" ? jsonLine : textLine;
  await configure({
    reset: true,
    sinks: { output: (record) => output.write(line(record)) },
    loggers: [
      { category: CATEGORY, lowestLevel: "info", sinks: ["output"] },
      { category: ["logtape", "meta"], lowestLevel: "error", sinks: ["output"] },
    ],
  });
  const log = getLogger(CATEGORY);
  const events: Events = {
    accepted: (id, delay) =>
      log.info("Timeout {seconds} seconds for this one.", {
        event: "accepted",
        request_id: JSON.parse(id),
        seconds: (delay / 1000).toFixed(1),
        delay: delay / 1000,
      }),
    refused: (id, { code, message }) =>
      log.warn("{code}: {reason}", {
        event: "refused",
        request_id: JSON.parse(id),
        code,
        reason: message,
      }),
    faulted: (id, kind) =>
      log.warn("{deed}, on purpose", {
        event: "fault",
        request_id: JSON.parse(id),
        kind,
        deed: DEEDS[kind],
      }),
  };
  return {
    ...(quiet ? {} : events),
    failed: (id, error) =>
      log.error("a fault of the server's own: {error}", {
        event: "failed",
        request_id: JSON.parse(id),
        error: error instanceof Error ? error.stack ?? error.message : String(error),
      }),
    listening: (url) => log.info("Listening on {url}", { event: "listening", url }),
    draining: (inFlight) =>
      log.info("Draining: {inFlight} in flight", { event: "draining", inFlight }),
    faults: (counts) => {
      if (counts === undefined) return;
      const deeds = FAULT_KINDS.map((kind) => `${counts[kind]} ${DEEDS[kind]}`).join(", ");
      log.info("On purpose: {deeds}", { event: "faults", deeds, ...counts });
    },
  };
}

/** Ends logging; what was logged is complete once the output is flushed. */
export async function endLog(): Promise<void> {
  await dispose();
}

function textLine({ message, properties }: LogRecord): string {
  const { request_id } = properties;
  const about = request_id === undefined || request_id === null ? "" : `${request_id}: `;
  return escapeControls(about + message.join("")) + "\n";
}

function jsonLine({ timestamp, level, message, properties }: LogRecord): string {
  const time = new Date(timestamp).toISOString();
  const { seconds: _seconds, deed: _deed, deeds: _deeds, ...fields } = properties;
  return escapeControls(
    JSON.stringify({ time, level, ...fields, message: message.join("") }),
  ) + "\n";
}
