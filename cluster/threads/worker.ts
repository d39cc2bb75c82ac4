/**
 * A worker: a thread with a server of its own, which shares its port with those of the other workers. The
 * main thread, `pool.ts`, tells it what to do.
 *
 * @module
 */

import { serve, type ServeOptions, type Server } from "../../server.ts";
import { UncaughtErrorHandler } from "../../server/uncaught_errors.ts";
import { Member } from "./member.ts";
import type { Beginning, Order, Report } from "./messages.ts";
import { Teller } from "./telling.ts";

/** How often it gives a sign of life, in milliseconds. */
const BEAT = 500;

/** What of a worker's scope it needs. */
interface Scope {
  onmessage: (event: MessageEvent<Order>) => void;
  postMessage(report: Report): void;
}

const scope = globalThis as unknown as Scope;
let server: Server;
let teller: Teller;

scope.onmessage = ({ data: order }) => {
  switch (order.kind) {
    case "begin":
      return begin(order.beginning);
    case "renew":
      return void server.renew(order.tls).then(
        () => scope.postMessage({ kind: "renewed" }),
        ({ message }: Error) => scope.postMessage({ kind: "renewed", failure: message }),
      );
    case "drain":
      return void drain();
  }
};

function begin({ options, events, ledger, row }: Beginning): void {
  const member = new Member(ledger, row);
  teller = new Teller(
    events,
    member.row.told,
    (tellings) => scope.postMessage({ kind: "events", tellings }),
  );
  const uncaught = new UncaughtErrorHandler((error) => teller.events.failed?.("null", error));
  void uncaught.failed.then(() => {
    teller.flush();
    scope.postMessage({ kind: "faulty" });
  });
  const beat = () => {
    member.figures.gauges.heap = Deno.memoryUsage().heapUsed;
    member.row.beat();
  };
  try {
    server = serve({ ...options, events: teller.events } satisfies ServeOptions, member);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return scope.postMessage({ kind: "unable", reason });
  }
  beat();
  setInterval(beat, BEAT);
  scope.postMessage({ kind: "listening", url: server.url, port: server.port });
}

async function drain(): Promise<void> {
  const drained = await server.drain();
  teller.flush();
  scope.postMessage({ kind: "drained", drained });
}
