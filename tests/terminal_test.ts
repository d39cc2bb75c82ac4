import { assert, assertEquals, assertMatch } from "@std/assert";
import { Client } from "../client.ts";
import { serve } from "../server.ts";
import { NO_PTY, startOnTerminal } from "./support/on_terminal.ts";
import { taskArgs } from "./support/program.ts";
import { awaitedLater, until } from "./support/waiting.ts";

/** A test that needs a terminal. */
function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name: name + NO_PTY, ignore: NO_PTY !== "", fn });
}

async function start(task: string, ...args: string[]) {
  return startOnTerminal(Deno.execPath(), [...await taskArgs(task), ...args]);
}

test("serve keeps a status line below its log on a terminal, and clears it", async () => {
  await using server = await start("serve", "--port", "0", "--delay", "0.1");
  const text = await server.shows(
    /^Listening on ws:\S+\nConsole: http:\S+\n0 requests in flight, 0 answered, 0 answers\/s$/,
  );
  const url = /ws:\S+/.exec(text)![0];
  await using send = await start("send", "--url", url, "--id", "x", "Hub&&name&&qwe");
  assertEquals((await send.result()).code, 0);
  const log = `Listening on ${url}\nConsole: ${
    url.replace("ws", "http")
  }\nx: Timeout 0.1 seconds for this one.`;
  assertMatch(
    await server.shows(/ 1 answered/),
    new RegExp(`^${log}\n0 requests in flight, 1 answered, `),
  );
  await server.type("\x03");
  const { code, text: left } = await server.result();
  const end = "Draining: 0 in flight\nDrained: all answered";
  assertEquals([code, left.replace("^C", "")], [0, `${log}\n${end}`]);
});

test("send --chart draws growing bars and their results on a terminal", async () => {
  await using server = serve({
    port: 0,
    delay: { min: 600, max: 600 },
    limits: { maxPacketSize: 60 },
  });
  const inputs = Array.from({ length: 8 }, (_, i) => `Hub&&id&&${i + 1}`);
  await using send = await start(
    "send",
    ...["--chart", "--url", server.url, ...inputs, "x".repeat(60)],
  );
  const bars = "([1-8]  █+▌? [\\d.]+ m?s …\n){8}9  [█▌]+ packet_too_large\n +0";
  await send.shows(new RegExp(bars));
  await send.type("\x03");
  const { code, text } = await send.result();
  assertEquals(code, 130);
  // Nothing is left of what was drawn meanwhile.
  const [head, summary] = text.replace("^C", "").split("\n\n");
  const [first, second, title, ...lines] = head!.split("\n");
  assertEquals(JSON.parse(first! + second!).error.code, "packet_too_large");
  assertEquals(title, "Requests");
  for (const [i, line] of lines.slice(0, 8).entries()) {
    assertMatch(line, new RegExp(`^  ${i + 1}  █+▌? aborted$`));
  }
  assertMatch(lines[8]!, /^ {2}9 {2}[█▌]+ packet_too_large$/);
  assertMatch(lines[9]!, /^ {5}0/);
  assertMatch(summary!, /^9 requests: 0 answered, 9 failed, /);
  assert(send.written.includes("\x1b[31m"), "there are colours");
});

test("demo draws growing bars below the answers, and leaves them on the terminal", async () => {
  await using demo = await start("demo");
  await demo.shows(/^(\d\d {2}█+▌? [\d.]+ m?s( …)?\n){13} +0/m);
  const { code, text } = await demo.result();
  assertEquals(code, 0);
  const [answers, bars, end] = text.split("\n\n");
  assertMatch(answers!, /^ 0.* a server listens on ws:.*\n .* → .*, and 12 more\n/s);
  const ids = [...answers!.matchAll(/← \{"request_id":"(\d\d)"/g)].map(([, id]) => id);
  assertEquals(new Set(ids).size, 13);
  assertMatch(bars!, /^Requests\n( {2}\d\d {2}█+▌? [\d.]+ s\n){13} +0/);
  assertMatch(end!, /^ +\d\.\d\d s {2}all 13 answered, side by side, each after its own delay$/);
  assert(demo.written.includes("\x1b[32m"), "there are colors");
});

test("demo clears its bars when it is interrupted", async () => {
  await using demo = await start("demo");
  await demo.shows(/^01 {2}█/m);
  await demo.type("\x03");
  const { code, text } = await demo.result();
  assertEquals(code, 130);
  assert(!text.includes("█"), text);
});

function startByTask(task: string, ...args: string[]) {
  return startOnTerminal(Deno.execPath(), ["task", task, ...args]);
}

test("serve under deno task drains on Ctrl-C", async () => {
  await using server = startByTask("serve", "--port", "0", "--delay", "2");
  const [url] = /ws:\S+/.exec(await server.shows(/^0 requests in flight/m))!;
  await using client = await Client.connect(url, { reconnect: false });
  const request = awaitedLater(client.request("a&&b&&c"));
  await server.shows(/^1: Timeout 2\.0 seconds for this one\.$/m);
  await server.type("\x03");
  assertEquals((await request).data, { a: { b: "c" } });
  const { code, text } = await server.result();
  assertEquals(code, 0);
  assertMatch(text, /\nDrained: all answered$/);
});

test("send under deno task prints its summary on Ctrl-C", async () => {
  await using server = serve({ port: 0, delay: { min: 20_000, max: 20_000 } });
  await using send = startByTask("send", "--url", server.url, "a&&b&&c");
  await until("a request is in flight", () => server.inFlight === 1);
  await send.type("\x03");
  const { code, text } = await send.result();
  assertEquals(code, 130);
  assertMatch(text, /1 requests?: 0 answered, 1 failed, .*\n {2}1 aborted$/);
});

for (const term of ["dumb", ""]) {
  test(`serve, send, bench and demo neither draw nor color on a terminal with TERM=${term}`, async () => {
    const onTerminal = async (task: string, ...args: string[]) =>
      startOnTerminal(Deno.execPath(), [...await taskArgs(task), ...args], { term });
    const limits = ["--max-packet-size", "60", "--delay", "0.5"];
    await using server = await onTerminal("serve", "--port", "0", ...limits);
    const [url] = /ws:\S+/.exec(await server.shows(/^Listening on ws:\S+$/m))!;
    const inputs = Array.from({ length: 8 }, (_, i) => `\x1b]0;x\x07\x9b\b\u202e\u200b&&b&&${i}`);
    await using send = await onTerminal("send", "--url", url, "--chart", ...inputs, "x".repeat(60));
    await using bench = await onTerminal("bench", "--url", url, "-n", "5", "--data", "a&&b&&c");
    await using demo = await onTerminal("demo");
    await demo.shows(/→ .*"13"/);
    await demo.type("\x03");
    assertEquals((await demo.result()).code, 130);
    const [sent, benched] = await Promise.all([send.result(), bench.result()]);
    assertMatch(sent.text, /^9 requests: 8 answered, 1 failed/m);
    assertMatch(benched.text, /^ +answered +5 \(100 %\)/m);
    await server.type("\x03");
    assertEquals((await server.result()).code, 0);
    for (const { written } of [server, send, bench, demo]) {
      // Deno itself clears the line while it loads a program.
      const ours = written.replaceAll("\x1b[0G\x1b[2K\x1b[J", "").replaceAll("\r\n", "\n");
      // deno-lint-ignore no-control-regex -- they are looked for
      assert(!/[\0-\x09\x0b-\x1f\x7f-\x9f\p{Cf}]/u.test(ours), JSON.stringify(ours));
    }
  });
}
