import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import schema from "../docs/bench.schema.json" with { type: "json" };
import type { Report } from "../load/report.ts";
import {
  echoProtocol,
  jsonProtocol,
  jsonRpcProtocol,
  serve,
  type ServeOptions,
} from "../server.ts";
import { runCommand } from "../tests/support/fake_streams.ts";
import { startMockServer } from "../tests/support/mock_server.ts";
import { Ajv2020 } from "../tests/support/npm_packages.ts";
import { Exit } from "./command.ts";

const validate = new Ajv2020({ strict: true, allowUnionTypes: true }).compile(schema);

/** Measures a server. */
async function bench(url: string, args: string[], stdin = "") {
  const { code, stdout, stderr } = await runCommand(
    ["bench", "--url", url, "--json", ...args],
    { stdin },
  );
  assertEquals(stderr, "");
  const report: Report = JSON.parse(stdout);
  assert(validate(report), JSON.stringify(validate.errors));
  const counts = Object.entries(report.counts).filter(([, count]) => count > 0);
  return { code, report, counts: Object.fromEntries(counts) };
}

const ocpp = jsonProtocol({ idAt: "/1", answer: "[3,{{id}},{}]" });
const OCPP = ["--protocol", "json", "--id-at", "/1", "--error-at", "/3"];
const HEARTBEAT = ["--template", '[2,"{{id}}","Heartbeat",{}]'];
const RPC = ["--protocol", "jsonrpc"];

Deno.test("bench measures servers of other protocols, whose answers are out of order", async (t) => {
  const cases: [args: string[], options: ServeOptions][] = [
    [RPC, { protocol: jsonRpcProtocol() }],
    [[...RPC, "--batch", "5"], { protocol: jsonRpcProtocol() }],
    [[...OCPP, ...HEARTBEAT], { protocol: ocpp }],
    [["--protocol", "json", "--template", '{"id":{{id}}}'], { protocol: jsonProtocol() }],
    [["--protocol", "echo"], { protocol: echoProtocol() }],
    [["--protocol", "echo", "--template", "a {{id}} and {{id}}"], { protocol: echoProtocol() }],
  ];
  for (const [args, options] of cases) {
    await t.step(args.join(" "), async () => {
      await using server = serve({ port: 0, delay: { min: 0.005, max: 0.1 }, seed: 1, ...options });
      const { code, report, counts } = await bench(server.url, ["-c", "2", "-n", "60", ...args]);
      const { out_of_order, ...others } = counts;
      assertEquals([code, others], [Exit.ok, { sent: 60, answered: 60 }]);
      assert(out_of_order! > 0);
      assertEquals(report.server, {
        url: server.url + "/",
        protocol: args[1] as "json",
        subprotocol: null,
      });
      assert(report.latency_ms!.min >= 5, `latency is ${report.latency_ms!.min} at least`);
      assertEquals(report.overhead_ms, null);
    });
  }
});

Deno.test("bench counts faults of servers of other protocols", async (t) => {
  const faults = { duplicate: 0.2, drop: 0.2, error: 0.2, garbage: 0.2 };
  await t.step("jsonrpc", async () => {
    const protocol = jsonRpcProtocol();
    await using server = serve({ port: 0, delay: 0, protocol, seed: 3, faults });
    const args = [...RPC, "-c", "1", "-n", "100", "-t", "2"];
    const { code, report, counts } = await bench(server.url, args);
    assertEquals(code, Exit.timedOut);
    const { answered, failed, timed_out, unknown } = counts;
    assertEquals(answered! + failed! + timed_out!, 100);
    assertEquals(report.errors, { "-32603": failed! });
    assert(unknown! > 0, "no duplicates");
  });
  await t.step("a server that does each once", async () => {
    await using server = startMockServer({
      onFrame(frame, socket) {
        const { id } = JSON.parse(frame);
        const send = (answer: unknown) => socket.send(JSON.stringify(answer));
        if (id === 1) return; // answered after the second
        if (id === 3) return; // never answered
        if (id === 4) return send({ id, error: "no\x1b" });
        if (id === 6) {
          send({ event: "no id" });
          send({ id: 77 });
          send({ id: "5" });
          socket.send("{");
        }
        send({ id });
        if (id === 5) send({ id });
        if (id === 2) send({ id: 1 });
      },
    });
    const args = ["--protocol", "json", "--template", '{"id":{{id}}}'];
    const limits = ["-c", "1", "-n", "6", "-t", "2"];
    const { code, report, counts } = await bench(server.url, [...args, ...limits]);
    assertEquals(code, Exit.timedOut);
    assertEquals(counts, {
      ...{ sent: 6, answered: 4, failed: 1, timed_out: 1 },
      ...{ out_of_order: 1, unknown: 4, garbage: 1 },
    });
    assertEquals(report.errors, { "no\x1b": 1 });
    const { stdout } = await runCommand(["bench", "--url", server.url, ...args, ...limits]);
    assertStringIncludes(stdout, "1  no\\u001b\n");
  });
});

