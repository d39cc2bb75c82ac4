/**
 * The log of a server or worker: its events as lines for people or for machines, and a status line.
 *
 * @module
 */

import { FAULT_KINDS, isTransportFault } from "../session/faults.ts";
import type { Drained, FaultKind, RunningServer, ServerEvents } from "../server.ts";
import type { WorkerEvents } from "../cluster/threads/worker_group.ts";
import { counted, formatCount, plural } from "./figures.ts";
import type { BufferedWriter } from "./buffered_writer.ts";

/** Format of the lines: a sentence, or a JSON object. */
export type LogFormat = "text" | "json";

type Level = "info" | "warning" | "error";

/** Requests that have a line each: when they are accepted, when they are answered, or both. */
export type LoggedRequests = "accepted" | "answered" | "both";

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
  reset: "reset with their connections",
};

/** Faults after which the client has no answer that it can read. */
const UNANSWERED = ["drop", "garbage", "disconnect", "stall", "badframe", "reset"] as const;

/** Shortest time between two logged events that clients cause, in milliseconds. */
const INTERVAL = 1000;

/** Longest period over which the rate of answers is measured, in milliseconds. */
const WINDOW = 1000;

/** A log of what happens to requests and connections, and of the server's own steps. */
export type ServerLog = ReturnType<typeof startLog>;

/**
 * Starts a log on `output`. Events of connections are logged at most once a second each, with the
 * number of events left out.
 *
 * @param logged `none` leaves out the lines of requests, also of those that fail.
 */
