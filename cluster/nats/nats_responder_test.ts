import { assert, assertEquals, assertMatch } from "@std/assert";
import { delay } from "@std/async/delay";
import { jetstreamManager } from "@nats-io/jetstream";
import { nkeys } from "@nats-io/nats-core";
import { Client } from "../../client.ts";
import { natsChaos } from "../../tests/stress/nats_chaos.ts";
import type { ServeOptions, Server } from "../../server.ts";
import { startServer } from "../../server/start.ts";
import { openBrowserSocket } from "../../tests/support/browser_socket.ts";
import { makeCertificate } from "../../tests/support/certificates.ts";
import { runCommand, startCommand } from "../../tests/support/fake_streams.ts";
import { Inbox } from "../../tests/support/waiting.ts";
import {
  type NatsServer,
  startNatsServer,
  whyNoNatsServer,
} from "../../tests/support/nats_server.ts";
import { startServerProcess, startTask } from "../../tests/support/program.ts";
import { testServer } from "../../tests/support/server_suite.ts";
import { connect } from "./transport.ts";
import { type GatewayOptions, NatsResponder } from "./nats_responder.ts";
import { Worker } from "./worker.ts";

const missing = await whyNoNatsServer();

/**
 * On slow machines, a connection to NATS that was lost and is closed may leave timers behind that end by
 * themselves within seconds, and then every later test that sees one end would fail. The leak of anything
 * else, such as sockets, still fails a test.
 */
const SANITIZE_OPS = false;

/** A test that needs a NATS server; `config` is for it. */
function test(name: string, fn: (nats: NatsServer) => Promise<void>, config?: string): void {
  Deno.test({
    name: `${name}${missing ? ` (ignored: ${missing})` : ""}`,
    ignore: missing !== undefined,
    sanitizeOps: SANITIZE_OPS,
    async fn() {
      await using nats = await startNatsServer(config);
      await fn(nats);
    },
  });
}

if (missing === undefined) {
  const nats = await startNatsServer();
  globalThis.addEventListener("unload", () => nats.killNow());
  let count = 0;
  testServer("behind NATS", async (options = {}) => {
    const link = { servers: [nats.url], prefix: `test${++count}` };
    await using stack = new AsyncDisposableStack();
    const gateway = stack.use(await NatsResponder.open(link));
    stack.use(await Worker.open(link));
    const server = startServer(options, { responder: gateway });
    const links = stack.move();
    const drain = async () => {
      const drained = await server.drain();
      await links.disposeAsync();
      return drained;
    };
    return Object.defineProperties({} as Server, {
      ...Object.getOwnPropertyDescriptors(server),
      drain: { value: drain },
      [Symbol.asyncDispose]: { value: drain },
    });
  });
}

/** A server that is a gateway. */
async function startGateway(
  options: ServeOptions,
  link: GatewayOptions,
): Promise<Server & { gateway: NatsResponder }> {
  const gateway = await NatsResponder.open(link);
  const server = startServer({ port: 0, drainTimeout: 100, ...options }, { responder: gateway });
  return {
    ...server,
    get inFlight() {
      return server.inFlight;
    },
    gateway,
    async [Symbol.asyncDispose]() {
      await server.drain();
      await gateway[Symbol.asyncDispose]();
    },
  };
}

/** How many requests are in the queue. */
async function queued({ url }: { url: string }): Promise<number> {
  const connection = await connect({ servers: new URL(url).host });
  const { state } = await (await jetstreamManager(connection)).streams.info("asyncpkt");
  await connection.close();
  return state.messages;
}

async function untilQueued(nats: NatsServer, count: number): Promise<void> {
  const end = performance.now() + 20_000;
  while (await queued(nats) !== count) {
    assert(performance.now() < end, `there are ${await queued(nats)} in the queue, not ${count}`);
    await delay(20);
  }
}

