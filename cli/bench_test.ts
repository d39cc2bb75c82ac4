import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Ajv2020 } from "../tests/support/npm_packages.ts";
import schema from "../docs/bench.schema.json" with { type: "json" };
import type { Report } from "../load/report.ts";
import { main } from "../main.ts";
import { encodeError } from "../protocol.ts";
import { serve } from "../server.ts";
import { FakeTime } from "../tests/support/fake_time.ts";
import { type ClientPacket, startMockServer } from "../tests/support/mock_server.ts";
import { Exit } from "./command.ts";
import { BufferedWriter } from "./buffered_writer.ts";

const validate = new Ajv2020({ strict: true, allowUnionTypes: true }).compile(schema);

interface BenchOptions {
  stdin?: string;
  isTerminal?: boolean;
  signal?: AbortSignal;
}

/** Runs a command line that begins with `bench`. */
async function bench(args: string[], options: BenchOptions = {}) {
  const { stdin = "", isTerminal = false, signal = new AbortController().signal } = options;
  const collect = () => {
    const written = { text: "" };
    const decoder = new TextDecoder();
    const write = (bytes: Uint8Array) => {
      written.text += decoder.decode(bytes);
      return Promise.resolve(bytes.length);
    };
    return { written, output: new BufferedWriter({ write, isTerminal: () => isTerminal }) };
  };
  const [stdout, stderr] = [collect(), collect()];
  const exit = await main(["bench", ...args], {
    stdin: { readable: new Blob([stdin]).stream(), isTerminal: () => false },
    stdout: stdout.output,
    stderr: stderr.output,
    signal,
    shutDown: () => {},
  });
  await stdout.output.flush();
  await stderr.output.flush();
  return { exit, stdout: stdout.written.text, stderr: stderr.written.text };
}

/** The same, with a report as JSON, which agrees with the schema. */
async function report(args: string[], options: BenchOptions = {}) {
  const { exit, stdout, stderr } = await bench([...args, "--output-format", "json"], options);
  assertEquals(stderr, "");
  const report: Report = JSON.parse(stdout);
  assert(validate(report), JSON.stringify(validate.errors));
  const { sent, answered, failed, timed_out, lost, unanswered } = report.counts;
  assertEquals(sent, answered + failed + timed_out + lost + unanswered);
  return { exit, report, counts: report.counts };
}

const answer = ({ request_id }: ClientPacket) => JSON.stringify({ request_id, data: {} });

Deno.test("bench measures order, latency and overhead of this server", async () => {
  await using server = serve({ port: 0, delay: { min: 0.01, max: 0.1 }, seed: 1 });
  const { exit, report: { latency_ms, overhead_ms, ...rest }, counts } = await report(
    ["--url", server.url, "-c", "2", "-p", "20", "-n", "200"],
  );
  assertEquals(exit, Exit.ok);
  assertEquals([counts.sent, counts.answered, counts.unknown], [200, 200, 0]);
  assert(counts.out_of_order > 0);
  assertEquals(rest.server.protocol, "asyncpkt.v1");
  assertEquals([rest.concurrency.max, rest.concurrency.limit], [40, 40]);
  assertEquals([latency_ms!.count, overhead_ms!.count], [200, 200]);
  assert(latency_ms!.min >= 10, `latency is ${latency_ms!.min} at least`);
  assert(overhead_ms!.mean < latency_ms!.mean);
  assertEquals(rest.send_lag_ms, null);
});

Deno.test("bench ends after --duration", async () => {
  await using server = serve({ port: 0, delay: { min: 0, max: 0 } });
  const { exit, report: { elapsed_s, sending_s }, counts } = await report(
    ["--url", server.url, "-c1", "-p=4", "-z", "100ms"],
  );
  assertEquals(exit, Exit.ok);
  assertEquals(counts.answered, counts.sent);
  assert(elapsed_s >= 0.1 && sending_s <= 0.1, `${elapsed_s} s, of which ${sending_s} s sending`);
});

