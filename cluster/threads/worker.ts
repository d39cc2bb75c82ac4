/**
 * A worker: a thread with a server of its own, which shares its port with the other workers.
 *
 * @module
 */

import { handleUncaughtErrors } from "../../server/uncaught_errors.ts";
import { type StartedServer, startServer } from "../../server/start.ts";
import { Channel, type Port } from "./channel.ts";
import { EventForwarder } from "./event_forwarder.ts";
import { Member } from "./member.ts";
import type { MainFunctions, WorkerFunctions, WorkerInit } from "./messages.ts";

/** Time between two signs of life, in milliseconds. */
const HEARTBEAT = 500;

let server: StartedServer;
let member: Member;
let forwarder: EventForwarder;

const main = new Channel<WorkerFunctions, MainFunctions>(globalThis as unknown as Port, {
  start,
  setCertificate: (certificate) => server.setCertificate(certificate),
  async drain() {
    const drained = await server.drain();
    forwarder.flush();
    sendStats();
    return drained;
  },
  sendStats,
  addCounts: (changes) => member.addCounts(changes),
  setDisconnected: (id, isDisconnected) => member.setDisconnected(id, isDisconnected),
});

function start({ options, events, handledBatches, size }: WorkerInit) {
  member = new Member(main, () => server.inFlight, size);
  forwarder = new EventForwarder(events, handledBatches, (batch) => main.send("events", batch));
  const uncaught = handleUncaughtErrors((error) => forwarder.events.failed?.("null", error));
  void uncaught.failed.then(() => {
    forwarder.flush();
    sendStats();
    main.send("failed");
    close(); // or it would go on to send answers that nobody counts
  });
  server = startServer({ ...options, events: forwarder.events }, { group: member });
  sendStats();
  setInterval(sendStats, HEARTBEAT);
  return { url: server.url, port: server.port };
}

function sendStats(): void {
  main.send("stats", server.stats);
}
