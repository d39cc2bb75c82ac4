import {
  assert,
  assertEquals,
  assertGreaterOrEqual,
  assertMatch,
  assertRejects,
} from "@std/assert";
import { delay } from "@std/async/delay";
// In deno.json, it would become part of the executable.
// deno-lint-ignore no-import-prefix
import { WebSocket as ForeignSocket } from "npm:ws@^8";
import project from "../../deno.json" with { type: "json" };
import { Client } from "../../client.ts";
import type { ServeOptions, Server } from "../../server.ts";
import { awaitedLater, Inbox, until } from "./waiting.ts";
import { openBrowserSocket } from "./browser_socket.ts";
import { idDelayedBy } from "./random.ts";
import { clientFrame, exchange, openRawSocket, readToEnd } from "./raw_tcp.ts";
import { findPython, NO_PYTHON } from "./machine.ts";
import { upgradeRequest } from "../../websocket/handshake.ts";

const EXAMPLE = "Hub&&name&&qwe&&id&&123&&%%Device&&name&&wqe&&id&&234&&";
const EXAMPLE_RESPONSE =
  '{"request_id":"01","data":{"Hub":{"name":"qwe","id":"123"},"Device":{"name":"wqe","id":"234"}}}';
const AT_ONCE: ServeOptions = { port: 0, delay: { min: 0, max: 0 } };
const SOON: ServeOptions = { port: 0, delay: { min: 0.02, max: 0.02 } };
/** Later than any test ends. */
const LATE: ServeOptions = { port: 0, delay: { min: 600, max: 600 } };
/** Some requests are due at once, some never: {@linkcode idDelayedBy} knows which. */
const KNOWN = { port: 0, delay: { min: 0, max: 600 }, seed: 7 };
const SOON_ID = idDelayedBy(KNOWN, 10, 200);
const LATE_ID = idDelayedBy(KNOWN, 300_000, 600_000);

function httpUrl({ url }: { url: string }): string {
  return url.replace("ws", "http");
}

function post(server: { url: string }, body: unknown, signal?: AbortSignal): Promise<Response> {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const init: RequestInit = { method: "POST", body: text };
  if (signal !== undefined) init.signal = signal;
  return fetch(httpUrl(server), init);
}

const PYTHON_CLIENT = `
import asyncio, json, sys, websockets
async def talk(url, subprotocols):
    async with websockets.connect(url, subprotocols=subprotocols) as socket:
        for i in range(40):
            packet = json.dumps({"request_id": i, "data": "Hub&&id&&%d" % i})
            await socket.send(packet.encode() if i % 2 else packet)
        answers = {}
        while len(answers) < 40:
            frame = json.loads(await socket.recv())
            for answer in frame if isinstance(frame, list) else [frame]:
                assert answer["request_id"] not in answers
                answers[answer["request_id"]] = answer
        for i in range(40):
            assert answers[i]["data"] == {"Hub": {"id": str(i)}}, answers[i]
            assert ("delay" in answers[i]) == (subprotocols is not None), answers[i]
        await socket.send("{")
        assert json.loads(await socket.recv())["error"]["code"] == "invalid_json"
async def main(url):
    await asyncio.gather(talk(url, None), talk(url, ["asyncpkt.v1"]))
asyncio.run(main(sys.argv[1]))
`;

const python = await findPython();

function codeOf(answer: unknown): string | undefined {
  return (answer as { error?: { code: string } }).error?.code;
}

function overloaded(id: number): unknown {
  const message = "too many requests in flight; send it again later";
  return { request_id: id, error: { code: "overloaded", message } };
}

function statusOf(answer: string): number {
  return Number(/^HTTP\/1.1 (\d+)/.exec(answer)?.[1]);
}

/** Starts a server; rejects if it cannot start. */
export type StartServer = (options?: ServeOptions) => Promise<Server>;

/**
 * Registers the tests of a server's behavior.
 *
 * @param subject the kind of server, for the names of the tests.
 */
