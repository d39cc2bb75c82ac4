import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { makeIdentity } from "../tests/support/certificates.ts";
import { FakeTime } from "../tests/support/fake_time.ts";
import { until } from "../tests/support/waiting.ts";
import { upgradeRequest } from "../websocket/handshake.ts";
import { StrictListener, type StrictListenerOptions } from "./strict_listener.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A listener whose sockets echo, and which answers other requests with what it knows of them. */
function listen(options: Partial<StrictListenerOptions> = {}) {
  const errors: unknown[] = [];
  const ends: number[] = [];
  const listener = new StrictListener({
    hostname: "127.0.0.1",
    port: 0,
    tls: undefined,
    reusePort: false,
    maxMessage: 1000,
    handshakeDelay: 0,
    async handler(request, { remoteAddr }, upgrade) {
      const { pathname } = new URL(request.url);
      if (pathname.endsWith("/where")) return new Response(request.url, { status: 404 });
      if (pathname === "/refuse") return new Response("no room\n", { status: 503 });
      if (pathname === "/throw") throw new Error("thrown on purpose");
      if (upgrade === undefined) {
        const { method, url } = request;
        return Response.json({
          method,
          url,
          from: remoteAddr.hostname,
          body: await request.text(),
        });
      }
      const { socket, response } = upgrade("echo", { "x-limit": "1000" });
      socket.listen({
        onOpen: () => socket.send("hello"),
        onMessage: (frame) =>
          socket.send(typeof frame === "string" ? frame : `${frame.length} bytes`),
        onTooLong: (head, size) => socket.send(`${head.length} of ${size}`),
        onReadError: (error) => errors.push(error),
        onEnd: () => ends.push(1),
      });
      return response;
    },
    onError(error) {
      errors.push(error);
      return new Response(null, { status: 500 });
    },
    ...options,
  });
  return {
    listener,
    errors,
    ends,
    port: listener.port,
    [Symbol.asyncDispose]: () => listener.close(),
  };
}

/** Sends a request as it is; returns the response until the connection ends or `enough` of it came. */
async function ask(port: number, text: string, enough = /(?!)/): Promise<string> {
  using connection = await Deno.connect({ port });
  await connection.write(encoder.encode(text));
  let answer = "";
  const buffer = new Uint8Array(1 << 12);
  while (!enough.test(answer)) {
    const count = await connection.read(buffer);
    if (count === null) break;
    answer += decoder.decode(buffer.subarray(0, count));
  }
  return answer;
}

/** Opens a WebSocket; `next` resolves to the next message, and to the code when it is closed. */
async function open(url: string, options?: { client: Deno.HttpClient }) {
  const socket = options === undefined
    ? new WebSocket(url, ["echo"])
    : new WebSocket(url, { protocols: ["echo"], ...options } as unknown as string[]);
  const received: unknown[] = [];
  socket.onmessage = ({ data }) => received.push(data);
  socket.onclose = ({ code }) => received.push(code);
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = reject;
  });
  return {
    socket,
    async next() {
      await until("something came", () => received.length > 0);
      return received.shift();
    },
  };
}

Deno.test("a WebSocket and other requests share the port", async () => {
  await using server = listen();
  const { socket, next } = await open(`ws://127.0.0.1:${server.port}/`);
  assertEquals(socket.protocol, "echo");
  assertEquals(await next(), "hello");
  socket.send("text");
  assertEquals(await next(), "text");
  socket.send(new Uint8Array(7));
  assertEquals(await next(), "7 bytes");
  socket.send("x".repeat(5000));
  assertEquals(await next(), "4096 of 5000");
  const response = await fetch(`http://127.0.0.1:${server.port}/path?query`, {
    method: "POST",
    body: "a body",
  });
  assertEquals(await response.json(), {
    method: "POST",
    url: `http://127.0.0.1:${server.port}/path?query`,
    from: "127.0.0.1",
    body: "a body",
  });
  socket.close(1000);
  assertEquals(await next(), 1000);
  await until("the server knows", () => server.ends.length > 0);
  assertEquals([server.errors, server.ends], [[], [1]]);
});

Deno.test("a refused upgrade is answered with the handler's response", async () => {
  await using server = listen();
  const answer = await ask(server.port, upgradeRequest({}, "/refuse"));
  assertStringIncludes(answer, "HTTP/1.1 503 ");
  assertStringIncludes(answer, "\r\n\r\nno room\n");
});

Deno.test("the URL of a request has the host of its Host header, whatever its path", async () => {
  await using server = listen();
  const table: [path: string, url: string][] = [
    ["/where", "http://a/where"],
    ["//localhost/where", "http://a//localhost/where"],
    ["http://localhost/where", "http://ahttp//localhost/where"],
  ];
  for (const [path, url] of table) {
    const answer = await ask(server.port, upgradeRequest({ "Host": "a" }, path));
    assertStringIncludes(answer, `\r\n\r\n${url}`);
  }
});

