/**
 * The server's log: what happens to requests, as lines for people or for machines.
 *
 * @module
 */

import { configure, dispose, getLogger, type LogRecord } from "@logtape/logtape";
import type { Events } from "../server.ts";
import { escapeControls } from "./escape.ts";
import type { Output } from "./output.ts";

/** What a line looks like: a sentence, or a JSON object. */
export type LogFormat = "text" | "json";

const CATEGORY = "asyncpkt";

/** What is logged: the events of a server, and those of its life. */
export interface Log extends Events {
  listening(url: string): void;
  /** Anybody who reaches the server may use it. */
  exposed(): void;
  /** The certificate was read again, or why it is still the old one. */
  renewed(failure?: string): void;
  draining(inFlight: number): void;
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
    exposed: () =>
      log.warn("Beyond this machine, anybody may use it: there is no --token-file", {
        event: "exposed",
      }),
    renewed: (failure) =>
      failure === undefined
        ? log.info("The certificate was read again", { event: "renewed" })
        : log.error("Keeping the old certificate: {reason}", {
          event: "not_renewed",
          reason: failure,
        }),
    draining: (inFlight) =>
      log.info("Draining: {inFlight} in flight", { event: "draining", inFlight }),
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
  const { seconds: _shown, ...fields } = properties;
  return escapeControls(
    JSON.stringify({ time, level, ...fields, message: message.join("") }),
  ) + "\n";
}