function codeOf(answer: unknown): string | undefined {
  return (answer as { error?: { code: string } }).error?.code;
}

test("a gateway refuses what the queue has no room for as overloaded", async (nats) => {
  const link = { servers: [nats.url], queue: 2 };
  await using server = await startGateway({ delay: { min: 600, max: 600 } }, link);
  await using peer = await openBrowserSocket(server.url);
  for (const id of [1, 2, 3]) peer.send({ request_id: id, data: "" });
  const answer = await peer.next() as { request_id: number };
  assertEquals([answer.request_id, codeOf(answer)], [3, "overloaded"]);
  const body = '{"request_id":1,"data":""}';
  const posted = await fetch(server.url.replace("ws", "http"), { method: "POST", body });
  assertEquals([posted.status, codeOf(await posted.json())], [503, "overloaded"]);
  // There is room again for what is taken out.
  peer.send({ request_id: 1, cancel: true });
  assertEquals(codeOf(await peer.next()), "cancelled");
  await untilQueued(nats, 1);
  peer.send({ request_id: 4, data: "" });
  await untilQueued(nats, 2);
  assertEquals(server.inFlight, 2);
});

test("what nobody waits for any more is taken out of the queue", async (nats) => {
  await using server = await startGateway({ delay: { min: 600, max: 600 } }, {
    servers: [nats.url],
  });
  await using worker = await Worker.open({ servers: [nats.url] });
  const peer = await openBrowserSocket(server.url);
  const packets = Array.from({ length: 500 }, (_, i) => ({ request_id: i, data: "" }));
  peer.send(packets);
  await untilQueued(nats, 500);
  peer.send(packets.slice(0, 100).map(({ request_id }) => ({ request_id, cancel: true })));
  await untilQueued(nats, 400);
  await peer[Symbol.asyncDispose]();
  await untilQueued(nats, 0);
  assertEquals(server.inFlight, 0);
  await worker[Symbol.asyncDispose]();
});

test("the requests of a gateway that is no more expire", async (nats) => {
  const link = { servers: [nats.url], ackWait: 100 };
  const server = await startGateway({ delay: { min: 0.2, max: 0.2 } }, link);
  const peer = await openBrowserSocket(server.url);
  const packets = Array.from({ length: 50 }, (_, i) => ({ request_id: i, data: "" }));
  peer.send(packets);
  await untilQueued(nats, 50);
  await server.gateway[Symbol.asyncDispose](); // it takes nothing out of the queue
  await peer[Symbol.asyncDispose]();
  await server.drain();

  await using worker = await Worker.open({ ...link, expiry: 200 });
  await untilQueued(nats, 0);
  await worker[Symbol.asyncDispose]();
});

test("two gateways and three workers get along", async (nats) => {
  const link = { servers: [nats.url] };
  const options = { delay: { min: 0.1, max: 0.5 }, seed: 7 };
  await using one = await startGateway(options, link);
  await using two = await startGateway(options, link);
  const workers = await Promise.all([1, 2, 3].map(() => Worker.open(link)));
  const clients = await Promise.all([one, two].map(({ url }) => Client.connect(url)));
  await Promise.all(clients.flatMap((client, c) =>
    // The same ids at both.
    Array.from({ length: 300 }, async (_, i) => {
      const reply = await client.request(`Hub&&id&&${c}-${i}`, { id: `${i}` });
      assertEquals(reply.data, { Hub: { id: `${c}-${i}` } });
      const late = reply.latency - 1000 * reply.delay!;
      assert(late > -2 && late < 10_000, `${late} ms`);
    })
  ));
  await untilQueued(nats, 0);
  for (const client of clients) await client.close();
  for (const worker of workers) await worker[Symbol.asyncDispose]();
});

