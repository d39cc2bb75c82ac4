import { assertEquals, assertMatch } from "@std/assert";
import { setImmediate } from "node:timers/promises";
import { serve, type ServeOptions } from "../server.ts";
import { FakeTime } from "../tests/support/fake_time.ts";
import { exchange, readToEnd } from "../tests/support/raw_tcp.ts";
import { PATIENCE } from "../tests/support/waiting.ts";

const encoder = new TextEncoder();

/** Resolves once `holds` does, without a timer, since the time is fake. */
async function spinUntil(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + PATIENCE;
  while (!await holds()) {
    if (Date.now() > end) throw new Error(`Waited in vain until ${what}`);
    await setImmediate();
  }
}

/** Starts a server with room for one connection; the time is fake. */
function start(options: ServeOptions = {}) {
  const failed: unknown[] = [];
  const evicted: unknown[][] = [];
  const server = serve({
    port: 0,
    delay: { min: 0, max: 0 },
    events: {
      failed: (_, error) => failed.push(error),
      evicted: (_, ...rest) => evicted.push(rest),
    },
    ...options,
    limits: { maxConnections: 1, ...options.limits },
  });
  const head = (length: number) =>
    `POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: ${length}\r\n\r\n`;
  return {
    server,
    failed,
    evicted,
    /** Starts a POST whose body has this length. */
    async post(text: string, length = text.length): Promise<Deno.TcpConn> {
      const peer = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
      const bytes = encoder.encode(head(length) + text);
      for (let at = 0; at < bytes.length;) at += await peer.write(bytes.subarray(at));
      return peer;
    },
    /** Whether there is room for another connection. */
    async hasRoom(): Promise<boolean> {
      const body = '{"request_id":1,"cancel":true}';
      const answer = await exchange(server.port, head(body.length) + body);
      return answer.startsWith("HTTP/1.1 204");
    },
  };
}

async function readOnce(peer: Deno.Conn): Promise<string> {
  const buffer = new Uint8Array(4096);
  return new TextDecoder().decode(buffer.subarray(0, await peer.read(buffer) ?? 0));
}

Deno.test("serve() counts a POST whose body does not arrive until the client leaves", async () => {
  using time = new FakeTime();
  const { server, post, hasRoom, failed } = start();
  await using _ = server;
  const peer = await post("{", 100);
  await spinUntil("the server reads", () => time.timers > 0);
  time.pass(9999);
  assertEquals(await hasRoom(), false);
  time.pass(1);
  assertMatch(await readOnce(peer), /^HTTP\/1.1 408 [^]*\r\n\r\nThe body took too long\n$/);
  assertEquals([await hasRoom(), time.timers], [false, 0]);
  peer.close();
  await spinUntil("there is room", hasRoom);
  assertEquals(failed, []);
});

Deno.test("serve() closes the connection of a POST whose body goes on after the answer", async () => {
  for (const [status, sent] of [[408, 1], [413, 101]] as const) {
    using time = new FakeTime();
    const { server, post, hasRoom, failed } = start({ limits: { maxPacketSize: 100 } });
    await using _ = server;
    using peer = await post("x".repeat(sent), 100_000);
    if (status === 408) {
      await spinUntil("the server reads", () => time.timers > 0);
      time.pass(10_000);
    }
    assertMatch(await readOnce(peer), new RegExp(`^HTTP/1.1 ${status} `));
    time.pass(5001);
    await peer.write(encoder.encode("x"));
    assertEquals(await readToEnd(peer), "");
    await spinUntil("there is room", hasRoom);
    assertEquals([failed, time.timers], [[], 0]);
  }
});

Deno.test("serve() counts a POST until its answers were written, and drops them after 30 s", async () => {
  using time = new FakeTime();
  const { server, post, hasRoom, failed, evicted } = start({ limits: { maxPacketSize: 1 << 24 } });
  await using _ = server;
  const data = `a&&b&&${"c".repeat(50_000)}`;
  const packets = Array.from({ length: 200 }, (_, i) => ({ request_id: i, data }));
  using peer = await post(JSON.stringify(packets));
  await spinUntil("all is answered", () => server.answered === 200);
  await spinUntil("answers wait", () => time.timers > 0);
  // Deno takes some answers until the client's buffers are full.
  await spinUntil("the answers are given up", () => {
    time.pass(1000);
    return evicted.length > 0;
  });
  assertEquals(evicted, [[1013, "Answers have not been read for 30 s", 0]]);
  assertEquals([await hasRoom(), time.timers], [false, 0]);
  const text = await readToEnd(peer);
  assertMatch(text, /^HTTP\/1.1 200 /);
  assertEquals(text.endsWith("\r\n0\r\n\r\n"), false, "it is complete");
  await spinUntil("there is room", hasRoom);
  assertEquals(failed, []);
});

Deno.test("serve() reports no error when it disconnects a POST on purpose", async () => {
  using time = new FakeTime();
  const { server, post, failed } = start({
    delay: { min: 1, max: 1 },
    faults: { disconnect: 1 },
  });
  await using _ = server;
  using peer = await post('[{"request_id":1,"data":""}]');
  await spinUntil("it is in flight", () => server.inFlight === 1);
  time.pass(1000);
  assertEquals((await readToEnd(peer)).endsWith("\r\n0\r\n\r\n"), false, "it is complete");
  assertEquals([failed, server.faults?.disconnect], [[], 1]);
});
