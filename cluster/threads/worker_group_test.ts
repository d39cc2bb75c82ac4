import { assert, assertEquals, assertLessOrEqual, assertRejects } from "@std/assert";
import project from "../../deno.json" with { type: "json" };
import { Client, type ConnectOptions } from "../../client.ts";
import { delayPolicy } from "../../session/delays.ts";
import { awaitedLater, Inbox, until } from "../../tests/support/waiting.ts";
import { makeCertificate } from "../../tests/support/certificates.ts";
import { parseMetrics } from "../../tests/support/prometheus.ts";
import { addCounts, ADMITTED, IN_FLIGHT } from "./messages.ts";
import { startWorkers, type WorkerEvents } from "./worker_group.ts";

const SOON = { port: 0, delay: { min: 0.05, max: 0.3 } };
const LATE = { port: 0, delay: { min: 600, max: 600 }, drainTimeout: 1 };
const ignore = Deno.build.os !== "linux";

const RealWorker = globalThis.Worker;

/** A thread, the sums of its counts, and its latest sign of life. */
interface Thread {
  readonly worker: Worker;
  readonly counts: Map<string, number>;
  heartbeat?: unknown;
}

/** Watches the threads of all workers that start until it is disposed. */
class WorkerThreads implements Disposable {
  /** The latest thread of each worker. */
  readonly #threads: Thread[] = [];

  constructor() {
    const threads = this.#threads;
    globalThis.Worker = class extends RealWorker {
      constructor(url: URL, options: WorkerOptions) {
        super(url, options);
        const thread: Thread = { worker: this, counts: new Map() };
        threads[Number(options.name!.split(" ")[1]) - 1] = thread;
        this.addEventListener("message", ({ data }) => {
          if (data.name === "stats") thread.heartbeat = data;
          if (data.name === "addCounts") addCounts(thread.counts, data.args[0]);
        });
      }
    } as typeof Worker;
  }

  /** How many connections each worker has admitted. */
  get connections(): number[] {
    return this.#threads.map(({ counts }) => counts.get(ADMITTED) ?? 0);
  }

  /** How many requests are in flight in each worker. */
  get inFlight(): number[] {
    return this.#threads.map(({ counts }) => counts.get(IN_FLIGHT) ?? 0);
  }

  /** Returns the latest thread of a worker. */
  worker(index: number): Worker {
    return this.#threads[index]!.worker;
  }

  /** Makes the main thread receive a message as if a worker had sent it; by default its latest sign of life. */
  receive(index: number, data: unknown = this.#threads[index]!.heartbeat): void {
    this.worker(index).dispatchEvent(new MessageEvent("message", { data }));
  }

  [Symbol.dispose](): void {
    globalThis.Worker = RealWorker;
  }
}

/** Starts workers, two by default. */
async function start(options: Parameters<typeof startWorkers>[0], size = 2) {
  using threads = new WorkerThreads();
  const server = await startWorkers(options, size);
  return { server, threads };
}

/** Connects until each worker has at least one connection. */
async function connectToAll(
  url: string,
  threads: WorkerThreads,
  options: ConnectOptions = {},
): Promise<{ byWorker: Client[]; [Symbol.asyncDispose](): Promise<void> }> {
  const clients: Client[] = [];
  const byWorker: Client[] = [];
  while (Object.keys(byWorker).length < threads.connections.length) {
    const before = threads.connections;
    const client = await Client.connect(url, options);
    clients.push(client);
    await until("it is counted", () => threads.connections.some((n, i) => n > before[i]!));
    byWorker[threads.connections.findIndex((n, i) => n > before[i]!)] ??= client;
  }
  const close = async () => void await Promise.all(clients.map((client) => client.close()));
  return { byWorker, [Symbol.asyncDispose]: close };
}

/** Returns events that put their arguments into an inbox. */
function workerEventsTo(inbox: Inbox<unknown[]>): WorkerEvents {
  const put = (...args: unknown[]) => inbox.put(args);
  return { workerEnded: put, workerReplaced: put };
}

function total(numbers: number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}

/** Sends a GET on a new connection, so that any worker may answer. */
async function get(url: string, path: string): Promise<Response> {
  using client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
  const signal = AbortSignal.timeout(5000);
  const response = await fetch(url.replace("ws", "http") + path, { client, signal });
  return new Response(await response.text(), response);
}

