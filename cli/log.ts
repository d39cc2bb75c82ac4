/**
 * The log of a server or worker: its events as lines for people or for machines.
 *
 * @module
 */

import { FAULT_KINDS, isTransportFault } from "../session/fault_policy.ts";
import type { Drained, FaultKind, Server, ServerEvents } from "../server.ts";
import type { WorkerEvents } from "../cluster/threads/worker_group.ts";
import { escapeControls } from "./terminal/escape.ts";
import { formatCount, plural } from "./figures.ts";
import type { BufferedWriter } from "./buffered_writer.ts";
import { RateLimitedLog } from "./rate_limited_log.ts";

/** Format of the lines: a sentence, or a JSON object. */
export type LogFormat = "text" | "json";

type Level = "info" | "warning" | "error";

/** Members of an event as a JSON object. */
type Members = Readonly<Record<string, unknown>>;

/** What an injected fault does to its request. */
const EFFECTS: Readonly<Record<FaultKind, string>> = {
  drop: "not answered",
  error: "answered with an error",
  duplicate: "answered twice",
  late: "answered late",
  garbage: "answered with garbage",
  disconnect: "disconnected",
  stall: "left without another answer",
  drip: "answered byte by byte",
  split: "answered in fragments",
  badframe: "answered with a broken frame",
};

/** Faults after which the client has no answer that it can read. */
const UNANSWERED: readonly FaultKind[] = [
  "drop",
  "garbage",
  "disconnect",
  "stall",
  "badframe",
];

/** A log of what happens to requests and connections, and of the server's own steps. */
export interface ServerLog extends WorkerEvents, Disposable {
  listening(url: string): void;
  /** Anyone who can reach the server may use it. */
  exposed(): void;
  /** The certificate was reloaded, or could not be. */
  renewed(failure?: string): void;
  /** The connection to NATS was lost, or is back. */
  natsStatus(nats: string, isConnected: boolean): void;
  /** A worker waits for requests. */
  working(nats: string): void;
  draining(inFlight: number): void;
  /** Logs how all requests of the server have ended. */
  drained(result: Drained, server: Pick<Server, "answered" | "faults">): void;
  /** Logs the number of injected faults of each kind, if the server injects any. */
  faults(counts: Server["faults"]): void;
}

/**
 * Starts a log on `output`. Events of connections are logged at most once a second each, with the
 * number of events left out.
 *
 * @param quiet leaves out the line of each request.
 */
export function startLog(output: BufferedWriter, format: LogFormat, quiet: boolean): ServerLog {
  const write = (level: Level, event: string, message: string, members: Members = {}) => {
    const line = format === "json"
      ? JSON.stringify({ time: new Date().toISOString(), level, event, ...members, message })
      : `${prefixOf(members)}${message}`;
    output.write(escapeControls(line) + "\n");
  };
  const limited = (event: string) =>
    new RateLimitedLog<{ message: string; members: Members }>(({ message, members }, others) => {
      if (others === 0) write("warning", event, message, members);
      else write("warning", event, `${message} (and ${others} more)`, { ...members, others });
    });
  const rejected = limited("rejected");
  const evicted = limited("evicted");
  const abandoned = limited("abandoned");
  const requests: ServerEvents = {
    accepted(id, delay) {
      const seconds = delay / 1000;
      write("info", "accepted", `Timeout ${seconds.toFixed(1)} seconds for this one.`, {
        request_id: JSON.parse(id),
        delay: seconds,
      });
    },
    refused(id, { code, message: reason }) {
      const request_id = JSON.parse(id);
      write("warning", "refused", `${code}: ${reason}`, { request_id, code, reason });
    },
    faulted(id, kind) {
      const request_id = JSON.parse(id);
      write("warning", "fault", `injected fault: ${EFFECTS[kind]}`, { request_id, kind });
    },
  };
  return {
    ...(quiet ? {} : requests),
    failed(id, thrown) {
      const error = thrown instanceof Error ? thrown.stack ?? thrown.message : String(thrown);
      const request_id = JSON.parse(id);
      write("error", "failed", `internal error: ${error}`, { request_id, error });
    },
    rejected(address, reason) {
      const message = `Rejected a client at ${address}: ${reason}`;
      rejected.add({ message, members: { address, reason } });
    },
    evicted(address, code, reason, dropped) {
      const message =
        `Closed a connection from ${address} with ${code}: ${reason}; ${dropped} in flight`;
      evicted.add({ message, members: { address, code, reason, dropped } });
    },
    abandoned(address, count) {
      const message = `An upgrade from ${address} never opened; ${count} so far`;
      abandoned.add({ message, members: { address, count } });
    },
    workerEnded(worker, reason, wait) {
      const seconds = wait / 1000;
      const message = `Worker ${worker} ended: ${reason}; restarting in ${seconds} s`;
      write("error", "worker_ended", message, { worker, reason, wait: seconds });
    },
    workerReplaced: (worker) =>
      write("info", "worker_replaced", `Worker ${worker} is listening again`, { worker }),
    listening: (url) => write("info", "listening", `Listening on ${url}`, { url }),
    exposed: () =>
      write(
        "warning",
        "exposed",
        "Anyone who can reach this server may use it; --token-file requires a token",
      ),
    renewed(reason) {
      if (reason === undefined) write("info", "renewed", "Reloaded the certificate");
      else write("error", "not_renewed", `Keeping the old certificate: ${reason}`, { reason });
    },
    natsStatus(nats, isConnected) {
      if (isConnected) write("info", "connected", `Reconnected to ${nats}`, { nats });
      else {write("warning", "disconnected", `Lost the connection to ${nats}; reconnecting`, {
          nats,
        });}
    },
    working: (nats) => write("info", "working", `Working for ${nats}`, { nats }),
    draining: (in_flight) =>
      write("info", "draining", `Draining: ${in_flight} in flight`, { in_flight }),
    drained({ dropped, cut, disconnected }, { answered, faults }) {
      const on_purpose = UNANSWERED.reduce((sum, kind) => sum + (faults?.[kind] ?? 0), 0);
      const connections = plural(disconnected, "its connection", "their connections");
      const losses = ([
        [on_purpose, "left unanswered by injected faults"],
        [disconnected, `dropped with ${connections}`],
        [dropped, "not answered in time"],
        [cut, `${plural(cut, "connection")} cut`],
      ] as const).filter(([count]) => count > 0);
      const ends = losses.map(([count, what]) => `, ${formatCount(count)} ${what}`).join("");
      const message = ends === "" ? "all answered" : `${formatCount(answered)} answered${ends}`;
      const level = dropped > 0 || cut > 0 ? "warning" : "info";
      const counts = { answered, on_purpose, disconnected, dropped, cut };
      write(level, "drained", `Drained: ${message}`, counts);
    },
    faults(counts) {
      if (counts === undefined) return;
      const kinds = FAULT_KINDS.filter((kind) => counts[kind] > 0 || !isTransportFault(kind));
      const effects = kinds.map((kind) => `${counts[kind]} ${EFFECTS[kind]}`).join(", ");
      write("info", "faults", `Injected faults: ${effects}`, { ...counts });
    },
    [Symbol.dispose]() {
      for (const log of [rejected, evicted, abandoned]) log[Symbol.dispose]();
    },
  };
}

/** Returns how a sentence about a request begins. */
function prefixOf({ request_id = null }: Members): string {
  return request_id === null ? "" : `${request_id}: `;
}
