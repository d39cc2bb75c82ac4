/**
 * Other protocols than packets with all that happens to requests: faults, limits, drains, the
 * journal, recordings and metrics.
 */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { ENDING_FAULTS, FAULT_KINDS, isTransportFault } from "../session/faults.ts";
import { type Recorded, recordTo } from "../session/recording.ts";
import {
  echoProtocol,
  jsonProtocol,
  jsonRpcProtocol,
  type Protocol,
  serve,
  type ServeOptions,
} from "../server.ts";
import { Inbox, until } from "../tests/support/waiting.ts";
import { canReset } from "./resettable_listener.ts";

const TRANSPORTS = ["deno", "strict"] as const;

type Sent = string | Uint8Array<ArrayBuffer>;

/** Opens a WebSocket; what it receives are texts, arrays of bytes, and its close code at the end. */
async function open(url: string) {
  const socket = new WebSocket(url);
  socket.binaryType = "arraybuffer";
  const inbox = new Inbox<unknown>();
  socket.onmessage = ({ data }) =>
    inbox.put(typeof data === "string" ? data : [...new Uint8Array(data)]);
  const closed = new Promise<void>((resolve) => {
    socket.onclose = ({ code }) => {
      inbox.put(code);
      resolve();
    };
  });
  await new Promise((resolve) => socket.onopen = resolve);
  return {
    inbox,
    send: (frame: Sent | object) =>
      socket.send(
        typeof frame === "string" || frame instanceof Uint8Array ? frame : JSON.stringify(frame),
      ),
    async [Symbol.asyncDispose]() {
      socket.close();
      await closed;
    },
  };
}

/** A request of each protocol that meets a fault, one that does not, and their answers. */
const EXCHANGES: readonly {
  name: string;
  protocol: Protocol;
  request: Sent;
  answer: Sent;
  last: Sent;
  /** Of the error `internal`, if it has an answer. */
  error?: string;
}[] = [
  {
    name: "JSON-RPC",
    protocol: jsonRpcProtocol(),
    request: '{"jsonrpc":"2.0","id":"é","method":"m","params":["é"]}',
    answer: '{"jsonrpc":"2.0","id":"é","result":["é"]}',
    error:
      '{"jsonrpc":"2.0","id":"é","error":{"code":-32603,"message":"internal error; see the log' +
      ' of the server","data":{"code":"internal"}}}',
    last: '{"jsonrpc":"2.0","id":2,"result":null}',
  },
  {
    name: "JSON",
    protocol: jsonProtocol({ error: "[{{id}},{{/code}}]" }),
    request: '{"id":"a","text":"some text"}',
    answer: '{"id":"a","text":"some text"}',
    error: '["a","internal"]',
    last: '{"id":2}',
  },
  {
    name: "echo of text",
    protocol: echoProtocol(),
    request: "héllo",
    answer: "héllo",
    last: "last",
  },
  {
    name: "echo of bytes",
    protocol: echoProtocol(),
    request: new Uint8Array([1, 2, 3, 255]),
    answer: new Uint8Array([1, 2, 3, 255]),
    last: new Uint8Array([9]),
  },
  {
    name: "echo of nothing",
    protocol: echoProtocol(),
    request: new Uint8Array(0),
    answer: new Uint8Array(0),
    last: "last",
  },
];

const shown = (frame: Sent) => typeof frame === "string" ? frame : [...frame];