Deno.test({ name: "startWorkers() spreads connections over its workers", ignore }, async () => {
  const { server, threads } = await start(SOON, 3);
  await using _server = server;
  const clients = await Promise.all(Array.from({ length: 60 }, () => Client.connect(server.url)));
  await until("all are counted", () => total(threads.connections) === 60);
  assert(threads.connections.every((count) => count > 0), `${threads.connections}`);
  const replies = await Promise.all(clients.map((client, i) => client.request(`a&&b&&${i}`)));
  assertEquals(replies.map(({ data }) => data), clients.map((_, i) => ({ a: { b: `${i}` } })));
  await until("all are counted", () => server.inFlight === 0 && server.answered === 60);
  await Promise.all(clients.map((client) => client.close()));
});

Deno.test(
  { name: "startWorkers() replaces a failed worker, and its clients lose nothing", ignore },
  async () => {
    using threads = new WorkerThreads();
    const events = new Inbox<unknown[]>();
    await using server = await startWorkers({
      ...SOON,
      events: workerEventsTo(events),
    }, 2);
    const clients = await Promise.all(Array.from({ length: 20 }, () => Client.connect(server.url)));
    await until("all are counted", () => total(threads.connections) === 20);
    for (const victim of [0, 1]) {
      const replies = clients.flatMap((client) =>
        Array.from({ length: 10 }, (_, i) => client.request(`a&&b&&${i}`))
      );
      await until("it has requests", () => threads.inFlight[victim]! > 0);
      const before = server.answered;
      threads.worker(victim).postMessage({ name: "no such function", args: [] });
      assert(server.answered >= before); // no count goes back
      assertEquals(await events.next(), [victim + 1, "uncaught error", 100]);
      await Promise.all(replies);
      assertEquals(await events.next(), [victim + 1]);
      await until("it has connections again", async () => {
        const client = await Client.connect(server.url);
        clients.push(client);
        return threads.connections[victim]! > 0;
      });
    }
    const metrics = parseMetrics(await (await get(server.url, "/metrics")).text());
    assert(metrics.get('asyncpkt_requests_total{outcome="answered"}')! >= 400);
    assert(metrics.get('asyncpkt_requests_total{outcome="dropped"}')! > 0);
    assertEquals(metrics.get("asyncpkt_requests_in_flight"), 0);
    assert(clients.some((client) => client.retryStats.resent > 0));
    await Promise.all(clients.map((client) => client.close()));
  },
);

Deno.test(
  { name: "startWorkers() replaces a worker without a sign of life", ignore },
  async () => {
    let check!: () => void;
    const real = globalThis.setInterval;
    globalThis.setInterval = ((callback: () => void) => {
      check = callback;
      return real(() => {}, 1e9);
    }) as typeof setInterval;
    const events = new Inbox<unknown[]>();
    using threads = new WorkerThreads();
    try {
      await using server = await startWorkers({
        ...SOON,
        events: workerEventsTo(events),
      }, 2);
      threads.worker(1).terminate();
      const reports = (status: string) =>
        until(`the status is ${status}`, async () => {
          // A worker that was just ended may still have accepted the connection.
          const health = await get(server.url, "/healthz").catch(() => undefined);
          return (await health?.json())?.status === status;
        });
      await reports("ok");
      const checkAgain = () => {
        threads.receive(0); // the other worker gives a sign of life
        check();
      };
      for (let i = 0; i <= 5; i++) checkAgain();
      await reports("unhealthy");
      for (let i = 0; i < 10; i++) checkAgain();
      assertEquals(await events.next(), [2, "no sign of life for 15 s", 100]);
      assertEquals(await events.next(), [2]);
      await reports("ok");
    } finally {
      globalThis.setInterval = real;
    }
  },
);