test("data goes through up to the size that the answer may need, and no further", async (nats) => {
  const link = { servers: [nats.url] };
  await using server = await startGateway({ delay: { min: 0, max: 0 } }, link);
  await using worker = await Worker.open(link);
  await using client = await Client.connect(server.url);
  const { message } = server.gateway.check(Infinity)!;
  const longest = Number(/\d+/.exec(message)?.[0]);
  assert(longest > 500_000, message);
  // What grows the most: names that repeat, in entities of their own.
  const data = "a&&b&&c%%".repeat(longest / 9);
  const { data: got } = await client.request(data);
  assertEquals((got.a as unknown[]).length, Math.floor(longest / 9));
  const error = await client.request("x".repeat(longest + 1)).catch((error) => error);
  assertEquals(error.code, "packet_too_large");
  await worker[Symbol.asyncDispose]();
});

test("requests of shared frames that are too large for a gateway are answered once", async (nats) => {
  const link = { servers: [nats.url] };
  const options = { delay: { min: 0, max: 0.05 }, limits: { maxPacketSize: 1 << 16 } };
  await using server = await startGateway(options, link);
  await using worker = await Worker.open(link);
  const unmatched: unknown[] = [];
  await using client = await Client.connect(server.url, {
    onUnmatched: (answer) => unmatched.push(answer),
  });
  const replies = await Promise.all(
    Array.from({ length: 2000 }, (_, i) => client.request(`Hub&&id&&${i}&&x&&${"x".repeat(50)}`)),
  );
  const ids = replies.map(({ data }) => (data["Hub"] as { id: string }).id);
  assertEquals([ids, unmatched], [replies.map((_, i) => `${i}`), []]);
  await worker[Symbol.asyncDispose]();
});

test("what is in the queue and is not of a gateway is thrown out, and told of", async (nats) => {
  const faults = new Inbox<unknown>();
  await using worker = await Worker.open({
    servers: [nats.url],
    onFault: (error) => faults.put(error),
  });
  const connection = await connect({ servers: new URL(nats.url).host });
  connection.publish("asyncpkt.requests", "hello");
  assertMatch(String(await faults.next()), /not of a gateway/);
  await connection.close();
  await untilQueued(nats, 0);
  await worker[Symbol.asyncDispose]();
});

test("a gateway goes on when NATS was away, and says so meanwhile", async (nats) => {
  const serving = startCommand(["serve", "--port", "0", "--delay", "0.1", "--nats", nats.url]);
  const worker = await Worker.open({ servers: [nats.url] });
  const [, url] = await serving.seen(/Listening on (\S+)/);
  const health = async () => {
    const response = await fetch(url!.replace("ws", "http") + "/healthz");
    return [response.status, (await response.json()).status];
  };
  await using client = await Client.connect(url!, { timeout: 60_000 });
  assertEquals((await client.request("a&&b&&1")).data, { a: { b: "1" } });

  await nats.kill();
  await serving.seen(/Lost the connection to nats:\/\/127\.0\.0\.1:\d+; reconnecting\n/);
  assertEquals(await health(), [503, "unhealthy"]);
  const request = client.request("a&&b&&2");
  await nats.restart();
  assertEquals((await request).data, { a: { b: "2" } });
  await serving.seen(/Reconnected to nats:\/\/127\.0\.0\.1:\d+\n/);
  assertEquals(await health(), [200, "ok"]);
  await client.close();
  await worker[Symbol.asyncDispose]();
  serving.interrupt();
  assertEquals([await serving.exit, serving.stderr], [0, ""]);
});