Deno.test("bench sends at --rate, even if the server falls behind", async (t) => {
  await t.step("which it does", async () => {
    await using server = serve({ port: 0, delay: { min: 0.01, max: 0.01 } });
    const { report: { concurrency, send_lag_ms }, counts } = await report(
      ["--url", server.url, "-c", "2", "-q", "200", "-n", "40"],
    );
    assertEquals([counts.answered, counts.missed], [40, 0]);
    assert(concurrency.required! >= 2, `requires ${concurrency.required}`);
    assertEquals(send_lag_ms!.count, 40);
  });
  await t.step("which it does not", async () => {
    await using server = serve({ port: 0, delay: { min: 0.1, max: 0.1 } });
    const { report: { concurrency, latency_ms }, counts } = await report(
      ["--url", server.url, "-c", "1", "-p", "2", "-q", "100", "-z", "500ms"],
    );
    assertEquals(counts.answered, counts.sent);
    assert(counts.missed > 0);
    assertEquals(concurrency.max, 2);
    assert(concurrency.required! >= 10, `requires ${concurrency.required}`);
    // The last was due long before there was room for it.
    assert(latency_ms!.max > 250, `latency is ${latency_ms!.max} at most`);
  });
});

Deno.test("bench sends arrays only with --batch", async () => {
  for (const [args, longest] of [[[], 1], [["--batch", "4"], 4]] as const) {
    const frames: number[] = [];
    await using server = startMockServer({
      onFrame(frame, socket) {
        const packets: ClientPacket[] = [JSON.parse(frame)].flat();
        frames.push(packets.length);
        for (const packet of packets) socket.send(answer(packet));
      },
    });
    const { exit, counts } = await report(["--url", server.url, "-c", "1", "-n", "10", ...args]);
    assertEquals([exit, counts.answered], [Exit.ok, 10]);
    assertEquals(Math.max(...frames), longest);
  }
});

Deno.test("bench measures no overhead in plain mode", async () => {
  await using server = startMockServer({
    onPacket: (packet, socket) => socket.send(answer(packet)),
  });
  const { exit, report: { server: { protocol }, latency_ms, overhead_ms, thresholds } } =
    await report(
      ["--url", server.url, "-c", "1", "-n", "3", "--threshold", "overhead.p99<5s"],
    );
  assertEquals([protocol, latency_ms!.count, overhead_ms], ["plain", 3, null]);
  assertEquals(exit, Exit.threshold);
  assertEquals(thresholds, [{ threshold: "overhead.p99<5s", value: null, ok: false }]);
  assertEquals(
    await server.packets.take(3),
    ["1", "2", "3"].map((request_id) => ({
      request_id,
      data: "Hub&&name&&qwe&&id&&123&&%%Device&&name&&wqe&&id&&234&&",
    })),
  );
});