Deno.test(
  { name: "startWorkers() limits the requests in flight in all workers", ignore },
  async () => {
    const { server, threads } = await start({ ...LATE, limits: { maxInFlightTotal: 10 } });
    await using _server = server;
    await using clients = await connectToAll(server.url, threads, { retry: false });
    const [one, other] = clients.byWorker as [Client, Client];
    const ask = (client: Client, count: number) =>
      Array.from({ length: count }, () => client.request("").then(() => "answered", (e) => e.code));
    const first = ask(one, 6);
    await until("they are in flight", () => total(threads.inFlight) === 6);
    await get(server.url, "/healthz"); // asks all workers, after it has sent them the counts
    const second = ask(other, 6);
    const outcomes = new Inbox<string>();
    for (const outcome of second) void outcome.then((code) => outcomes.put(code));
    assertEquals(await outcomes.take(2), ["overloaded", "overloaded"]);
    await until("they are in flight", () => total(threads.inFlight) === 10);
    assertEquals(threads.inFlight, [6, 4]);
    await Promise.all(clients.byWorker.map((client) => client.close()));
    await Promise.all([...first, ...second]);
  },
);

Deno.test({ name: "startWorkers() limits the connections to all workers", ignore }, async () => {
  const tries = Array.from({ length: 8 });
  for (const [maxConnections, maxConnectionsPerAddress] of [[4, 100], [100, 4]] as const) {
    const { server, threads } = await start({
      ...SOON,
      limits: { maxConnections, maxConnectionsPerAddress },
    });
    await using _server = server;
    const connect = () => Client.connect(server.url, { reconnect: false });
    const assertFull = async () => {
      await until("all are counted", () => total(threads.connections) === 4);
      await get(server.url, "/healthz"); // asks all workers, after it has sent them the counts
      for (const _ of tries) await assertRejects(connect);
    };
    const clients: Client[] = [];
    for (let i = 0; i < 4; i++) clients.push(await connect());
    await assertFull();
    await clients.pop()!.close();
    await until("there is room", async () => {
      const client = await connect().catch(() => undefined);
      if (client !== undefined) clients.push(client);
      return client !== undefined;
    });
    await assertFull();
    await Promise.all(clients.map((client) => client.close()));
  }
});

Deno.test(
  { name: "startWorkers() forwards all events, with the delays of the seed", ignore },
  async () => {
    const events: [id: string, delay: number][] = [];
    const answered = new Map<string, number>();
    const { server, threads } = await start({
      port: 0,
      delay: { min: 0.001, max: 0.1 },
      seed: 7,
      events: {
        accepted: (id, delay) => events.push([id, delay]),
        answered: (id, elapsed) => answered.set(id, elapsed),
      },
    });
    await using clients = await connectToAll(server.url, threads);
    const ids = Array.from({ length: 5000 }, (_, i) => `${i}`);
    await Promise.all(ids.map((id) => clients.byWorker[Number(id) % 2]!.request("", { id })));
    await server.drain();
    const delays = delayPolicy({ min: 0.001, max: 0.1 }, 7);
    const expected = ids.map((id) => {
      const bytes = new TextEncoder().encode(JSON.stringify(id));
      return [JSON.stringify(id), delays.delayOf(bytes, 0, bytes.length)];
    });
    const inOrder = events.toSorted(([a], [b]) => Number(JSON.parse(a)) - Number(JSON.parse(b)));
    assertEquals(inOrder, expected as typeof events);
    for (const [id, delay] of events) assertLessOrEqual(delay, answered.get(id)!);
  },
);

Deno.test(
  { name: "startWorkers() disconnects once for each request", ignore },
  async () => {
    const { server } = await start({ ...SOON, seed: 7, faults: { disconnect: 1 } }, 3);
    await using _server = server;
    const clients = await Promise.all(Array.from({ length: 10 }, () => Client.connect(server.url)));
    await Promise.all(clients.map((client, i) => client.request("", { id: `${i}` })));
    await until("all are counted, none twice", () => server.faults?.disconnect === 10);
    await Promise.all(clients.map((client) => client.close()));
  },
);

Deno.test(
  { name: "startWorkers() reports the health and metrics of all workers at each", ignore },
  async () => {
    const { server, threads } = await start(LATE);
    await using _server = server;
    await using clients = await connectToAll(server.url, threads);
    const connections = total(threads.connections);
    const requests = clients.byWorker.flatMap((client) =>
      [1, 2].map(() => awaitedLater(client.request("")))
    );
    await until("they are in flight", () => server.inFlight === 4);
    for (let i = 0; i < 10; i++) {
      const health = await get(server.url, "/healthz");
      const counts = { connections, in_flight: 4, abandoned: 0, workers: 2 };
      assertEquals(await health.json(), { status: "ok", version: project.version, ...counts });
      const metrics = parseMetrics(await (await get(server.url, "/metrics")).text());
      assertEquals(metrics.get("asyncpkt_requests_in_flight"), 4);
    }
    await Promise.all(clients.byWorker.map((client) => client.close()));
    await Promise.allSettled(requests);
  },
);