test("serve and work, as processes, lose nothing when both drain under load", async (nats) => {
  const flags = ["--nats", nats.url];
  await using gateway = await startServerProcess(["--delay", "0.1..1", ...flags]);
  const workers = await Promise.all([1, 2].map(() => startTask("work", ...flags)));
  for (const worker of workers) await worker.stdout.next();
  const client = await Client.connect(gateway.url, { reconnect: false });
  const answered: string[] = [];
  for (let i = 0, isOver = false; !isOver; i++) {
    client.request("a&&b&&c", { id: `${i}` }).then(
      () => answered.push(`${i}`),
      () => isOver = true,
    );
    await delay(2);
    if (i === 200) workers[0]!.kill("SIGTERM");
    if (i === 400) gateway.kill("SIGTERM");
  }
  await client.closed;
  const result = await gateway.result();
  assertEquals([result.code, result.stderr], [0, ""]);
  assertEquals(result.stdout.at(-1), "Drained: all answered");
  const accepted = result.stdout.flatMap((line) => /^(\d+): Timeout/.exec(line)?.[1] ?? []);
  assert(accepted.length > 200);
  assertEquals(answered.toSorted(), accepted.toSorted());
  workers[1]!.kill("SIGINT");
  for (const worker of workers) {
    const { code, stderr } = await worker.result();
    assertEquals([code, stderr], [0, ""]);
  }
});

// Who is let in.

test(
  "a gateway and a worker need no more permissions in NATS than docs/scaling.md says",
  async (nats) => {
    const link = { servers: [nats.url.replace("//", "//me:s3cret@")] };
    await using server = await startGateway({ delay: { min: 0.4, max: 0.4 } }, link);
    await using worker = await Worker.open(link);
    await using client = await Client.connect(server.url);
    assertEquals((await client.request("a&&b&&c")).data, { a: { b: "c" } });
    await worker[Symbol.asyncDispose]();
  },
  `authorization { users: [{ user: "me", password: "s3cret", permissions: {
  publish: ["$JS.API.>", "$JS.ACK.>", "asyncpkt.>"]
  subscribe: ["_INBOX.>", "asyncpkt.answers.>"]
} }] }`,
);

test(
  "serve and work say in one line why NATS cannot be used, and no password, exit 3",
  async (nats) => {
    const { port } = nats;
    const without = await startNatsServer();
    await without.kill(); // nobody is there any more
    const wrong: [url: string, reason: RegExp][] = [
      [without.url, /connection refused/i],
      [`nats://me:wrong-s3cret@127.0.0.1:${port}`, /it does not accept the credentials/],
      [`nats://wrong-s3cret@127.0.0.1:${port}`, /it does not accept the credentials/],
      [`nats://127.0.0.1:${port}`, /it does not accept the credentials/],
      [`tls://me:s3cret@127.0.0.1:${port}`, /tls/i],
    ];
    for (const [url, reason] of wrong) {
      for (const command of [["serve", "--port", "0"], ["work"]]) {
        const { code, stdout, stderr } = await runCommand([...command, "--nats", url]);
        assertEquals([code, stdout], [3, ""], stderr);
        assertMatch(stderr, /^asyncpkt (serve|work): cannot use NATS at (nats|tls):[^\n]*\n$/);
        assertMatch(stderr, reason);
        assert(!stderr.includes("s3cret"), stderr);
      }
    }
    const right = startCommand(["work", "--nats", `nats://me:s3cret@127.0.0.1:${port}`]);
    await right.seen(/Working for nats:\/\/127\.0\.0\.1:\d+\n/);
    right.interrupt();
    assertEquals([await right.exit, right.stderr], [0, ""]);
    await without[Symbol.asyncDispose]();
  },
  'authorization { user: "me", password: "s3cret" }',
);

const user = nkeys.createUser();
const stranger = nkeys.createUser();

/** The content of a credentials file; the server is told of the key alone, so its JWT says nothing. */
function credentials(pair: typeof user): string {
  const seed = new TextDecoder().decode(pair.getSeed());
  return `-----BEGIN NATS USER JWT-----\ne30.e30.e30\n------END NATS USER JWT------\n\n` +
    `-----BEGIN USER NKEY SEED-----\n${seed}\n------END USER NKEY SEED------\n`;
}

