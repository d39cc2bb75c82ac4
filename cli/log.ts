/**
 * The server's log: what happens to requests, as lines for people or for machines.
 *
 * @module
 */

import { configure, dispose, getLogger, type LogRecord } from "@logtape/logtape";
import { FAULT_KINDS } from "../session/fault_policy.ts";
import type { Drained, FaultKind, Server, ServerEvents } from "../server.ts";
import type { WorkerEvents } from "../cluster/threads/worker_group.ts";
import { escapeControls } from "./terminal/escape.ts";
import { formatCount, plural } from "./figures.ts";
import type { BufferedWriter } from "./buffered_writer.ts";
import { RateLimitedLog } from "./rate_limited_log.ts";

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

/** The faults after which a request has no answer that its client could read. */
const UNANSWERED: readonly FaultKind[] = ["drop", "garbage", "disconnect"];

/** The log of a server: what happens to requests and connections, and the server's own steps. */
export interface ServerLog extends WorkerEvents, Disposable {
  listening(url: string): void;
  /** Anybody who reaches the server may use it. */
  exposed(): void;
  /** The certificate was read again, or why it is still the old one. */
  renewed(failure?: string): void;
  /** The connection to NATS was lost, or is back. */
  reached(nats: string, isConnected: boolean): void;
  /** A worker waits for requests. */
  working(nats: string): void;
  draining(inFlight: number): void;
  /** Logs how the requests of the server's whole life have ended. */
  drained(result: Drained, server: Pick<Server, "answered" | "faults">): void;
  /** Says how often each kind of trouble was made, if any was to be. */
  faults(counts: Server["faults"]): void;
}

/**
 * Starts logging to `output`; returns what logs the events of a server. What happens to connections is
 * logged once a second at most, with how often it did.
 *
 * @param quiet leaves out the line of each request.
 */
export async function startLog(
  output: BufferedWriter,
  format: LogFormat,
  quiet: boolean,
): Promise<ServerLog> {
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
  const rejected = new RateLimitedLog<{ address: string; reason: string }>((event, others) =>
    log.warn("Turned {address} away: {reason}{more}", {
      event: "rejected",
      ...event,
      ...andMore(others),
    })
  );
  const evicted = new RateLimitedLog<
    { address: string; code: number; reason: string; dropped: number }
  >((event, others) =>
    log.warn("Closed a connection of {address} with {code}: {reason}; {dropped} in flight{more}", {
      event: "evicted",
      ...event,
      ...andMore(others),
    })
  );
  const abandoned = new RateLimitedLog<{ address: string; count: number }>((event, others) =>
    log.warn("An upgrade of {address} never opened, {count} so far{more}", {
      event: "abandoned",
      ...event,
      ...andMore(others),
    })
  );
  const events: ServerEvents = {
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
    rejected: (address, reason) => rejected.tell({ address, reason }),
    evicted: (address, code, reason, dropped) => evicted.tell({ address, code, reason, dropped }),
    abandoned: (address, count) => abandoned.tell({ address, count }),
    workerEnded: (worker, reason, wait) =>
      log.error("Worker {worker} has ended: {reason}; another starts in {wait} s", {
        event: "worker_ended",
        worker,
        reason,
        wait: wait / 1000,
      }),
    workerReplaced: (worker) =>
      log.info("Worker {worker} listens again", { event: "worker_replaced", worker }),
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
    reached: (nats, isConnected) =>
      isConnected
        ? log.info("Connected to {nats} again", { event: "connected", nats })
        : log.warn("Lost the connection to {nats}; connecting again", {
          event: "disconnected",
          nats,
        }),
    working: (nats) => log.info("Working for {nats}", { event: "working", nats }),
    draining: (inFlight) =>
      log.info("Draining: {in_flight} in flight", { event: "draining", in_flight: inFlight }),
    drained({ dropped, cut, disconnected }, { answered, faults }) {
      const on_purpose = UNANSWERED.reduce((sum, kind) => sum + (faults?.[kind] ?? 0), 0);
      const shortfalls = [
        [on_purpose, "left unanswered on purpose"],
        [
          disconnected,
          `dropped with ${plural(disconnected, "its connection", "their connections")}`,
        ],
        [dropped, "not answered in time"],
        [cut, `${plural(cut, "connection")} cut`],
      ] as const;
      const told = shortfalls.filter(([count]) => count > 0)
        .map(([count, what]) => `, ${formatCount(count)} ${what}`);
      const ends = told.length === 0
        ? "all answered"
        : `${formatCount(answered)} answered in all${told.join("")}`;
      const level = dropped > 0 || cut > 0 ? "warn" : "info";
      const counts = { answered, on_purpose, disconnected, dropped, cut };
      log[level]("Drained: {ends}", { event: "drained", ...counts, ends });
    },
    faults(counts) {
      if (counts === undefined) return;
      const deeds = FAULT_KINDS.map((kind) => `${counts[kind]} ${DEEDS[kind]}`).join(", ");
      log.info("On purpose: {deeds}", { event: "faults", deeds, ...counts });
    },
    [Symbol.dispose]() {
      for (const seldom of [rejected, evicted, abandoned]) seldom[Symbol.dispose]();
    },
  };
}

/** Ends logging; what was logged is complete once the output is flushed. */
export async function endLog(): Promise<void> {
  await dispose();
}

/** The fields of an event that stands for others as well. */
function andMore(others: number): { others?: number; more: string } {
  return others === 0 ? { more: "" } : { others, more: ` (and ${others} more)` };
}

function textLine({ message, properties }: LogRecord): string {
  const { request_id } = properties;
  const about = request_id === undefined || request_id === null ? "" : `${request_id}: `;
  return escapeControls(about + message.join("")) + "\n";
}

function jsonLine({ timestamp, level, message, properties }: LogRecord): string {
  const time = new Date(timestamp).toISOString();
  const { seconds: _1, more: _2, deed: _3, deeds: _4, ends: _5, ...fields } = properties;
  return escapeControls(
    JSON.stringify({ time, level, ...fields, message: message.join("") }),
  ) + "\n";
}