Deno.test("bench sends the data of --data, or of --file in turn", async () => {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(path, 'a&&b&&c\n{"request_id":"mine","data":"d&&e&&f"}\n');
    const cases: [string[], string, string[]][] = [
      [["--data", "x&&y&&z"], "", ["x&&y&&z", "x&&y&&z", "x&&y&&z"]],
      [["--file", path], "", ["a&&b&&c", "d&&e&&f", "a&&b&&c"]],
      [["--file", "-"], "one\ntwo", ["one", "two", "one"]],
    ];
    for (const [args, stdin, data] of cases) {
      await using server = startMockServer({
        onPacket: (packet, socket) => socket.send(answer(packet)),
      });
      await report(["--url", server.url, "-c", "1", "-n", "3", ...args], { stdin });
      const packets = await server.packets.take(3) as ClientPacket[];
      assertEquals(packets.map((packet) => packet.data), data);
    }
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("bench counts invalid frames and unknown ids", async (t) => {
  const once = (does: (packet: ClientPacket, socket: WebSocket) => void) => ({
    onPacket(packet: ClientPacket, socket: WebSocket) {
      if (packet.request_id === "1") does(packet, socket);
      socket.send(answer(packet));
    },
  });
  await t.step("garbage", async () => {
    await using server = startMockServer(once((_, socket) => {
      for (const frame of ["{", "[1]", new Uint8Array(3)]) socket.send(frame);
    }));
    const { exit, counts } = await report(["--url", server.url, "-c", "1", "-n", "4"]);
    assertEquals([exit, counts.answered, counts.garbage], [Exit.ok, 4, 3]);
  });
  await t.step("unknown ids", async () => {
    await using server = startMockServer(once((_, socket) => {
      for (const request_id of ["77", 1, "x"]) {
        socket.send(JSON.stringify({ request_id, data: {} }));
      }
    }));
    const { exit, counts } = await report(["--url", server.url, "-c", "1", "-n", "4"]);
    assertEquals([exit, counts.answered, counts.unknown], [Exit.ok, 4, 3]);
  });
});

Deno.test("bench counts errors by code, and escapes the codes", async () => {
  await using server = startMockServer({
    onPacket({ request_id }, socket) {
      const code = Number(request_id) % 2 ? "overloaded" : "\x1b]0;gone\x07";
      socket.send(JSON.stringify({ request_id, error: { code, message: "" } }));
    },
  });
  const args = ["--url", server.url, "-c", "1", "-n", "4"];
  const { exit, report: { errors, latency_ms }, counts } = await report(args);
  assertEquals([exit, counts.failed, latency_ms], [Exit.failed, 4, null]);
  assertEquals(errors, { overloaded: 2, "\x1b]0;gone\x07": 2 });
  const { stdout } = await bench(args);
  assertStringIncludes(stdout, "2  \\u001b]0;gone\\u0007\n");
  assert(!stdout.includes("\x1b"));
});

Deno.test("bench counts requests that time out, and late answers", async (t) => {
  await t.step("never", async () => {
    using time = new FakeTime();
    let count = 0;
    await using server = startMockServer({ onPacket: () => ++count === 6 && time.pass(1000) });
    const { exit, counts } = await report(
      ["--url", server.url, "-c", "2", "-p", "3", "-n", "6", "-t", "1"],
    );
    assertEquals([exit, counts.sent, counts.timed_out], [Exit.timedOut, 6, 6]);
  });
  await t.step("too late", async () => {
    using time = new FakeTime();
    let first: ClientPacket | undefined;
    await using server = startMockServer({
      onPacket(packet, socket) {
        if (first === undefined) {
          first = packet;
          time.pass(1000); // the client sends the second because the first has timed out
        } else {
          for (const each of [first, packet]) socket.send(answer(each));
        }
      },
    });
    const { exit, counts } = await report(
      ["--url", server.url, "-c", "1", "-p", "1", "-n", "2", "-t", "1"],
    );
    assertEquals([counts.timed_out, counts.late, counts.answered], [1, 1, 1]);
    assertEquals(exit, Exit.timedOut);
  });
});

Deno.test("bench continues without a lost connection, and ends when all are lost", async (t) => {
  await t.step("one", async () => {
    let isFirst = true;
    await using server = startMockServer({
      onPacket(packet, socket) {
        if (!isFirst) return socket.send(answer(packet));
        isFirst = false;
        socket.close(1001);
      },
    });
    const { exit, counts } = await report(["--url", server.url, "-c", "2", "-p", "1", "-n", "9"]);
    assertEquals(exit, Exit.noConnection);
    assertEquals([counts.connections_lost, counts.lost, counts.answered], [1, 1, 8]);
  });
  await t.step("all", async () => {
    await using server = startMockServer({ onPacket: (_, socket) => socket.close() });
    const { exit, counts } = await report(["--url", server.url, "-c", "3", "-p", "2", "-n", "99"]);
    assertEquals([exit, counts.connections_lost, counts.lost], [Exit.noConnection, 3, 6]);
  });
});

Deno.test("bench explains why it cannot connect", async (t) => {
  await t.step("nobody there", async () => {
    const { exit, stdout, stderr } = await bench(["--url", "ws://127.0.0.1:1"]);
    assertEquals([exit, stdout], [Exit.noConnection, ""]);
    assertMatch(stderr, /^asyncpkt bench: cannot connect to ws:\/\/127\.0\.0\.1:1: .*refused/);
  });
  await t.step("no WebSocket", async () => {
    await using server = serve({ port: 0 });
    const { exit, stderr } = await bench(["--url", `${server.url}/elsewhere`, "-c", "3"]);
    assertEquals(exit, Exit.noConnection);
    assertStringIncludes(stderr, "the server answered with status 404");
  });
  await t.step("a server that says nothing", async () => {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const accepted = listener.accept();
    const { exit, stderr } = await bench(
      ["--url", `ws://127.0.0.1:${listener.addr.port}`, "-c", "1", "-t", "0.05"],
    );
    assertEquals(exit, Exit.noConnection);
    assertStringIncludes(stderr, "no answer within 0.05 s");
    (await accepted).close();
  });
});

Deno.test("bench reports when it is interrupted", async () => {
  await using server = startMockServer({});
  const abort = new AbortController();
  const running = report(["--url", server.url, "-c", "1", "-p", "5"], { signal: abort.signal });
  await server.packets.take(5);
  abort.abort();
  const { exit, report: { interrupted, elapsed_s }, counts } = await running;
  assertEquals([exit, interrupted], [Exit.interrupted, true]);
  assertEquals([counts.sent, counts.unanswered], [5, 5]);
  assert(elapsed_s < 10);
});

Deno.test("bench can be interrupted while it connects", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const abort = new AbortController();
  const running = bench(["--url", `ws://127.0.0.1:${listener.addr.port}`, "-c", "1"], {
    signal: abort.signal,
  });
  using _connection = await listener.accept();
  abort.abort();
  assertEquals((await running).exit, Exit.interrupted);
});

Deno.test("bench compares the measurement with thresholds", async (t) => {
  await using server = startMockServer({
    onPacket({ request_id }, socket) {
      const fault = { code: "overloaded", message: "" } as const;
      socket.send(request_id === "1" ? encodeError('"1"', fault) : answer({ request_id }));
    },
  });
  const cases: [string[], number][] = [
    [[], Exit.failed],
    [["p99<60s"], Exit.failed],
    [["failed<=10%"], Exit.ok],
    [["failed<2", "p50<60s", "rate>0"], Exit.ok],
    [["failed<10%"], Exit.threshold],
    [["failed<50%", "p50<0ms"], Exit.threshold],
  ];
  for (const [thresholds, exit] of cases) {
    await t.step(thresholds.join(", ") || "none", async () => {
      const args = thresholds.flatMap((threshold) => ["--threshold", threshold]);
      const run = await report(["--url", server.url, "-c", "1", "-n", "10", ...args]);
      assertEquals(run.exit, exit);
      assertEquals(run.report.thresholds.map(({ threshold }) => threshold), thresholds);
    });
  }
});

Deno.test("bench shows progress on a terminal, and then the report", async () => {
  await using server = serve({ port: 0, delay: { min: 0.3, max: 0.3 } });
  const { stdout, stderr } = await bench(["--url", server.url, "-c", "1", "-n", "2"], {
    isTerminal: true,
  });
  assertStringIncludes(stderr, "2 in flight");
  assert(stderr.endsWith("\x1b[J"), "the drawing is still there");
  assertStringIncludes(stdout, "answered      2 (100 %)");
});

Deno.test("bench --json is --output-format json", async () => {
  await using server = serve({ port: 0, delay: { min: 0, max: 0 } });
  const { stdout } = await bench(["--url", server.url, "-n", "20", "--json"]);
  assert(validate(JSON.parse(stdout)), JSON.stringify(validate.errors));
});

Deno.test("bench explains what is wrong with a command line", async (t) => {
  const cases: [string[], string][] = [
    [["x"], 'unexpected argument "x"'],
    [["--url", "localhost:2707"], "--url: expected ws://HOST:PORT"],
    [["-c", "0"], "--connections: expected an integer from 1"],
    [["-p", "x"], "--concurrency: expected an integer"],
    [["-z", "10d"], "--duration: expected a duration, such as 10, 10s"],
    [["-z", "0s"], "--duration: expected a duration"],
    [["-q", "0"], "--rate: expected an integer"],
    [["--batch", "1001"], "--batch: expected an integer from 1 to 1000"],
    [["--batch", "200"], "--concurrency: expected at least 200, the size of a --batch, got 100"],
    [["--data", "x", "--file", "y"], "--data and --file exclude each other"],
    [["--file", "/no/such/file"], "there is no such file"],
    [["--file", "-"], "-: expected at least one line, got none"],
    [["--threshold", "p99"], "--threshold: expected a threshold, such as p99<10ms"],
    [["--output-format", "csv"], "--output-format: expected text or json"],
    [["-x"], "unknown flag -x"],
  ];
  for (const [args, message] of cases) {
    await t.step(args.join(" "), async () => {
      const { exit, stdout, stderr } = await bench(args);
      assertEquals([exit, stdout], [Exit.usage, ""]);
      assertStringIncludes(stderr, message);
    });
  }
});

Deno.test("bench --help lists letters, and flags that can be repeated", async () => {
  const { exit, stdout } = await bench(["--help"]);
  assertEquals(exit, Exit.ok);
  assertMatch(stdout, /^ {2}-c, --connections N +connections to open \[10\]$/m);
  assertMatch(stdout, /^ {6}--threshold METRIC<VALUE +.*; can be repeated$/m);
});