for (const websocket of TRANSPORTS) {
  for (const { name, protocol, request, answer, error, last } of EXCHANGES) {
    for (const kind of FAULT_KINDS) {
      if (kind === "stall" || isTransportFault(kind) && websocket !== "strict") continue;
      if (kind === "reset" && !canReset()) continue; // Deno 2.7
      Deno.test(`${kind} happens to ${name} (${websocket})`, async () => {
        const fault = kind === "late" ? { late: 0.001 } : kind === "drip" ? { drip: 1e5 } : kind;
        const rules: ServeOptions["rules"] = [{ match: {}, fault, times: 1 }];
        await using server = serve({ port: 0, delay: 0, websocket, protocol, rules });
        await using peer = await open(server.url);
        const received: Record<typeof kind, readonly unknown[]> = {
          ...{ drop: [], late: [shown(answer)], split: [shown(answer)], drip: [shown(answer)] },
          error: error === undefined ? [] : [error],
          duplicate: [shown(answer), shown(answer)],
          garbage: [shown(answer.slice(0, answer.length / 2))],
          ...{ disconnect: [1011], badframe: [1002], reset: [1006], stall: [] },
        };
        peer.send(request);
        const [first, ...more] = received[kind];
        if (first !== undefined) {
          const got = await peer.inbox.next();
          // Clients differ in how they report a frame that is broken.
          if (kind === "badframe" || kind === "reset") assert(typeof got === "number", `${got}`);
          else assertEquals(got, first);
        }
        assertEquals(await peer.inbox.take(more.length), more);
        await using other = ENDING_FAULTS.has(kind) ? await open(server.url) : undefined;
        const sent = typeof last === "string" && last.includes("result")
          ? '{"jsonrpc":"2.0","id":2,"method":"m"}'
          : last;
        (other ?? peer).send(sent);
        assertEquals(await (other ?? peer).inbox.next(), shown(last));
        assertEquals([server.faults![kind], server.inFlight], [1, 0]);
      });
    }
  }

  Deno.test(`JSON-RPC has a code for each error of a server (${websocket})`, async () => {
    const limits = { maxInFlight: 2, maxPacketSize: 200 };
    const server = serve({
      ...{ port: 0, delay: 0, websocket, limits, journal: 100, drainTimeout: 20_000 },
      protocol: jsonRpcProtocol(),
    });
    await using peer = await open(server.url);
    server.hold({});
    const call = (id: unknown, more = {}) => ({ jsonrpc: "2.0", id, method: "m", ...more });
    const errorOf = async () => {
      const { id, error } = JSON.parse(await peer.inbox.next() as string);
      return [id, error.code, error.data];
    };
    peer.send(call(1));
    peer.send(call(1));
    assertEquals(await errorOf(), [1, -32001, { code: "duplicate_request_id" }]);
    peer.send([call("1"), call("1"), call(3)]);
    // The limit comes first, as for packets.
    assertEquals(await errorOf(), ["1", -32002, { code: "overloaded" }]);
    assertEquals(await errorOf(), [3, -32002, { code: "overloaded" }]);
    peer.send(call(4, { params: ["x".repeat(200)] }));
    assertEquals(await errorOf(), [null, -32004, { code: "packet_too_large", limit: 200 }]);
    peer.send({ jsonrpc: "2.0", method: "$/cancelRequest", params: { id: "1" } });
    assertEquals(await errorOf(), ["1", -32800, { code: "cancelled" }]);
    peer.send({ jsonrpc: "2.0", method: "$/cancelRequest", params: { id: "none" } });
    peer.send(call(null));
    await server.received(2, { outcome: "held" });
    const drained = server.drain();
    peer.send(call(5));
    assertEquals(await errorOf(), [5, -32003, { code: "shutting_down" }]);
    server.release();
    const results = [1, null].map((id) => `{"jsonrpc":"2.0","id":${id},"result":null}`);
    assertEquals(await peer.inbox.take(2), results);
    assertEquals((await drained).dropped, 0);
  });

  Deno.test(`a client that sends nothing right loses its connection (${websocket})`, async () => {
    const options = { port: 0, delay: 0, websocket, limits: { maxConsecutiveErrors: 3 } };
    await using server = serve({ ...options, protocol: jsonProtocol() });
    await using peer = await open(server.url);
    for (const frame of ["{", "{", '{"note":1}', "{", "{", '{"id":1}', "{", "{"]) peer.send(frame);
    assertEquals(await peer.inbox.next(), '{"id":1}');
    peer.send("{");
    assertEquals(await peer.inbox.next(), 1008);
  });

  Deno.test(`echo numbers the frames of each connection (${websocket})`, async () => {
    const limits = { maxPacketSize: 4 };
    const options = { port: 0, delay: 0, websocket, limits, journal: 100 };
    await using server = serve({ ...options, protocol: echoProtocol() });
    await using one = await open(server.url);
    await using two = await open(server.url);
    for (const frame of ["a", "12345", new Uint8Array(5), "b", new Uint8Array([0, 255])]) {
      one.send(frame);
    }
    assertEquals(await one.inbox.take(3), ["a", "b", [0, 255]]);
    two.send("a");
    assertEquals(await two.inbox.next(), "a");
    const entries = server.requests.map(({ id, data, outcome }) => [id, data, outcome]);
    assertEquals(entries, [
      [1, "a", "answered"],
      [null, "", "error:packet_too_large"],
      [null, "", "error:packet_too_large"],
      [2, "b", "answered"],
      [3, "AP8=", "answered"],
      [1, "a", "answered"],
    ]);
  });

  Deno.test(`recordings and metrics count the frames of other protocols (${websocket})`, async () => {
    const lines: Recorded[] = [];
    const tap = recordTo((line) => lines.push(JSON.parse(line)));
    for (
      const [protocol, frames, out] of [
        [echoProtocol(), ["é", new Uint8Array([0xff])], 3],
        [jsonRpcProtocol(), [
          '{"jsonrpc":"2.0","method":"é"}',
          '{"jsonrpc":"2.0","id":"é","method":"m"}',
        ], 40],
      ] as const
    ) {
      lines.length = 0;
      await using server = serve({ port: 0, delay: 0, websocket, protocol, tap });
      const peer = await open(server.url);
      for (const frame of frames) peer.send(frame);
      await peer.inbox.take(out === 3 ? 2 : 1);
      await peer[Symbol.asyncDispose]();
      await until("the session is closed", () => lines.at(-1)?.event === "close");
      const recorded = lines.map(({ event, frame, base64 }) => [event, frame ?? base64 ?? ""]);
      const answer = '{"jsonrpc":"2.0","id":"é","result":null}';
      assertEquals(
        recorded.filter(([event]) => event === "in" || event === "out").sort(),
        (out === 3
          ? [["in", "/w=="], ["in", "é"], ["out", "/w=="], ["out", "é"]]
          : [["in", frames[0]], ["in", frames[1]], ["out", answer]]).sort(),
      );
      const metrics = await (await fetch(`${server.url.replace("ws", "http")}/metrics`)).text();
      const size = frames.map((frame) => new Blob([frame]).size).reduce((sum, each) => sum + each);
      assertMatch(metrics, new RegExp(`received_bytes_total ${size}$`, "m"));
      assertMatch(
        metrics,
        new RegExp(`sent_bytes_total ${out === 3 ? 3 : new Blob([answer]).size}$`, "m"),
      );
      assertEquals(metrics.includes('outcome="notification"} 1'), out !== 3);
    }
  });
}
