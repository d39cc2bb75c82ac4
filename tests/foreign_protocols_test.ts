/**
 * Clients that know nothing of asyncpkt, with the protocols that they speak: a client of JSON-RPC
 * from npm, and an exchange of OCPP in Python.
 */

import { assertEquals, assertRejects } from "@std/assert";
// Named in deno.json, they would go into the executable.
// deno-lint-ignore no-import-prefix
import { JSONRPCClient, type JSONRPCErrorException } from "npm:json-rpc-2.0@^1";
// deno-lint-ignore no-import-prefix
import reconnectingWebSocket from "npm:reconnecting-websocket@^4";
import { type Clock, jsonRpcProtocol, manualClock, serve, type ServeOptions } from "../server.ts";
import { startCommand } from "./support/fake_streams.ts";
import { findPython, NO_PYTHON } from "./support/machine.ts";
import { awaitedLater } from "./support/waiting.ts";

// The package exports the class itself, which its types call the default.
const ReconnectingSocket = reconnectingWebSocket as unknown as typeof reconnectingWebSocket.default;

const TRANSPORTS = ["deno", "strict"] as const;

/** A time-out that ends no test on a busy machine, in milliseconds. */
const PATIENT = 20_000;

/** A connected client, made of two packages as their pages say. It closes at the end. */
async function connect(url: string) {
  const socket = new ReconnectingSocket(url, [], { minReconnectionDelay: 1 });
  const opened = () =>
    new Promise<void>((resolve) => {
      socket.addEventListener("open", () => resolve());
    });
  const client = new JSONRPCClient((request) => socket.send(JSON.stringify(request)));
  socket.addEventListener("message", ({ data }) => {
    try {
      client.receive(JSON.parse(data));
    } catch {
      // The server sent garbage.
    }
  });
  await opened();
  return {
    opened,
    call: (method: string, params?: object, timeout = PATIENT): Promise<unknown> =>
      awaitedLater(Promise.resolve(client.timeout(timeout).request(method, params))),
    notify: (method: string, params?: object) => client.notify(method, params),
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => {
        socket.addEventListener("close", resolve);
      });
      socket.close();
      await closed;
    },
  };
}

function failure(call: Promise<unknown>): Promise<JSONRPCErrorException> {
  return assertRejects(() => call) as Promise<JSONRPCErrorException>;
}

function serveJsonRpc<C extends Clock>(options: ServeOptions<C>) {
  return serve({ port: 0, delay: 0, protocol: jsonRpcProtocol(), ...options });
}

for (const websocket of TRANSPORTS) {
  Deno.test(`json-rpc-2.0 gets answers in any order (${websocket})`, async () => {
    await using server = serveJsonRpc({ websocket, journal: 100 });
    await using client = await connect(server.url);
    const hold = server.hold({ at: "/method", is: "slow" });
    const ended: string[] = [];
    const calls = ["a", "b", "c"].map(async (name) => {
      assertEquals(await client.call("slow", { name }), { name });
      ended.push(name);
    });
    await hold.arrived(3);
    assertEquals(await client.call("fast", ["é", 1.5, null]), ["é", 1.5, null]);
    for (const id of [3, 1, 2]) {
      hold.release(id);
      await server.received(1, { id, outcome: "answered" });
    }
    await Promise.all(calls);
    assertEquals(ended, ["c", "a", "b"]);
  });

  Deno.test(`json-rpc-2.0 gets late answers when the clock says so (${websocket})`, async () => {
    const rules = [{ match: { at: "/params/0", is: "late" }, delay: 3600 }];
    await using server = serveJsonRpc({ websocket, rules, clock: manualClock() });
    await using client = await connect(server.url);
    const late = client.call("m", ["late"]);
    assertEquals(await client.call("m", ["soon"]), ["soon"]);
    await server.received(1, { outcome: "in_flight" });
    server.clock.advance(3_600_000);
    assertEquals(await late, ["late"]);
  });

  Deno.test(`json-rpc-2.0 meets faults, and goes on (${websocket})`, async () => {
    const faults = ["drop", "error", "duplicate", "garbage", "disconnect"] as const;
    const rules = [
      ...faults.map((fault) => ({ match: { at: "/method", is: fault }, fault })),
      { match: { at: "/method", is: "full" }, error: { code: "overloaded", message: "later" } },
      { match: { at: "/method", is: "sum" }, answer: { of: "{{/params}}", is: 3 } },
    ] as const;
    await using server = serveJsonRpc({ websocket, rules });
    await using client = await connect(server.url);
    const timeout = [0, "Request timeout", undefined];
    const outcomes: [method: string, rejection: unknown[]][] = [
      ["drop", timeout],
      ["garbage", timeout],
      ["error", [-32603, "internal error; see the log of the server", { code: "internal" }]],
      ["full", [-32002, "later", { code: "overloaded" }]],
    ];
    for (const [method, rejection] of outcomes) {
      const patience = rejection === timeout ? 50 : PATIENT;
      const { code, message, data } = await failure(client.call(method, [], patience));
      assertEquals([code, message, data], rejection);
    }
    assertEquals(await client.call("duplicate", [1]), [1]);
    assertEquals(await client.call("m", [2]), [2]);
    assertEquals(await client.call("sum", [1, 2]), { of: [1, 2], is: 3 });

    const reopened = client.opened();
    assertEquals((await failure(client.call("disconnect", [], 50))).message, "Request timeout");
    await reopened;
    assertEquals(await client.call("m", [3]), [3]);
    assertEquals(server.requests.at(-1)!.connection, 2);
  });

  Deno.test(`json-rpc-2.0 sends notifications and cancels (${websocket})`, async () => {
    await using server = serveJsonRpc({ websocket, journal: 100 });
    await using client = await connect(server.url);
    const hold = server.hold({});
    const call = client.call("slow");
    await hold.arrived(1);
    await client.notify("note", { a: 1 });
    await client.notify("$/cancelRequest", { id: 1 });
    assertEquals((await failure(call)).code, -32800);
    assertEquals(server.requests.map(({ id, data, outcome }) => [id, data, outcome]), [
      [1, '{"jsonrpc":"2.0","id":1,"method":"slow"}', "cancelled"],
      [null, '{"jsonrpc":"2.0","method":"note","params":{"a":1}}', "notification"],
    ]);
  });

  Deno.test(`json-rpc-2.0 talks to a function (${websocket})`, async () => {
    const answer = async ({ value }: { value: unknown }) => {
      const { method, params } = value as { method: string; params: number[] };
      await Promise.resolve();
      if (method === "sum") return params.reduce((sum, each) => sum + each);
      throw new Error(`no method ${method}`);
    };
    await using server = serveJsonRpc({ websocket, answer });
    await using client = await connect(server.url);
    assertEquals(await client.call("sum", [1, 2, 3]), 6);
    assertEquals((await failure(client.call("product"))).code, -32603);
  });
}

