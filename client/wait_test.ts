import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { AbortError, Client, ConnectionError } from "../client.ts";
import { serve } from "../server.ts";
import { fixRandom } from "../tests/support/random.ts";
import { freePort } from "../tests/support/machine.ts";
import { startMockServer } from "../tests/support/mock_server.ts";
import {
  acceptRawSocket,
  closeAfterPeer,
  readToEnd,
  startRawServer,
} from "../tests/support/raw_tcp.ts";

Deno.test("Client.connect() waits for a server that starts later", async () => {
  const port = freePort();
  const told: [code: string, message: string][] = [];
  await using servers = new AsyncDisposableStack();
  await using client = await Client.connect(`ws://127.0.0.1:${port}`, {
    wait: 60_000,
    onDisconnect: ({ code, message }) => {
      if (told.length === 0) servers.use(serve({ port, delay: { min: 0, max: 0 } }));
      told.push([code, message]);
    },
    onReconnect: () => assert(false, "it was not connected before"),
  });
  assertEquals((await client.request("a&&b&&c")).data, { a: { b: "c" } });
  assertEquals(client.retryStats.reconnects, 0);
  for (const [code, message] of told) {
    assertEquals(code, "connection_failed");
    assert(message.startsWith(`cannot connect to ws://127.0.0.1:${port}`), message);
  }
});

Deno.test("Client.connect() waits while the server is overloaded, hangs or breaks off", async () => {
  using _ = fixRandom(0);
  let count = 0;
  await using server = startRawServer(async (connection) => {
    const attempt = count++;
    if (attempt === 0) return void await readToEnd(connection);
    if (attempt === 1) return connection.close();
    if (attempt > 3) {
      await acceptRawSocket(connection);
      return await closeAfterPeer(connection);
    }
    const head = `HTTP/1.1 ${attempt === 2 ? 502 : 503} Ill\r\nContent-Length: 0\r\n\r\n`;
    await connection.write(new TextEncoder().encode(head));
  });
  const errors: ConnectionError[] = [];
  const onDisconnect = (error: ConnectionError) => void errors.push(error);
  await using client = await Client.connect(server.url, {
    ...{ wait: 60_000, timeout: 1000, onDisconnect },
  });
  await client.close();
  assertEquals(errors.map(({ code }) => code), Array(4).fill("connection_failed"));
  assertMatch(errors[0]!.message, /^cannot connect to ws:\S+: no answer within 1 s$/);
  assertMatch(errors[2]!.message, /status 502/);
});

Deno.test("Client.connect() stops waiting on final errors, timeout and abort", async () => {
  using _ = fixRandom(0.05);
  for (const status of [200, 401, 404]) {
    let handshakes = 0;
    await using server = startMockServer({
      onHandshake: () => (handshakes++, new Response(null, { status })),
    });
    const connecting = Client.connect(server.url, { wait: 60_000 });
    const error = await assertRejects(() => connecting, ConnectionError);
    assertEquals([error.code, handshakes], ["connection_failed", 1]);
  }
  await assertRejects(() => Client.connect("nonsense:", { wait: 60_000 }), DOMException);

  await using busy = startMockServer({ onHandshake: () => new Response(null, { status: 503 }) });
  const from = performance.now();
  const late = await assertRejects(() => Client.connect(busy.url, { wait: 100 }), ConnectionError);
  assert(performance.now() - from >= 99);
  assertMatch(late.message, /status 503/);

  const abort = new AbortController();
  const options = {
    wait: Infinity,
    signal: abort.signal,
    onDisconnect: () => abort.abort("enough"),
  };
  const aborted = await assertRejects(() => Client.connect(busy.url, options), AbortError);
  assertEquals(aborted.cause, "enough");
  for (const wait of [-1, NaN]) {
    await assertRejects(() => Client.connect("ws://127.0.0.1:1", { wait }), RangeError);
  }
});
