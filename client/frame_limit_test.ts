import { assert, assertEquals, assertRejects } from "@std/assert";
import { delay } from "@std/async/delay";
import { AbortError, Client, ConnectionError, type Outcome, RequestError } from "../client.ts";
import { type Answer, decodeFrame, encodeError, type RequestId } from "../protocol.ts";
import { serve } from "../server.ts";
import { awaitedLater, Inbox, until } from "../tests/support/waiting.ts";
import { fixRandom } from "../tests/support/random.ts";

const AT_ONCE = { port: 0, delay: { min: 0, max: 0 } };
const SOON = { port: 0, delay: { min: 0.01, max: 0.05 } };

/** Fails on an answer to no request in flight. */
const STRICT = {
  onUnmatched: (answer: Answer) => assert(false, `unmatched: ${JSON.stringify(answer)}`),
};

/** Sends `count` requests at once, and checks that each has its own answer. */
async function ask(client: Client, count: number, pad = "x".repeat(90)): Promise<void> {
  const replies = await Promise.all(
    Array.from({ length: count }, (_, i) => client.request(`Hub&&id&&${i}&&pad&&${pad}`)),
  );
  const ids = replies.map(({ data }) => (data.Hub as { id: string }).id);
  assertEquals(ids, replies.map((_, i) => `${i}`));
}

for (const maxPacketSize of [300, 1 << 10, 1 << 16, 1 << 17]) {
  Deno.test(`Client gets all answers from a server with a limit of ${maxPacketSize} bytes`, async () => {
    let accepted = 0;
    const events = { accepted: () => void accepted++ };
    await using server = serve({ ...SOON, limits: { maxPacketSize }, events });
    await using client = await Client.connect(server.url, STRICT);
    await ask(client, 2000, "é".repeat(60));
    assertEquals(accepted, 2000);
    // The client knows the limit by now.
    const { retried } = client.retryStats;
    await ask(client, 2000, "é".repeat(60));
    assertEquals([accepted, client.retryStats.retried], [4000, retried]);
  });
}

Deno.test("Client fails a request that is too large at once, and no other", async () => {
  await using server = serve({ ...SOON, limits: { maxPacketSize: 1 << 16 } });
  await using client = await Client.connect(server.url, STRICT);
  function* inputs() {
    for (let id = 0; id < 100; id++) {
      yield { id, data: id === 50 ? "x".repeat(1 << 16) : "a&&b&&c" };
    }
  }
  for (let round = 0; round < 2; round++) {
    const outcomes: Outcome[] = [];
    for await (const outcome of client.requests(inputs(), { ordered: true })) {
      outcomes.push(outcome);
    }
    const [failed, ...others] = outcomes.filter(({ error }) => error !== undefined);
    assertEquals([failed!.index, others, outcomes.length], [50, [], 100]);
    assert(failed!.error instanceof RequestError);
    assertEquals(failed!.error.code, "packet_too_large");
    assertEquals(failed!.error.message, "the frame is longer than 65536 bytes");
  }
});

/** How a server treats frames that are too large. */
interface Strictness {
  /** The limit in bytes, by the number of the connection. */
  limits: number[];
  /** Called for each frame that is too large. */
  refuse(socket: WebSocket, limit: number): void;
}

/** Starts a server that answers at once, but only frames up to a limit of the connection. */
function startStrictServer({ limits, refuse }: Strictness) {
  const requests = new Inbox<RequestId>();
  const ends: Promise<void>[] = [];
  const sockets: WebSocket[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    const { socket, response } = Deno.upgradeWebSocket(request, { protocol: "asyncpkt.v1" });
    const end = Promise.withResolvers<void>();
    const limit = limits[Math.min(sockets.push(socket), limits.length) - 1]!;
    ends.push(end.promise);
    socket.onclose = () => end.resolve();
    socket.onmessage = ({ data }) => {
      if (new TextEncoder().encode(data).length > limit) return refuse(socket, limit);
      for (const packet of decodeFrame(data)) {
        if (!("data" in packet)) continue;
        requests.put(packet.request_id);
        const data = { Hub: { id: packet.data.split("&&")[2] } };
        socket.send(JSON.stringify({ request_id: packet.request_id, data }));
      }
    };
    return response;
  });
  return {
    url: `ws://127.0.0.1:${server.addr.port}`,
    requests,
    sockets,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.close();
      await Promise.all(ends);
      await server.shutdown();
    },
  };
}

