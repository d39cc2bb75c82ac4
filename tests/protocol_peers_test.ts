/**
 * `bench` and `send` against servers of other protocols that are not ours.
 *
 * @module
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
// Named in deno.json, they would go into the executable.
// deno-lint-ignore no-import-prefix
import { JSONRPCServer } from "npm:json-rpc-2.0@^1";
// deno-lint-ignore no-import-prefix
import { WebSocketServer } from "npm:ws@^8";
import { runCommand } from "./support/fake_streams.ts";
import { findPython, NO_PYTHON } from "./support/machine.ts";
import { startProgram } from "./support/program.ts";

/** Starts a server with `npm:ws`, which passes on what it receives, as that package does: as bytes. */
async function startServer(
  onMessage: (message: Uint8Array, send: (answer: string | Uint8Array) => void) => void,
) {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  // The package has no types.
  // deno-lint-ignore no-explicit-any
  server.on("connection", (socket: any) => {
    const send = (answer: string | Uint8Array) => socket.send(answer);
    socket.on("message", (message: Uint8Array) => onMessage(message, send));
  });
  await new Promise((resolve) => server.on("listening", resolve));
  return {
    url: `ws://127.0.0.1:${(server.address() as { port: number }).port}`,
    async [Symbol.asyncDispose]() {
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Measures a server; returns the exit code, and the counts that are not 0. */
async function bench(url: string, ...args: string[]) {
  const { code, stdout, stderr } = await runCommand([
    ...["bench", "--url", url, "--json", "-c", "2", "-p", "10", "-n", "100"],
    ...args,
  ]);
  assertEquals(stderr, "");
  const { counts, errors, latency_ms } = JSON.parse(stdout);
  const some = Object.entries<number>(counts).filter(([, count]) => count > 0);
  return { code, counts: Object.fromEntries(some), errors, latency_ms };
}

Deno.test("bench and send work with JSON-RPC of npm:json-rpc-2.0", async () => {
  const rpc = new JSONRPCServer();
  // Every second answer takes longer than the next.
  let calls = 0;
  rpc.addMethod("ping", async () => {
    await new Promise((resolve) => setTimeout(resolve, calls++ % 2 === 0 ? 20 : 0));
    return "pong";
  });
  await using server = await startServer((message, send) => {
    void rpc.receiveJSON(new TextDecoder().decode(message)).then((answer) => {
      if (answer !== null) send(JSON.stringify(answer));
    });
  });
  const args = ["--protocol", "jsonrpc"];
  const { code, counts: { out_of_order, ...counts } } = await bench(server.url, ...args);
  assertEquals([code, counts], [0, { sent: 100, answered: 100 }]);
  assert(out_of_order! > 0);
  const batches = await bench(server.url, ...args, "--batch", "5");
  assertEquals([batches.code, batches.counts], [0, { sent: 100, answered: 100 }]);
  const unknown = '{"jsonrpc":"2.0","id":"{{id}}","method":"no"}';
  const wrong = await bench(server.url, ...args, "--template", unknown);
  assertEquals([wrong.code, wrong.counts], [1, { sent: 100, failed: 100 }]);
  assertEquals(wrong.errors, { "-32601": 100 });

  const messages = ["ping", "no"].map((method) => `{"jsonrpc":"2.0","method":"${method}"}`);
  const sent = await runCommand(["send", ...args, "--url", server.url, "--ordered", ...messages]);
  assertEquals(sent.code, 1);
  const answers = sent.stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
  assertEquals(answers.map(({ id, result, error }) => [id, result ?? error.code]), [
    [1, "pong"],
    [2, -32601],
  ]);
});

Deno.test("bench and send work with an echo server of npm:ws", async () => {
  await using server = await startServer((message, send) => send(message));
  const { code, counts } = await bench(server.url, "--protocol", "echo");
  assertEquals([code, counts], [0, { sent: 100, answered: 100 }]);
  const args = ["send", "--protocol", "echo", "--url", server.url, "--ordered"];
  const sent = await runCommand(args, { stdin: "one\ntwo\none\n" });
  assertEquals([sent.code, sent.stdout], [0, "one\ntwo\none\n"]);
});

/** A central system of OCPP 1.6: calls to Boot are answered after the next, those to No with an error. */
const CENTRAL_SYSTEM = `
import asyncio, json, websockets
async def answer(socket, call):
    kind, id, action, payload = json.loads(call)
    assert kind == 2 and isinstance(id, str)
    if action == "Boot":
        await asyncio.sleep(0.02)
    if action == "No":
        await socket.send(json.dumps([4, id, "NotImplemented", "", {}]))
    else:
        await socket.send(json.dumps([3, id, {"action": action}]))
async def serve(socket):
    assert socket.subprotocol == "ocpp1.6"
    tasks = [asyncio.create_task(answer(socket, call)) async for call in socket]
    await asyncio.gather(*tasks)
async def main():
    async with websockets.serve(serve, "127.0.0.1", 0, subprotocols=["ocpp1.6"]) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.Future()
asyncio.run(main())
`;

const python = await findPython();

Deno.test({
  name: `bench and send work with OCPP of Python's websockets${python ? "" : NO_PYTHON}`,
  ignore: python === undefined,
  async fn() {
    await using server = startProgram(python!, ["-c", CENTRAL_SYSTEM]);
    const url = `ws://127.0.0.1:${await server.stdout.next()}/CP1`;
    const flags = ["--protocol", "json", "--id-at", "/1", "--error-at", "/3"];
    const ocpp = [...flags, "--subprotocol", "ocpp1.6"];
    const file = await Deno.makeTempFile();
    await Deno.writeTextFile(file, '[2,"{{id}}","Boot",{}]\n[2,"{{id}}","Heartbeat",{}]\n');
    const { code, counts: { out_of_order, ...counts } } = await bench(url, ...ocpp, "--file", file);
    assertEquals([code, counts], [0, { sent: 100, answered: 100 }]);
    assert(out_of_order! > 0);
    const no = await bench(url, ...ocpp, "--template", '[2,"call-{{id}}","No",{}]');
    assertEquals([no.code, no.counts, no.errors], [1, { sent: 100, failed: 100 }, { '""': 100 }]);

    const calls = ["Boot", "Heartbeat"].map((action) => `[2,"${action}","${action}",{}]`);
    const sent = await runCommand(["send", ...ocpp, "--url", url, ...calls]);
    assertEquals(sent.code, 0);
    const answers = ["Heartbeat", "Boot"].map((action) =>
      `[3, "${action}", {"action": "${action}"}]`
    );
    assertEquals(sent.stdout, answers.join("\n") + "\n");
    const plain = await runCommand(["send", ...flags, "--url", url, "-t", "5", calls[0]!]);
    assertEquals(plain.code, 3);
    assertStringIncludes(plain.stderr, "connection_lost");
    await Deno.remove(file);
  },
});