test("--nats-creds lets in whom the server knows", async (nats) => {
  const file = await Deno.makeTempFile();
  const work = ["work", "--nats", nats.url, "--nats-creds", file];
  for (
    const [content, reason] of [
      [credentials(stranger), "it does not accept the credentials"],
      ["x", "the credentials file is not one"],
    ]
  ) {
    await Deno.writeTextFile(file, content!);
    const { code, stderr } = await runCommand(work);
    assertEquals([code, stderr], [
      3,
      `asyncpkt work: cannot use NATS at ${nats.url}: ${reason}\n`,
    ]);
  }
  await Deno.writeTextFile(file, credentials(user));
  const right = startCommand(work);
  await right.seen(/Working for/);
  right.interrupt();
  assertEquals([await right.exit, right.stderr], [0, ""]);
  await Deno.remove(file);
  const { code, stderr } = await runCommand(work);
  assertEquals([code, stderr], [
    2,
    `asyncpkt work: cannot read ${file}: there is no such file\n`,
  ]);
}, `authorization { users: [{ nkey: ${user.getPublicKey()} }] }`);

Deno.test({
  name: `tls:// and --nats-ca make it TLS${missing ? ` (ignored: ${missing})` : ""}`,
  ignore: missing !== undefined,
  sanitizeOps: SANITIZE_OPS,
  async fn() {
    const folder = await Deno.makeTempDir();
    const [one, two] = await Promise.all(
      ["one", "two"].map((name) => makeCertificate(`${folder}/${name}`)),
    );
    await using nats = await startNatsServer(
      `tls { cert_file: "${one!.cert}", key_file: "${one!.key}" }`,
    );
    const url = nats.url.replace("nats:", "tls:");
    const work = (ca: string) => ["work", "--nats", url, "--nats-ca", ca];
    const { code, stderr } = await runCommand(work(two!.ca));
    assertEquals(code, 3, stderr);
    assertMatch(stderr, /^asyncpkt work: cannot use NATS at tls:\/\/127\.0\.0\.1:\d+: [^\n]*\n$/);
    const working = startCommand(work(one!.ca));
    await working.seen(/Working for tls:/);
    const ca = await Deno.readTextFile(one!.ca);
    await using server = await startGateway({ delay: { min: 0, max: 0 } }, { servers: [url], ca });
    await using client = await Client.connect(server.url);
    assertEquals((await client.request("a&&b&&c")).data, { a: { b: "c" } });
    working.interrupt();
    assertEquals([await working.exit, working.stderr], [0, ""]);
    await Deno.remove(folder, { recursive: true });
  },
});

test("work says that JetStream is off where it is", async () => {
  await using nats = await startNatsServer("", false);
  const { code, stderr } = await runCommand(["work", "--nats", nats.url]);
  assertEquals([code, stderr], [
    3,
    `asyncpkt work: cannot use NATS at ${nats.url}: JetStream is not on; start nats-server with -js\n`,
  ]);
});

Deno.test("work and serve refuse what is no URL, and do not show it", async () => {
  for (const url of ["http://me:s3cret@x", "s3cret", "nats://", "nats:/s3cret"]) {
    const { code, stderr } = await runCommand(["work", "--nats", url]);
    const want = "want a URL such as nats://127.0.0.1:4222 or tls://nats.example";
    assertEquals([code, stderr], [2, `asyncpkt work: --nats: ${want}\n`]);
  }
  const { code, stderr } = await runCommand(["work"]);
  assertEquals([code, stderr], [2, "asyncpkt work: --nats URL is missing\n"]);
});

// `deno task trials --only nats` does ten rounds of 2,000.
test("every request is answered once while workers and NATS are killed", async () => {
  const outcome = await natsChaos({ seed: 7, duration: 0, isQuick: true });
  const { requests, lost, faults, failures } = outcome;
  assertEquals({ requests, lost, faults, failures }, {
    requests: 1000,
    lost: 0,
    faults: 6,
    failures: [],
  });
});