Deno.test("bench sends templates of --file in turn, and offers --subprotocol", async () => {
  const frames: string[] = [];
  await using server = startMockServer({
    protocol: "ocpp1.6",
    onFrame(frame, socket) {
      frames.push(frame);
      const [, id] = JSON.parse(frame);
      socket.send(JSON.stringify(frames.length === 3 ? [4, id, "NotSupported", ""] : [3, id, {}]));
    },
  });
  const args = [...OCPP, "--subprotocol", "ocpp1.6", "-c", "1", "-p", "1", "-n", "3"];
  const stdin = '[2,"{{id}}","Heartbeat",{}]\n[2,"{{id}}","Boot",{"n":{{id}}}]\n';
  const { code, report } = await bench(server.url, [...args, "--file", "-"], stdin);
  assertEquals(frames, [
    '[2,"1","Heartbeat",{}]',
    '[2,"2","Boot",{"n":2}]',
    '[2,"3","Heartbeat",{}]',
  ]);
  assertEquals([code, report.errors, report.options.data], [Exit.failed, { '""': 1 }, 2]);
  assertEquals([report.server.protocol, report.server.subprotocol], ["json", "ocpp1.6"]);
  const { stdout } = await runCommand(["bench", "--url", server.url, ...args, ...HEARTBEAT]);
  assertStringIncludes(stdout, `${server.url}/, json, ocpp1.6\n`);
});

Deno.test("bench explains flags that a protocol does not have, and wrong templates", async () => {
  const cases: [args: string[], message: string][] = [
    [["--id-at", "/id"], "--id-at needs --protocol json, got packets"],
    [[...RPC, "--error-at", "/e"], "--error-at needs --protocol json, got jsonrpc"],
    [["--subprotocol", "x"], "--subprotocol needs --protocol jsonrpc, json, or echo, got packets"],
    [["--template", "x"], "--template needs --protocol jsonrpc, json, or echo, got packets"],
    [[...RPC, "--data", "x"], "--data needs --protocol packets, got jsonrpc"],
    [["--protocol", "echo", "--batch", "2"], "--batch needs --protocol packets or jsonrpc, got"],
    [["--protocol", "json"], 'expected --template, as in --template \'{"id":{{id}}'],
    [["--protocol", "xml"], '--protocol: expected packets, jsonrpc, json, or echo, got "xml"'],
    [[...OCPP, "--id-at", "1"], '--id-at: expected a JSON Pointer, such as /params/0, got "1"'],
    [[...RPC, "--template", "{}"], '--template: expected {{id}} in the template, got "{}"'],
    [[...RPC, "--file", "-"], "-, line 2: expected {{id}} at /id, got 5"],
    [[...RPC, "--file", "-", "--template", "x"], "--template and --file exclude each other"],
  ];
  for (const [args, message] of cases) {
    const stdin = '{"id":{{id}}}\n{"id":5,"x":{{id}}}\n';
    const { code, stdout, stderr } = await runCommand(["bench", ...args], { stdin });
    assertEquals([code, stdout], [Exit.usage, ""], args.join(" "));
    assertStringIncludes(stderr, `asyncpkt bench: ${message}`);
  }
  const nowhere = await runCommand(["bench", ...RPC, "--url", "ws://127.0.0.1:1"]);
  assertEquals(nowhere.code, Exit.noConnection);
  assertStringIncludes(nowhere.stderr, "; start the server, or check the port\n");
});