export function testServer(subject: string, start: StartServer): void {
  const test = (name: string, fn: () => void | Promise<void>) =>
    Deno.test(`${subject}: ${name}`, fn);

  // The modes.

  test("serve() answers the example in plain mode with exactly its response", async () => {
    await using server = await start(SOON);
    await using peer = await openBrowserSocket(server.url);
    peer.send({ request_id: "01", data: EXAMPLE });
    assertEquals(await peer.frames.next(), EXAMPLE_RESPONSE);
    assertEquals(peer.socket.protocol, "");
  });

  test("serve() answers an array in plain mode with a frame for each request", async () => {
    await using server = await start(SOON);
    await using peer = await openBrowserSocket(server.url);
    peer.send([{ request_id: 1, data: "a&&b&&1" }, { request_id: "1", data: "a&&b&&2" }, {}]);
    assertEquals(await peer.next(), {
      request_id: null,
      error: { code: "invalid_packet", message: "request_id is missing" },
    });
    const answers = [await peer.next(), await peer.next()] as {
      request_id: unknown;
      data: unknown;
    }[];
    answers.sort((a, b) => typeof a.request_id < typeof b.request_id ? -1 : 1);
    assertEquals(answers, [
      { request_id: 1, data: { a: { b: "1" } } },
      { request_id: "1", data: { a: { b: "2" } } },
    ]);
  });

  test("serve() reports the delay in asyncpkt.v1, and shares frames", async () => {
    await using server = await start(SOON);
    await using peer = await openBrowserSocket(server.url, ["other", "asyncpkt.v1"]);
    assertEquals(peer.socket.protocol, "asyncpkt.v1");
    peer.send(["a", "b", "c"].map((id) => ({ request_id: id, data: `E&&n&&${id}` })));
    const answers = await peer.next() as { request_id: string }[];
    answers.sort((a, b) => a.request_id < b.request_id ? -1 : 1);
    assertEquals(
      answers,
      ["a", "b", "c"].map((id) => ({ request_id: id, data: { E: { n: id } }, delay: 0.02 })),
    );
  });

  test("serve() uses plain mode for a client that offers only unknown subprotocols", async () => {
    await using server = await start(SOON);
    await using peer = await openBrowserSocket(server.url, ["asyncpkt.v2"]);
    assertEquals(peer.socket.protocol, "");
    peer.send({ request_id: "01", data: EXAMPLE });
    assertEquals(await peer.frames.next(), EXAMPLE_RESPONSE);
  });

  test("serve() answers each request after its own delay, whatever others wait", async () => {
    const options = { port: 0, delay: { min: 0, max: 600 }, seed: 1 };
    // The first request is due minutes after the others.
    const least = new Map(
      [[300_000, 600_000], [500, 550], [300, 350], [400, 450]]
        .map(([least, most]) => [idDelayedBy(options, least!, most!), least!]),
    );
    await using server = await start(options);
    await using peer = await openBrowserSocket(server.url);
    const sentAt = performance.now();
    peer.send([...least.keys()].map((id) => ({ request_id: id, data: "" })));
    while (least.size > 1) {
      const { request_id } = await peer.next() as { request_id: string };
      assertGreaterOrEqual(performance.now() - sentAt, least.get(request_id)!);
      least.delete(request_id);
    }
    assertEquals(server.inFlight, 1);
  });

  test("serve() gives an id the same delay with the same seed", async () => {
    const delays: number[][] = [];
    for (let run = 0; run < 2; run++) {
      await using server = await start({ port: 0, delay: { min: 0, max: 0.05 }, seed: 5 });
      await using client = await Client.connect(server.url);
      const ids = run === 0 ? ["a", "b", "c"] : ["c", "b", "a"];
      const replies = await Promise.all(ids.map((id) => client.request("", { id })));
      delays.push(replies.map((reply) => reply.delay!));
    }
    assertEquals(delays[0], delays[1]!.reverse());
  });

  // Errors, after which the connection stays open.

  const REFUSALS: { name: string; frame: unknown; code: string; id?: unknown }[] = [
    { name: "no JSON", frame: "{", code: "invalid_json" },
    { name: "nothing at all", frame: "", code: "invalid_json" },
    { name: "a number", frame: "7", code: "invalid_packet" },
    { name: "an empty array", frame: [], code: "invalid_packet" },
    { name: "1,001 requests", frame: new Array(1001).fill({}), code: "invalid_packet" },
    { name: "no id", frame: { data: "" }, code: "invalid_packet" },
    { name: "an id of 1.5", frame: { request_id: 1.5, data: "" }, code: "invalid_packet" },
    { name: "no data", frame: { request_id: "x" }, code: "invalid_packet", id: "x" },
    { name: "data of a number", frame: { request_id: 7, data: 7 }, code: "invalid_packet", id: 7 },
    {
      name: "a long frame",
      frame: { request_id: 1, data: "x".repeat(4096) },
      code: "packet_too_large",
      id: 1,
    },
    { name: "bytes, not UTF-8", frame: new Uint8Array([0x22, 0xff, 0x22]), code: "invalid_json" },
  ];

  test("serve() refuses invalid requests at once, and keeps the connection open", async () => {
    await using server = await start({ ...SOON, limits: { maxPacketSize: 4096 } });
    for (const protocols of [[], ["asyncpkt.v1"]]) {
      await using peer = await openBrowserSocket(server.url, protocols);
      for (const { name, frame, code, id = null } of REFUSALS) {
        peer.send(frame);
        const { request_id, error } = await peer.next() as {
          request_id: unknown;
          error: { code: string; message: string };
        };
        assertEquals([request_id, error.code], [id, code], name);
        assert(error.message.length > 0, name);
      }
      peer.send({ request_id: "01", data: EXAMPLE });
      assertEquals((await peer.next() as { request_id: string }).request_id, "01");
    }
  });

  test("serve() reads UTF-8 in a binary frame as it reads text", async () => {
    await using server = await start(SOON);
    await using peer = await openBrowserSocket(server.url);
    peer.send(new TextEncoder().encode('{"request_id":"é","data":"Häb&&€&&😀"}'));
    assertEquals(await peer.next(), { request_id: "é", data: { "Häb": { "€": "😀" } } });
  });

  test("serve() refuses an id in flight, and still answers the first", async () => {
    await using server = await start(SOON);
    await using peer = await openBrowserSocket(server.url);
    await using other = await openBrowserSocket(server.url);
    peer.send(["a&&b&&1", "a&&b&&2"].map((data) => ({ request_id: "x", data })));
    other.send({ request_id: "x", data: "a&&b&&3" });
    assertEquals(codeOf(await peer.next()), "duplicate_request_id");
    assertEquals(await peer.next(), { request_id: "x", data: { a: { b: "1" } } });
    assertEquals(await other.next(), { request_id: "x", data: { a: { b: "3" } } });
  });

  test("serve() refuses requests over a limit as overloaded until there is room", async () => {
    await using server = await start({ ...LATE, limits: { maxInFlight: 2, maxInFlightTotal: 3 } });
    await using one = await openBrowserSocket(server.url);
    await using two = await openBrowserSocket(server.url);
    for (const id of [1, 2, 3]) one.send({ request_id: id, data: "" });
    assertEquals(await one.next(), overloaded(3));
    for (const id of [1, 2]) two.send({ request_id: id, data: "" });
    assertEquals(await two.next(), overloaded(2));
    one.send({ request_id: 1, cancel: true });
    assertEquals(codeOf(await one.next()), "cancelled");
    two.send({ request_id: 2, data: "" });
    await until("there are three again", () => server.inFlight === 3);
  });

  test("serve() answers a cancel for an id in flight only", async () => {
    await using server = await start(LATE);
    await using peer = await openBrowserSocket(server.url);
    peer.send([{ request_id: 1, data: "" }, { request_id: "1", data: "" }]);
    for (const id of ["unknown", 1, 1, "1"]) peer.send({ request_id: id, cancel: true });
    peer.send("7");
    const answers = [await peer.next(), await peer.next(), await peer.next()];
    assertEquals(answers.map(codeOf), ["cancelled", "cancelled", "invalid_packet"]);
    assertEquals(answers.map((answer) => (answer as { request_id: unknown }).request_id), [
      1,
      "1",
      null,
    ]);
    assertEquals(server.inFlight, 0);
  });

  test("serve() answers internal when an event throws, and goes on", async () => {
    const failed = new Inbox<unknown>();
    await using server = await start({
      ...SOON,
      events: {
        accepted: (id) => {
          if (id === '"bad"') throw new Error("secret");
        },
        failed: (id, error) => failed.put([id, (error as Error).message]),
      },
    });
    await using peer = await openBrowserSocket(server.url);
    peer.send({ request_id: "bad", data: "" });
    const answer = await peer.next();
    assertEquals(codeOf(answer), "internal");
    assert(!JSON.stringify(answer).includes("secret"));
    assertEquals(await failed.next(), ['"bad"', "secret"]);
    peer.send({ request_id: "01", data: EXAMPLE });
    assertEquals(await peer.frames.next(), EXAMPLE_RESPONSE);
  });

  test("serve() survives events that always throw", async () => {
    const fail = () => {
      throw new Error("as asked");
    };
    await using server = await start({
      ...SOON,
      limits: { maxPacketSize: 100 },
      events: { accepted: fail, refused: fail, failed: fail },
    });
    await using peer = await openBrowserSocket(server.url);
    peer.send("x".repeat(101));
    peer.send("{");
    peer.send({ request_id: 1, data: "" });
    peer.send({ request_id: 2, cancel: true });
    for (let i = 0; i < 3; i++) assertEquals(codeOf(await peer.next()), "internal");
  });

  // HTTP.

  test("serve() answers a posted packet with one JSON answer", async () => {
    await using server = await start(SOON);
    const response = await post(server, { request_id: "01", data: EXAMPLE });
    assertEquals(response.status, 200);
    assertEquals(response.headers.get("content-type"), "application/json");
    assertEquals(await response.text(), EXAMPLE_RESPONSE + "\n");
    const again = await post(server, ' \n{"request_id":"01","data":"Hub&&id&&1"}');
    assertEquals(await again.json(), { request_id: "01", data: { Hub: { id: "1" } } });
  });

  test("serve() answers a posted array line by line, each line when it is due", async () => {
    await using server = await start(KNOWN);
    const response = await post(server, [
      { request_id: LATE_ID, data: "" },
      { request_id: SOON_ID, data: "Hub&&id&&1" },
      { request_id: SOON_ID, data: "" },
    ]);
    assertEquals(response.headers.get("content-type"), "application/x-ndjson");
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    while (text.split("\n").length < 3) text += (await reader.read()).value;
    const [refused, answered] = text.split("\n");
    assertEquals(codeOf(JSON.parse(refused!)), "duplicate_request_id");
    assertEquals(answered, `{"request_id":"${SOON_ID}","data":{"Hub":{"id":"1"}}}`);
    assertEquals(server.inFlight, 1);
    await reader.cancel();
    await until("nobody waits for the late one", () => server.inFlight === 0);
  });

  test("serve() ends the response to an array after the last answer", async () => {
    for (const options of [AT_ONCE, SOON]) {
      await using server = await start(options);
      const ids = Array.from({ length: 1000 }, (_, i) => i);
      const response = await post(
        server,
        ids.map((id) => ({ request_id: id, data: `a&&b&&${id}` })),
      );
      const lines = (await response.text()).trimEnd().split("\n").map((line) => JSON.parse(line));
      lines.sort((a, b) => a.request_id - b.request_id);
      assertEquals(lines, ids.map((id) => ({ request_id: id, data: { a: { b: `${id}` } } })));
    }
  });

  test("serve() answers an invalid POST with the status of its error", async () => {
    await using server = await start({
      ...LATE,
      limits: { maxPacketSize: 4096, maxInFlightTotal: 1 },
    });
    const long = "x".repeat(4096);
    const table: [body: unknown, status: number, code: string][] = [
      ["{", 400, "invalid_json"],
      ["", 400, "invalid_json"],
      [{ request_id: 1 }, 400, "invalid_packet"],
      [{ request_id: 1, data: long }, 413, "packet_too_large"],
      [[{ request_id: 1, data: long }], 413, "packet_too_large"],
      ["x".repeat(3_000_000), 413, "packet_too_large"],
    ];
    for (const [body, status, code] of table) {
      const response = await post(server, body);
      const answer = await response.json();
      assertEquals([response.status, codeOf(answer)], [status, code]);
      assertEquals(answer.error.limit, status === 413 ? 4096 : undefined);
    }
    await using peer = await openBrowserSocket(server.url);
    peer.send({ request_id: 1, data: "" });
    await until("there is no room", () => server.inFlight === 1);
    const response = await post(server, { request_id: 1, data: "" });
    assertEquals([response.status, codeOf(await response.json())], [503, "overloaded"]);
    const cancel = await post(server, { request_id: 1, cancel: true });
    assertEquals([cancel.status, await cancel.text()], [204, ""]);
    assertEquals(server.inFlight, 1);
  });

  test("serve() drops posted requests when the client disconnects", async () => {
    const failed = new Inbox<unknown>();
    await using server = await start({
      ...LATE,
      events: { failed: (_, error) => failed.put(error) },
    });
    for (const body of [{ request_id: 1, data: "" }, [{ request_id: 1, data: "" }]]) {
      const abort = new AbortController();
      const response = awaitedLater(
        post(server, body, abort.signal).then((answer) => answer.text()),
      );
      await until("it has arrived", () => server.inFlight === 1);
      abort.abort(new Error("gone"));
      await assertRejects(() => response, Error, "gone");
      await until("it is given up", () => server.inFlight === 0);
    }
    assertEquals(failed.size, 0);
  });

  test("serve() reports no error of its own when a body is incomplete", async () => {
    const failed = new Inbox<unknown>();
    await using server = await start({
      ...LATE,
      events: { failed: (_, error) => failed.put(error) },
    });
    const text = 'POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n{"request_id"';
    using connection = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
    await connection.write(new TextEncoder().encode(text));
    await connection.closeWrite();
    await readToEnd(connection);
    assertEquals(
      await exchange(server.port, text.replace("100", "1") + "\r\n").then(statusOf),
      400,
    );
    assertEquals(failed.size, 0);
  });

  test("serve() reports its state at /healthz", async () => {
    await using server = await start(LATE);
    await using peer = await openBrowserSocket(server.url);
    peer.send([{ request_id: 1, data: "" }, { request_id: 2, data: "" }]);
    await until("both are in flight", () => server.inFlight === 2);
    const response = await fetch(httpUrl(server) + "/healthz");
    assertEquals(response.status, 200);
    assertEquals(await response.json(), {
      status: "ok",
      version: project.version,
      connections: 1,
      in_flight: 2,
      abandoned: 0,
    });
    const head = await fetch(httpUrl(server) + "/healthz", { method: "HEAD" });
    assertEquals([head.status, await head.text()], [200, ""]);
  });

  const OTHER_REQUESTS: [what: string, text: string, status: number][] = [
    ["a GET", "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 426],
    ["a GET of anything else", "GET /x HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 404],
    [
      "a POST to anything else",
      "POST /x HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n",
      404,
    ],
    ["a path with tricks", "GET //../%2e%2e/%00 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 404],
    ["a HEAD", "HEAD / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 426],
    ["a HEAD for an upgrade", upgradeRequest().replace("GET", "HEAD"), 426],
    ["a PUT", "PUT / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n", 405],
    ["OPTIONS *", "OPTIONS * HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 4],
    ["CONNECT", "CONNECT 127.0.0.1:80 HTTP/1.1\r\nHost: 127.0.0.1:80\r\n\r\n", 4],
    [
      "a POST to /healthz",
      "POST /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n",
      405,
    ],
    ["a bad Host", "GET / HTTP/1.1\r\nHost: a b[\r\n\r\n", 400],
    ["a bad Host for an upgrade", upgradeRequest({ Host: "[" }), 400],
    ["no HTTP", "hello\r\n\r\n", 400],
    ["an upgrade to h2c", upgradeRequest({ Upgrade: "h2c" }), 426],
    ["an upgrade without Connection", upgradeRequest({ Connection: "close" }), 400],
    ["an upgrade without version", upgradeRequest({ "Sec-WebSocket-Version": undefined }), 426],
    ["an upgrade of version 8", upgradeRequest({ "Sec-WebSocket-Version": "8" }), 426],
    ["an upgrade without key", upgradeRequest({ "Sec-WebSocket-Key": undefined }), 400],
    ["an upgrade with a bad key", upgradeRequest({ "Sec-WebSocket-Key": "short" }), 400],
  ];

  test("serve() answers any other request with a clear 4xx", async () => {
    const failed = new Inbox<unknown>();
    await using server = await start({
      ...SOON,
      events: { failed: (_, error) => failed.put(error) },
    });
    await Promise.all(OTHER_REQUESTS.map(async ([what, text, expected]) => {
      const answer = await exchange(server.port, text);
      const status = statusOf(answer);
      assertEquals(expected < 100 ? Math.floor(status / 100) : status, expected, what);
      assert(!/^ *at /m.test(answer), `${what}: ${answer}`);
    }));
    assertEquals(failed.size, 0);
  });

  test("serve() says in a refusal what it expected", async () => {
    await using server = await start(SOON);
    const version = await exchange(server.port, upgradeRequest({ "Sec-WebSocket-Version": "8" }));
    assertMatch(version, /sec-websocket-version: 13\r\n/i);
    assertMatch(version, /Expected Sec-WebSocket-Version: 13, got 8/);
    const method = await fetch(httpUrl(server), { method: "DELETE" });
    assertEquals([method.headers.get("allow"), await method.text()], [
      "GET, HEAD, POST",
      "Expected one of GET, HEAD, POST, got DELETE\n",
    ]);
  });

  test("serve() reports the size limit of frames in the handshake", async () => {
    await using server = await start({ ...SOON, limits: { maxPacketSize: 4096 } });
    const handshake = await exchange(server.port, upgradeRequest());
    assertMatch(handshake, /^HTTP\/1\.1 101 [^]*\r\nasyncpkt-max-packet-size: 4096\r\n/i);
  });

  // Unauthenticated and foreign clients.

  test("serve() accepts a token among the subprotocols, and never returns it", async () => {
    await using server = await start({ ...SOON, token: "s3cret/=" });
    const token = "asyncpkt.token.s3cret%2F%3D";
    for (const protocol of ["asyncpkt.v1", "asyncpkt.plain"]) {
      await using peer = await openBrowserSocket(server.url, [token, protocol]);
      assertEquals(peer.socket.protocol, protocol);
      peer.send({ request_id: "01", data: EXAMPLE });
      const answer = await peer.next();
      assertEquals("delay" in (answer as object), protocol === "asyncpkt.v1");
    }
    await assertRejects(() => openBrowserSocket(server.url, ["asyncpkt.v1"]));
    await assertRejects(() => openBrowserSocket(server.url, ["asyncpkt.v1", `${token}x`]));
  });

  test("serve() reports only its status to unauthenticated clients", async () => {
    await using server = await start({ ...SOON, token: "s3cret" });
    const health = async (headers: HeadersInit) =>
      await (await fetch(httpUrl(server) + "/healthz", { headers })).json();
    assertEquals(await health({}), { status: "ok" });
    assertEquals(await health({ authorization: "Bearer x" }), { status: "ok" });
    const figures = {
      status: "ok",
      version: project.version,
      connections: 0,
      in_flight: 0,
      abandoned: 0,
    };
    assertEquals(await health({ authorization: "Bearer s3cret" }), figures);
  });

  test("serve() lets only pages of allowed origins read answers", async () => {
    const origin = "https://friend.example";
    await using server = await start({ ...SOON, allowOrigins: [origin] });
    const body = '{"request_id":"01","data":"a&&b&&c"}';
    const ask = async (headers: HeadersInit) => {
      const response = await fetch(httpUrl(server), { method: "POST", body, headers });
      await response.body?.cancel();
      return [response.status, response.headers.get("access-control-allow-origin")];
    };
    assertEquals(await ask({ origin }), [200, origin]);
    assertEquals(await ask({ origin: "https://evil.example" }), [403, null]);
    assertEquals(await ask({ origin: httpUrl(server) }), [200, null]);
    assertEquals(await ask({}), [200, null]);
  });

  test("serve() sets the security headers on every response", async () => {
    await using server = await start({
      ...SOON,
      events: {
        accepted: () => {
          throw new Error("as asked");
        },
      },
    });
    const packet = '{"request_id":1,"data":""}';
    const requests: [path: string, init: RequestInit, status: number][] = [
      ["/", {}, 426],
      ["/x", {}, 404],
      ["/healthz", {}, 200],
      ["/", { method: "PUT" }, 405],
      ["/", { method: "POST", body: "{" }, 400],
      ["/", { method: "POST", body: packet }, 500],
      ["/", { method: "POST", body: '{"request_id":1,"cancel":true}' }, 204],
      ["/", { method: "POST", headers: { origin: "null" } }, 403],
    ];
    for (const [path, init, status] of requests) {
      const { status: got, headers, body } = await fetch(httpUrl(server) + path, init);
      await body?.cancel();
      assertEquals(got, status);
      const policy = "default-src 'none'; frame-ancestors 'none'";
      assertEquals(headers.get("content-security-policy"), policy);
      assertEquals(headers.get("x-content-type-options"), "nosniff");
      assertEquals(headers.get("cache-control"), "no-store");
      assertEquals(headers.get("referrer-policy"), "no-referrer");
      assertEquals(headers.get("cross-origin-resource-policy"), "same-origin");
    }
  });

  test("serve() reads JavaScript's special names as plain names", async () => {
    await using server = await start(SOON);
    const names = ["__proto__", "constructor", "toString", "hasOwnProperty", "then", "length"];
    for (const protocols of [[], ["asyncpkt.v1"]]) {
      await using peer = await openBrowserSocket(server.url, protocols);
      for (const name of names) {
        const data = `${name}&&${name}&&${name}`;
        const members = `"data":${JSON.stringify(data)},"__proto__":{"data":1,"cancel":true}`;
        peer.send(`{"request_id":"${name}",${members}}`);
        const frame = await peer.frames.next();
        const expected = `{"request_id":"${name}","data":{"${name}":{"${name}":"${name}"}}`;
        assert(frame.includes(expected), frame);
      }
      peer.send('{"__proto__":{"request_id":1,"data":""}}');
      assertEquals(codeOf(await peer.next()), "invalid_packet");
    }
    assertEquals(({} as Record<string, unknown>).data, undefined);
  });

  // Listening.

  test("serve() throws AddrInUse when the port is in use", async () => {
    await using server = await start(SOON);
    await assertRejects(() => start({ ...SOON, port: server.port }), Deno.errors.AddrInUse);
  });

  test("serve() checks its options before it listens", async () => {
    const table: ServeOptions[] = [
      { delay: { min: -1, max: 1 } },
      { delay: { min: 2, max: 1 } },
      { delay: { min: 0, max: Infinity } },
      { seed: 0.5 },
      { limits: { maxInFlight: 0 } },
      { limits: { maxPacketSize: NaN } },
      { token: "" },
      { token: "a b" },
      { allowOrigins: ["friend.example"] },
    ];
    for (const options of table) {
      await assertRejects(() => start({ port: 0, ...options }), RangeError);
    }
  });

  // Ends of connections.

  test("serve() drops requests in flight however their connection ends", async () => {
    await using server = await start(LATE);
    const send = async (connection: Deno.Conn) => {
      await connection.write(clientFrame('{"request_id":1,"data":""}'));
      await until("it is in flight", () => server.inFlight === 1);
    };
    const ends: Record<string, (connection: Deno.Conn) => unknown> = {
      "half-closed": (connection) => connection.closeWrite(),
      "closed without a Close frame": (connection) => connection.close(),
      "a Close frame": (connection) => connection.write(new Uint8Array([0x88, 0x80, 0, 0, 0, 0])),
      "a frame with reserved bits": (connection) => connection.write(new Uint8Array([0xf1, 0x80])),
      "half a frame": async (connection) => {
        await connection.write(new Uint8Array([0x81, 0xff, 0, 0]));
        connection.close();
      },
    };
    for (const [name, end] of Object.entries(ends)) {
      const connection = await openRawSocket(server.port);
      await send(connection);
      await end(connection);
      await until(`nothing is in flight after ${name}`, () => server.inFlight === 0);
      if (!name.startsWith("closed") && !name.startsWith("half a")) connection.close();
    }
    const connections = async () => {
      const response = await fetch(httpUrl(server) + "/healthz");
      return (await response.json()).connections;
    };
    while (await connections() > 0) await delay(2);
  });

  // Draining.

  test("Server.drain() answers requests in flight, refuses new ones, and closes with 1001", async () => {
    const server = await start({ port: 0, delay: { min: 1, max: 1 } });
    await using peer = await openBrowserSocket(server.url);
    await using idle = await openBrowserSocket(server.url, ["asyncpkt.v1"]);
    peer.send({ request_id: "01", data: EXAMPLE });
    const posted = post(server, [{ request_id: 1, data: "" }]).then((response) => response.text());
    await until("both are in flight", () => server.inFlight === 2);
    const drained = server.drain();

    peer.send({ request_id: "02", data: "" });
    assertEquals(codeOf(await peer.next()), "shutting_down");
    const health = await fetch(httpUrl(server) + "/healthz");
    assertEquals([health.status, (await health.json()).status], [503, "draining"]);
    const refused = await post(server, { request_id: 1, data: "" });
    assertEquals([refused.status, codeOf(await refused.json())], [503, "shutting_down"]);
    assertEquals(statusOf(await exchange(server.port, upgradeRequest({}))), 503);

    assertEquals(await peer.frames.next(), EXAMPLE_RESPONSE);
    assertEquals(await posted, '{"request_id":1,"data":{}}\n');
    assertEquals((await peer.closed).code, 1001);
    assertEquals((await idle.closed).code, 1001);
    await drained;
    await server.drain();
    await server[Symbol.asyncDispose]();
    await assertRejects(() => Deno.connect({ hostname: "127.0.0.1", port: server.port }));
  });

  test("Server.drain() counts requests whose connections ended before", async () => {
    await using server = await start(LATE);
    const peers = await Promise.all([openBrowserSocket(server.url), openBrowserSocket(server.url)]);
    for (const peer of peers) peer.send([1, 2].map((id) => ({ request_id: id, data: "" })));
    await until("they are in flight", () => server.inFlight === 4);
    for (const peer of peers) await peer[Symbol.asyncDispose]();
    await until("they are dropped", () => server.inFlight === 0);
    assertEquals(await server.drain(), { dropped: 0, cut: 0, disconnected: 4 });
  });

  test("Server.drain() does not wait for peers that do not close or never read", async () => {
    const server = await start({ port: 0, delay: { min: 0.05, max: 0.05 } });
    using mute = await openRawSocket(server.port);
    using chatty = await openRawSocket(server.port);
    using half = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
    await half.write(new TextEncoder().encode("GET / HTTP/1.1\r\n"));
    await mute.write(clientFrame('{"request_id":1,"data":""}'));
    await until("it is in flight", () => server.inFlight === 1);
    let isDrained = false;
    const drained = server.drain().then(() => isDrained = true);
    // On Deno 2.7, frames after the server's Close are messages without data.
    while (!isDrained) {
      await chatty.write(clientFrame('{"request_id":1,"data":""}')).catch(() => {});
      await chatty.write(new Uint8Array([0x88, 0x80, 0, 0, 0, 0])).catch(() => {});
      await delay(20);
    }
    await drained;
    assertEquals(server.inFlight, 0);
  });

  test("serve() delays requests by 1 to 5 s by default", async () => {
    const delays = new Inbox<number>();
    await using server = await start({
      port: 0,
      events: { accepted: (_id, delay) => delays.put(delay) },
    });
    await using peer = await openBrowserSocket(server.url);
    peer.send(Array.from({ length: 100 }, (_, id) => ({ request_id: id, data: "" })));
    for (const delay of await delays.take(100)) assert(delay >= 1000 && delay <= 5000, `${delay}`);
  });

  // Clients.

  test("serve() answers 40 requests at once, out of order, none before its delay", async () => {
    const delays = new Map<string, number[]>();
    await using server = await start({
      port: 0,
      delay: { min: 0.1, max: 0.5 },
      events: {
        accepted: (id, delay) => delays.set(id, [...delays.get(id) ?? [], delay]),
      },
    });
    const ids = Array.from({ length: 40 }, (_, i) => i + 1);
    const check = (prefix: string, order: number[], latencies: Map<number, number>) => {
      assertEquals(order.toSorted((a, b) => a - b), ids);
      assert(String(order) !== String(ids), "the answers came in order");
      for (const id of ids) {
        const reported = delays.get(JSON.stringify(prefix + id));
        assertEquals(reported?.length, 1);
        const [delay] = reported!;
        assert(delay! >= 100 && delay! <= 500, `${delay}`);
        // Delays are rounded to milliseconds, and so are timers.
        assertGreaterOrEqual(latencies.get(id)! - delay!, -2, `${prefix}${id}`);
      }
    };
    const ours = async () => {
      await using client = await Client.connect(server.url);
      const order: number[] = [];
      const latencies = new Map<number, number>();
      await Promise.all(ids.map(async (id) => {
        const reply = await client.request(`Hub&&id&&${id}`, { id: `ours${id}` });
        assertEquals(reply.data, { Hub: { id: `${id}` } });
        assertEquals(reply.delay, delays.get(JSON.stringify(`ours${id}`))![0]! / 1000);
        order.push(id);
        latencies.set(id, reply.latency);
      }));
      check("ours", order, latencies);
    };
    const foreign = async () => {
      const socket = new ForeignSocket(server.url);
      const frames = new Inbox<[answer: { request_id: string; data: unknown }, at: number]>();
      const closed = Promise.withResolvers<void>();
      socket.on("message", (data: Uint8Array) => {
        frames.put([JSON.parse(String(data)), performance.now()]);
      });
      socket.on("close", () => closed.resolve());
      await new Promise((resolve) => socket.on("open", resolve));
      const sentAt = performance.now();
      for (const id of ids) {
        socket.send(JSON.stringify({ request_id: `ws${id}`, data: `Hub&&id&&${id}` }));
      }
      const answers = await frames.take(ids.length);
      const order = answers.map(([{ request_id }]) => Number(request_id.slice(2)));
      for (const [{ request_id, data }] of answers) {
        assertEquals(data, { Hub: { id: request_id.slice(2) } });
      }
      check("ws", order, new Map(answers.map(([, at], i) => [order[i]!, at - sentAt])));
      socket.close();
      await closed.promise;
    };
    await Promise.all([ours(), foreign()]);
    assertEquals(delays.size, 80);
  });

  Deno.test({
    name: `${subject}: serve() answers Python's websockets${python ? "" : NO_PYTHON}`,
    ignore: python === undefined,
    async fn() {
      await using server = await start({ port: 0, delay: { min: 0.01, max: 0.3 } });
      const command = new Deno.Command(python!, { args: ["-c", PYTHON_CLIENT, server.url] });
      const { success, stderr } = await command.output();
      assert(success, new TextDecoder().decode(stderr));
    },
  });
}