Deno.test(
  { name: "startWorkers() adds up the abandoned upgrades of all workers", ignore },
  async () => {
    const events: [address: string, count: number][] = [];
    const { server, threads } = await start({
      ...SOON,
      events: { abandoned: (...about) => events.push(about) },
    });
    await using _server = server;
    for (const [index, count] of [[0, 1], [1, 1], [1, 2]] as const) {
      const event = ["abandoned", `192.0.2.${index}`, count];
      threads.receive(index, { name: "events", args: [[event]] });
    }
    assertEquals(events, [["192.0.2.0", 1], ["192.0.2.1", 2], ["192.0.2.1", 3]]);
  },
);

Deno.test({ name: "startWorkers() drains all workers at once", ignore }, async () => {
  const { server, threads } = await start({ port: 0, delay: { min: 0.5, max: 0.5 } });
  await using clients = await connectToAll(server.url, threads, { reconnect: false });
  const requests = clients.byWorker.map((client) => client.request("a&&b&&c"));
  await until("they are in flight", () => server.inFlight === 2);
  const drained = server.drain();
  const replies = await Promise.all(requests);
  assertEquals(replies.map(({ data }) => data), [{ a: { b: "c" } }, { a: { b: "c" } }]);
  assertEquals(await drained, { dropped: 0, cut: 0, disconnected: 0 });
  await assertRejects(() => Client.connect(server.url, { reconnect: false }));

  const late = await start(LATE);
  await using others = await connectToAll(late.server.url, late.threads, { reconnect: false });
  const lost = others.byWorker.map((client) => client.request("").catch(() => "lost"));
  await until("they are in flight", () => late.server.inFlight === 2);
  const gone = await Client.connect(late.server.url, { reconnect: false });
  const request = gone.request("").catch(() => "gone");
  await until("it is in flight", () => late.server.inFlight === 3);
  await gone.close();
  await until("it is dropped", () => late.server.inFlight === 2);
  assertEquals(await request, "gone");
  assertEquals(await late.server.drain(), { dropped: 2, cut: 0, disconnected: 1 });
  assertEquals(await Promise.all(lost), ["lost", "lost"]);
});

Deno.test({ name: "startWorkers() renews the certificate of all workers", ignore }, async () => {
  const folder = await Deno.makeTempDir({ prefix: "asyncpkt" });
  const [one, two] = await Promise.all(["one", "two"].map(async (name) => {
    const files = await makeCertificate(`${folder}/${name}`);
    const read = (path: string) => Deno.readTextFile(path);
    const tls = { cert: await read(files.cert), key: await read(files.key) };
    return { tls, caCerts: [await read(files.ca)] };
  }));
  await Deno.remove(folder, { recursive: true });
  const { server } = await start({ ...SOON, tls: one!.tls });
  await using _server = server;
  const connect = async ({ caCerts }: { caCerts: string[] }) =>
    await (await Client.connect(server.url, { caCerts, reconnect: false })).close();
  await connect(one!);
  await assertRejects(
    () => server.setCertificate({ cert: one!.tls.cert, key: two!.tls.key }),
    RangeError,
  );
  for (let i = 0; i < 8; i++) await connect(one!);
  await server.setCertificate(two!.tls);
  for (let i = 0; i < 8; i++) await connect(two!);
  await assertRejects(() => connect(one!));
});

Deno.test(
  { name: "startWorkers() rejects a port in use and invalid options", ignore },
  async () => {
    const { server } = await start(SOON);
    await using _server = server;
    await assertRejects(() => startWorkers({ port: server.port }, 2), Deno.errors.AddrInUse);
    await assertRejects(
      () => startWorkers({ ...SOON, delay: { min: 2, max: 1 } }, 2),
      Error,
      "delay",
    );
  },
);