/** A charge point: what it is answered, and in which order, steered over the control API. */
const CHARGE_POINT = `
import asyncio, json, sys, urllib.request, websockets

url = sys.argv[1]

def control(path, body):
    data = json.dumps(body).encode()
    request = urllib.request.Request(url.replace("ws", "http") + "/control" + path, data)
    with urllib.request.urlopen(request) as response:
        return json.load(response)

async def main():
    async with websockets.connect(url, subprotocols=["ocpp1.6"]) as socket:
        print(socket.subprotocol)
        async def call(id, action, payload):
            await socket.send(json.dumps([2, id, action, payload]))
        await call("1", "BootNotification", {"chargePointModel": "é"})
        print(await socket.recv())
        await call("2", "Heartbeat", {})
        print(await socket.recv())
        await call("3", "Authorize", {"idTag": "A"})
        print(await socket.recv())
        await asyncio.to_thread(control, "/hold", {"match": {"at": "/2", "is": "MeterValues"}})
        await call("4", "MeterValues", {"connectorId": 1})
        await call("5", "MeterValues", {"connectorId": 2})
        wait = {"count": 2, "outcome": "held"}
        await asyncio.to_thread(control, "/requests/wait", wait)
        for id in ["5", "4"]:
            await asyncio.to_thread(control, "/release", {"ids": [id]})
            print(await socket.recv())
        await socket.send(json.dumps([3, "6", {}]))
        await socket.send("no JSON")
        print(await socket.recv())
        await call("7", "StatusNotification", {})
        try:
            await socket.recv()
        except websockets.ConnectionClosed as error:
            print(error.rcvd.code, error.rcvd.reason)

asyncio.run(main())
`;

const python = await findPython();

Deno.test({
  name: `a charge point in Python speaks OCPP with serve --protocol json${python ? "" : NO_PYTHON}`,
  ignore: python === undefined,
  async fn() {
    const rules = await Deno.makeTempFile({ suffix: ".json" });
    await Deno.writeTextFile(
      rules,
      JSON.stringify([
        {
          match: { at: "/2", is: "BootNotification" },
          delay: 0.01,
          answer: [3, "{{id}}", { status: "Accepted", was: "{{/3/chargePointModel}}" }],
        },
        { match: { at: "/3/idTag" }, error: { code: "overloaded", message: "no" } },
        { match: { at: "/2", is: "Status*" }, fault: "disconnect" },
        { match: { at: "/0", is: 3 }, fault: "drop" }, // answers of the charge point
      ]),
    );
    const server = startCommand([
      ...["serve", "--port", "0", "--delay", "0", "--control", "--rules", rules],
      ...["--protocol", "json", "--id-at", "/1", "--answer", "[3,{{id}},{}]"],
      ...["--error-answer", '[4,{{id}},"InternalError",{{/message}},{"code":{{/code}}}]'],
    ]);
    const [, url] = await server.seen(/^Listening on (\S+)\n/);
    const args = ["-c", CHARGE_POINT, url!];
    const { stdout, stderr } = await new Deno.Command(python!, { args }).output();
    const decoder = new TextDecoder();
    assertEquals(decoder.decode(stderr), "");
    assertEquals(decoder.decode(stdout).trimEnd().split("\n"), [
      "ocpp1.6",
      '[3,"1",{"status":"Accepted","was":"é"}]',
      '[3,"2",{}]',
      '[4,"3","InternalError","no",{"code":"overloaded"}]',
      '[3,"5",{}]',
      '[3,"4",{}]',
      '[4,null,"InternalError","the frame is not JSON",{"code":"invalid_json"}]',
      "1011 Disconnected on purpose",
    ]);
    server.interrupt();
    assertEquals(await server.exit, 0);
    await Deno.remove(rules);
  },
});