export function startLog(
  output: BufferedWriter,
  format: LogFormat,
  logged: LoggedRequests | "none",
) {
  const write = (level: Level, event: string, message: string, members: Members = {}) => {
    const { request_id = null } = members;
    const line = format === "json"
      ? JSON.stringify({ time: new Date().toISOString(), level, event, ...members, message })
      : request_id === null
      ? message
      : `${request_id}: ${message}`;
    output.writeEscaped(line);
  };
  const limited = (event: string) =>
    rateLimited<[message: string, members: Members]>(([message, members], others) => {
      if (others === 0) write("warning", event, message, members);
      else write("warning", event, `${message} (and ${others} more)`, { ...members, others });
    });
  const rejected = limited("rejected");
  const evicted = limited("evicted");
  const abandoned = limited("abandoned");
  const accepted: ServerEvents = {
    accepted(id, milliseconds) {
      const delay = milliseconds / 1000;
      const message = `Timeout ${delay.toFixed(1)} seconds for this one.`;
      write("info", "accepted", message, { request_id: JSON.parse(id), delay });
    },
    held(id, forever) {
      const message = forever ? "Never answered." : "Held until it is released.";
      write("info", "held", message, { request_id: JSON.parse(id), forever });
    },
  };
  const answered: ServerEvents = {
    answered(id, milliseconds) {
      const elapsed = Math.round(milliseconds) / 1000;
      const message = `Answered after ${elapsed.toFixed(1)} seconds.`;
      write("info", "answered", message, { request_id: JSON.parse(id), elapsed });
    },
  };
  const failed: ServerEvents = {
    refused(id, { code, message: reason }) {
      const request_id = JSON.parse(id);
      write("warning", "refused", `${code}: ${reason}`, { request_id, code, reason });
    },
    faulted(id, kind) {
      const request_id = JSON.parse(id);
      write("warning", "fault", `injected fault: ${EFFECTS[kind]}`, { request_id, kind });
    },
  };
  const events: WorkerEvents = {
    // An event without a listener costs the server nothing.
    ...logged === "accepted" || logged === "both" ? accepted : {},
    ...logged === "answered" || logged === "both" ? answered : {},
    ...logged === "none" ? {} : failed,
    failed(id, thrown) {
      const error = thrown instanceof Error ? thrown.stack ?? thrown.message : String(thrown);
      const request_id = JSON.parse(id);
      write("error", "failed", `internal error: ${error}`, { request_id, error });
    },
    rejected: (address, reason) =>
      rejected.add([`Rejected a client at ${address}: ${reason}`, { address, reason }]),
    evicted(address, code, reason, dropped) {
      const cause = `${code}: ${reason}; ${dropped} in flight`;
      const message = `Closed a connection from ${address} with ${cause}`;
      evicted.add([message, { address, code, reason, dropped }]);
    },
    abandoned(address, count) {
      const message = `An upgrade from ${address} never opened; ${count} so far`;
      abandoned.add([message, { address, count }]);
    },
    workerEnded(worker, reason, milliseconds) {
      const wait = milliseconds / 1000;
      const message = `Worker ${worker} ended: ${reason}; restarting in ${wait} s`;
      write("error", "worker_ended", message, { worker, reason, wait });
    },
    workerReplaced: (worker) =>
      write("info", "worker_replaced", `Worker ${worker} is listening again`, { worker }),
  };
  return {
    ...events,
    /** @param pages the URLs of the console and of the control API, if they are served. */
    listening(url: string, pages: { console?: string | undefined; control?: string | undefined }) {
      const { console, control } = pages;
      write("info", "listening", `Listening on ${url}`, { url, console, control });
      if (format === "json") return;
      if (console !== undefined) output.writeEscaped(`Console: ${console}`);
      if (control !== undefined) output.writeEscaped(`Control API: ${control}`);
    },
    /** Anyone who can reach the server may use it, and steer it if it serves the control API. */
    exposed(control: boolean) {
      const use = control ? "use and steer it" : "use it";
      const message = `Anyone who can reach this server may ${use}; --token-file requires a token`;
      write("warning", "exposed", message);
    },
    /** The certificate was reloaded, or could not be for a reason. */
    renewed(reason?: string) {
      if (reason === undefined) write("info", "renewed", "Reloaded the certificate");
      else write("error", "not_renewed", `Keeping the old certificate: ${reason}`, { reason });
    },
    /** The rules were reloaded, or could not be for a reason. */
    reloaded(reason?: string) {
      if (reason === undefined) write("info", "reloaded", "Reloaded the rules");
      else write("error", "not_reloaded", `Keeping the old rules: ${reason}`, { reason });
    },
    /** The connection to NATS was lost, or is back. */
    natsStatus(nats: string, isConnected: boolean) {
      const lost = `Lost the connection to ${nats}; reconnecting`;
      if (isConnected) write("info", "connected", `Reconnected to ${nats}`, { nats });
      else write("warning", "disconnected", lost, { nats });
    },
    /** A worker waits for requests. */
    working: (nats: string) => write("info", "working", `Working for ${nats}`, { nats }),
    draining: (in_flight: number) =>
      write("info", "draining", `Draining: ${in_flight} in flight`, { in_flight }),
    /** Logs how all requests of the server have ended. */
    drained(
      { dropped, cut, disconnected }: Drained,
      { answered, faults }: Pick<RunningServer, "answered" | "faults">,
    ) {
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
    /** Logs the number of injected faults of each kind, if the server injects any. */
    faults(counts: RunningServer["faults"]) {
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

/**
 * Returns a log of events that clients can cause as often as they like. It logs the first event at
 * once, then the latest once a second, with the number of events left out since the last one.
 */
export function rateLimited<T>(log: (event: T, others: number) => void) {
  let latest: T;
  let count = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const flush = () => {
    if (count === 0) return;
    const others = count - 1;
    count = 0;
    log(latest, others);
  };
  const onTimer = () => {
    timer = count > 0 ? setTimeout(onTimer, INTERVAL) : undefined;
    flush();
  };
  return {
    add(event: T): void {
      latest = event;
      count++;
      if (timer === undefined) onTimer();
    },
    /** Logs the latest event at once, if it is not logged yet. */
    [Symbol.dispose](): void {
      clearTimeout(timer);
      timer = undefined;
      flush();
    },
  };
}

/** Returns a function that returns a line about a server, to be called several times a second. */
export function statusOf(server: Pick<RunningServer, "inFlight" | "answered">): () => string {
  /** Readings of the last second, the oldest first. */
  const readings: { at: number; answered: number }[] = [];
  return () => {
    const { inFlight, answered } = server;
    const now = performance.now();
    readings.push({ at: now, answered });
    while (readings.length > 2 && readings[0]!.at < now - WINDOW) readings.shift();
    const oldest = readings[0]!;
    const rate = 1000 * (answered - oldest.answered) / Math.max(now - oldest.at, 1);
    return `${counted(inFlight, "request")} in flight, ${formatCount(answered)} answered, ` +
      `${counted(rate, "answer")}/s`;
  };
}