/** The error of a server, with or without its limit. */
function sayTooLarge(socket: WebSocket, limit?: number): void {
  const fault = { code: "packet_too_large", message: "too large" } as const;
  socket.send(encodeError("null", limit === undefined ? fault : { ...fault, limit }));
}

Deno.test("Client sends requests one by one if a server does not report its limit", async () => {
  await using server = startStrictServer({
    limits: [5000],
    refuse: (socket) => sayTooLarge(socket),
  });
  await using client = await Client.connect(server.url, STRICT);
  await ask(client, 3000);
  await ask(client, 3000);
  assertEquals(server.requests.size, 6000);
});

Deno.test("Client learns the limit of another server after it has reconnected", async () => {
  using _ = fixRandom(0.01);
  await using server = startStrictServer({
    limits: [1 << 20, 5000, 1 << 20, 500],
    refuse: sayTooLarge,
  });
  const opened = new Inbox<void>();
  await using client = await Client.connect(server.url, {
    ...STRICT,
    onReconnect: () => opened.put(),
  });
  for (let i = 0; i < 4; i++) {
    await ask(client, 2000);
    if (i === 3) break;
    server.sockets.at(-1)!.close(1001);
    await opened.next();
  }
  assertEquals(server.requests.size, 8000);
});

Deno.test("Client reconnects after a close because of large shared frames", async () => {
  using _ = fixRandom(0.01);
  const closings: Strictness["refuse"][] = [
    (socket) => socket.close(1009),
    (socket, limit) => {
      sayTooLarge(socket, limit);
      socket.close(1008);
    },
  ];
  for (const refuse of closings) {
    await using server = startStrictServer({ limits: [5000], refuse });
    await using client = await Client.connect(server.url);
    await ask(client, 2000);
    assertEquals(client.retryStats.reconnects, 1);
    // A request that is too large alone still fails.
    const error = await assertRejects(() => client.request("x".repeat(5000)), ConnectionError);
    assertEquals(error.code, "connection_lost");
  }
});

Deno.test("Client reconnects to a server that counts its errors until it has learned", async () => {
  using _ = fixRandom(0.01);
  await using server = serve({
    ...AT_ONCE,
    limits: { maxPacketSize: 1 << 16, maxConsecutiveErrors: 5 },
  });
  await using client = await Client.connect(server.url, STRICT);
  await ask(client, 5000, "x".repeat(200));
  assertEquals(client.retryStats.reconnects, 1);
});

Deno.test("Client frees ids that were cancelled within a refused frame", async () => {
  const refusals: (() => void)[] = [];
  await using server = startStrictServer({
    limits: [500],
    refuse: (socket, limit) => refusals.push(() => sayTooLarge(socket, limit)),
  });
  await using client = await Client.connect(server.url, STRICT);
  const abort = new AbortController();
  const ids = Array.from({ length: 100 }, (_, id) => id);
  const requests = ids.map((id) =>
    awaitedLater(client.request("Hub&&id&&1", { id, signal: abort.signal }))
  );
  await delay(0); // the next packets have a frame of their own
  await client.request("Hub&&id&&1", { id: "behind" });
  abort.abort();
  for (const request of requests) await assertRejects(() => request, AbortError);
  // The cancels, too, were refused and sent again.
  await client.request("Hub&&id&&1", { id: "behind" });
  assertEquals(server.requests.size, 2);
  for (const refuse of refusals) refuse();
  for (const id of ids) {
    await until(`${id} is free`, async () => {
      const outcome = await client.request("Hub&&id&&2", { id }).catch(({ code }) => code);
      return outcome !== "duplicate_request_id";
    });
  }
});