Deno.test("a handler that throws is reported, and its client gets 500", async () => {
  await using server = listen();
  const answer = await ask(server.port, upgradeRequest({}, "/throw"));
  assertStringIncludes(answer, "HTTP/1.1 500 ");
  assertEquals(server.errors.length, 1);
});

Deno.test("requests that are no valid upgrade go to the HTTP server", async (t) => {
  await using server = listen();
  const table: [name: string, request: string][] = [
    ["a GET", "GET / HTTP/1.1\r\nHost: a\r\n\r\n"],
    ["HTTP/1.0", "GET / HTTP/1.0\r\nHost: a\r\n\r\n"],
    ["another version", upgradeRequest({ "Sec-WebSocket-Version": "8" })],
    ["a broken key", upgradeRequest({ "Sec-WebSocket-Key": "short" })],
    ["no Connection: upgrade", upgradeRequest({ "Connection": "keep-alive" })],
  ];
  for (const [name, request] of table) {
    await t.step(name, async () => {
      const answer = await ask(server.port, request, /\}/);
      assertStringIncludes(answer, '"from":"127.0.0.1"');
    });
  }
});

Deno.test("a head that is too long, or cut off, ends the connection alone", async () => {
  await using server = listen();
  await ask(server.port, "GET / HTTP/1.1\r\n" + "a: b\r\n".repeat(4000)).catch(() => {});
  using connection = await Deno.connect({ port: server.port });
  await connection.write(encoder.encode("GET / HT"));
  connection.close();
  assertStringIncludes(await ask(server.port, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", /\}/), "200");
  assertEquals(server.errors, []);
});

Deno.test("a head must arrive within ten seconds", async () => {
  using time = new FakeTime();
  await using server = listen();
  using connection = await Deno.connect({ port: server.port });
  await connection.write(encoder.encode("GET / HT"));
  const ended = connection.read(new Uint8Array(10));
  // The server has accepted it once another request is answered.
  assertStringIncludes(await ask(server.port, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", /\}/), "200");
  time.pass(10_000);
  assertEquals(await ended, null);
});

Deno.test("clients that left before they were accepted delay no others, and are no errors", async () => {
  const { listen: realListen } = Deno;
  Deno.listen = ((options: Deno.TcpListenOptions) => {
    Deno.listen = realListen;
    const listener = realListen(options);
    const accept = listener.accept.bind(listener);
    let left = 3;
    listener.accept = () =>
      left-- > 0 ? Promise.reject(new Deno.errors.NotConnected("as asked")) : accept();
    return listener;
  }) as typeof Deno.listen;
  try {
    await using server = listen();
    assertStringIncludes(await ask(server.port, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", /\}/), "200");
    assertEquals(server.errors, []);
  } finally {
    Deno.listen = realListen;
  }
});

Deno.test("nobody reaches the HTTP server but through the listener", async () => {
  const ports: number[] = [];
  const { serve } = Deno;
  Deno.serve = ((options: Deno.ServeTcpOptions, handler: Deno.ServeHandler<Deno.NetAddr>) => {
    const server = serve(options, handler);
    ports.push(server.addr.port);
    return server;
  }) as typeof Deno.serve;
  try {
    await using _ = listen();
    const answer = await ask(ports[0]!, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    assertStringIncludes(answer, "HTTP/1.1 403 ");
  } finally {
    Deno.serve = serve;
  }
});

Deno.test("over TLS, connections live on when the certificate is replaced", async () => {
  const [one, two] = await Promise.all([makeIdentity(), makeIdentity()]);
  await using server = listen({ tls: one.tls });
  const url = `wss://127.0.0.1:${server.port}/`;
  using clientOfOne = Deno.createHttpClient({ caCerts: [...one.caCerts] });
  using clientOfTwo = Deno.createHttpClient({ caCerts: [...two.caCerts] });
  const first = await open(url, { client: clientOfOne });
  assertEquals(await first.next(), "hello");
  await server.listener.setCertificate(two.tls);
  const second = await open(url, { client: clientOfTwo });
  assertEquals(await second.next(), "hello");
  first.socket.send("still here");
  assertEquals(await first.next(), "still here");
  const response = await fetch(url.replace("wss", "https"), { client: clientOfTwo });
  assert((await response.json()).url.startsWith("https://"));
  for (const { socket, next } of [first, second]) {
    socket.close();
    await next();
  }
  await server.listener.setCertificate(two.tls);
  const broken = { ...two.tls, key: one.tls.key };
  assertEquals(
    await server.listener.setCertificate(broken).catch(({ name }) => name),
    "RangeError",
  );
});
