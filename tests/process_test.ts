import { assert, assertEquals, assertMatch } from "@std/assert";
import { delay } from "@std/async/delay";
import { Client } from "../client.ts";
import { serve } from "../server.ts";
import { awaitedLater, until } from "./support/waiting.ts";
import { makeCertificate } from "./support/certificates.ts";
import { freePort } from "./support/machine.ts";
import {
  listening,
  type Program,
  type ProgramResult,
  type ServerProcess,
  startProgram,
  startServerProcess,
  startTask,
  taskArgs,
} from "./support/program.ts";
import { acceptRawSocket, closeAfterPeer, serverFrame, startRawServer } from "./support/raw_tcp.ts";

/** How long after the first signal another one is certain to count, in milliseconds. */
const UNTIL_SIGNALS_COUNT = 1100;

const LATE = { port: 0, delay: { min: 600, max: 600 } };

function assertNoStack({ stderr }: ProgramResult): void {
  assert(!/^ +at /m.test(stderr) && !/uncaught/i.test(stderr), stderr);
}

Deno.test("serve logs the delays that send receives when both are processes", async () => {
  await using server = await startServerProcess(["--delay", "0.1..0.9"]);
  const args = ["--url", server.url, "--ordered", "a&&b&&1", "a&&b&&2", "a&&b&&3"];
  await using send = await startTask("send", ...args);
  const result = await send.result();
  assertEquals([result.code, result.stdout], [
    0,
    [1, 2, 3].map((id) => `{"request_id":"${id}","data":{"a":{"b":"${id}"}}}`),
  ]);
  assertMatch(result.stderr, /^3 requests: 3 answered, 0 failed/);
  const lines = (await server.stdout.take(3)).toSorted();
  for (const [i, line] of lines.entries()) {
    assertMatch(line, new RegExp(`^${i + 1}: Timeout 0\\.\\d seconds for this one\\.$`));
  }

  const ended = await server.stop();
  assertEquals([ended.code, ended.stdout, ended.stderr], [
    0,
    ["Draining: 0 in flight", "Drained: all answered"],
    "",
  ]);
});

Deno.test({
  name: "serve --workers answers by all workers and exits with 0 when a signal drains it",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const flags = ["--workers", "3", "--port", "0", "--delay", "0.5", "--log-format", "json"];
    await using server = await startTask("serve:workers", ...flags);
    const { url, message } = JSON.parse(await server.stdout.next());
    assertEquals(message, `Listening on ${url}`);
    const clients = await Promise.all(
      Array.from({ length: 20 }, () => Client.connect(url, { reconnect: false })),
    );
    const requests = clients.map((client, i) => awaitedLater(client.request("", { id: `${i}` })));
    const accepted = (await server.stdout.take(20)).map((line) => JSON.parse(line));
    const ids = accepted.map(({ request_id }) => Number(request_id));
    assertEquals(ids.toSorted((a, b) => a - b), [...ids.keys()]);
    server.kill("SIGTERM");
    assertEquals(JSON.parse(await server.stdout.next()).event, "draining");
    await Promise.all(requests);
    await Promise.all(clients.map((client) => client.closed));
    const { code, stdout, stderr } = await server.result();
    assertEquals([code, stdout.length, stderr], [0, 1, ""]);
    assertEquals(JSON.parse(stdout[0]!).message, "Drained: all answered");
  },
});

Deno.test({
  name: "serve --workers exits at once when a second signal comes a second later",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const starting = startTask("serve:workers", "--port", "0", "--delay", "600");
    await using server = await listening(await starting);
    const client = await Client.connect(server.url, { reconnect: false });
    const request = client.request("", { timeout: 600_000 }).catch(() => "lost");
    await server.stdout.next();
    server.kill("SIGTERM");
    assertEquals(await server.stdout.next(), "Draining: 1 in flight");
    await delay(UNTIL_SIGNALS_COUNT);
    server.kill("SIGTERM");
    assertEquals((await server.result()).code, 143);
    assertEquals(await request, "lost");
  },
});

Deno.test("serve answers requests in flight and exits with 0 when a signal drains it", async () => {
  await Promise.all((["SIGINT", "SIGTERM"] as const).map(async (signal) => {
    await using server = await startServerProcess(["--delay", "0.5"]);
    await using client = await Client.connect(server.url, { reconnect: false });
    const request = awaitedLater(client.request("a&&b&&c"));
    await server.stdout.next();
    server.kill(signal);
    assertEquals(await server.stdout.next(), "Draining: 1 in flight");
    assertEquals((await request).data, { a: { b: "c" } });
    await client.closed;
    const result = await server.result();
    assertEquals([result.code, result.signal, result.stderr], [0, null, ""]);
  }));
});

Deno.test("serve drains when two signals come at the same moment", async () => {
  await using server = await startServerProcess(["--delay", "0.5"]);
  await using client = await Client.connect(server.url, { reconnect: false });
  const request = awaitedLater(client.request("a&&b&&c"));
  await server.stdout.next();
  // Different ones, as the system merges equal ones.
  server.kill("SIGINT");
  server.kill("SIGTERM");
  assertEquals((await request).data, { a: { b: "c" } });
  await client.closed;
  const result = await server.result();
  assertEquals([result.code, result.stderr], [0, ""]);
});

Deno.test("serve exits at once when a second signal comes a second later", async () => {
  await Promise.all(([["SIGINT", 130], ["SIGTERM", 143]] as const).map(async ([signal, code]) => {
    await using server = await startServerProcess(["--delay", "600"]);
    await using client = await Client.connect(server.url, { reconnect: false });
    const request = awaitedLater(client.request(""));
    await server.stdout.next();
    server.kill("SIGTERM");
    assertEquals(await server.stdout.next(), "Draining: 1 in flight");
    await delay(UNTIL_SIGNALS_COUNT);
    server.kill(signal);
    const result = await server.result();
    assertEquals([result.code, result.stderr], [code, ""]);
    await request.catch(() => {});
  }));
});

Deno.test("serve reports in one line why it cannot listen", async () => {
  await using server = serve(LATE);
  await using used = await startTask("serve", "--port", `${server.port}`);
  const { code, stdout, stderr } = await used.result();
  const reason = "the port is in use; --port 0 picks a free one";
  assertEquals([code, stdout, stderr], [
    3,
    [],
    `asyncpkt serve: cannot listen on 127.0.0.1:${server.port}: ${reason}\n`,
  ]);
});

Deno.test("serve reloads its certificate on SIGHUP", async () => {
  const folder = await Deno.makeTempDir();
  const [one, two] = await Promise.all([
    makeCertificate(`${folder}/one`),
    makeCertificate(`${folder}/two`),
  ]);
  const [cert, key] = [`${folder}/cert.pem`, `${folder}/key.pem`];
  const install = async (files: { cert: string; key: string }) => {
    await Deno.copyFile(files.cert, cert);
    await Deno.copyFile(files.key, key);
  };
  await install(one);
  const run = ["run", "--no-prompt", "--allow-net=127.0.0.1", `--allow-read=${cert},${key}`];
  const flags = ["--port", "0", "--delay", "0", "--quiet", "--cert", cert, "--key", key];
  await using server = await listening(
    startProgram(Deno.execPath(), [...run, "main.ts", "serve", ...flags]),
  );
  const send = async (command: string, files: { ca: string }, ...more: string[]) => {
    await using program = await startTask(command, "--url", server.url, "--ca", files.ca, ...more);
    return (await program.result()).code;
  };
  assertEquals(await send("send", one, "x"), 0);

  await Deno.copyFile(two.cert, cert);
  server.kill("SIGHUP");
  const kept = `Keeping the old certificate: cannot use ${cert} with ${key}: ` +
    "the key does not belong to the certificate";
  assertEquals(await server.stdout.next(), kept);
  assertEquals(await send("send", one, "x"), 0);

  await install(two);
  server.kill("SIGHUP");
  assertEquals(await server.stdout.next(), "Reloaded the certificate");
  const codes = [send("send", two, "x"), send("bench", two, "-n", "1"), send("send", one, "x")];
  assertEquals(await Promise.all(codes), [0, 0, 3]);
  const result = await server.stop();
  assertEquals([result.code, result.stderr], [0, ""]);
  await Deno.remove(folder, { recursive: true });
});

/** Starts a script that may use the network. */
async function startScript(script: string): Promise<Program> {
  const program = startProgram(Deno.execPath(), ["run", "--quiet", "--allow-net=127.0.0.1", "-"]);
  await program.write(script);
  await program.endInput();
  return program;
}

/** Starts `serve` after some code that it does not expect. */
async function startServerWith(code: string): Promise<ServerProcess> {
  return await listening(
    await startScript(`
      import { BufferedWriter } from "${import.meta.dirname}/../cli/buffered_writer.ts";
      import { run } from "${import.meta.dirname}/../cli/serve.ts";
      ${code}
      const stdout = new BufferedWriter(Deno.stdout);
      const exitCode = await run(["--port", "0", "--delay", "0.5"], {
        stdin: Deno.stdin,
        stdout,
        stderr: stdout,
        signal: new AbortController().signal,
      });
      await stdout.flush();
      Deno.exit(exitCode);
    `),
  );
}

Deno.test("serve drains and exits with 1 when an error is not caught", async () => {
  const faults = [
    'const fail = () => void Promise.reject(new Error("as asked"));',
    'const fail = () => { throw new Error("as asked"); };',
  ];
  await Promise.all(faults.map(async (fault) => {
    await using server = await startServerWith(`${fault}
      const { parse } = JSON;
      JSON.parse = (text) => {
        if (text === '"ask"') setTimeout(fail, 10);
        return parse(text);
      };`);
    await using client = await Client.connect(server.url);
    const request = awaitedLater(client.request("a&&b&&c"));
    const asked = awaitedLater(client.request("a&&b&&d", { id: "ask" }));
    assertEquals((await request).data, { a: { b: "c" } });
    assertEquals((await asked).data, { a: { b: "d" } });
    const result = await server.result();
    assertEquals([result.code, result.stderr], [1, ""]);
    const said = result.stdout.filter((line) => !/: Timeout [\d.]+ seconds/.test(line));
    assertMatch(said[0]!, /^internal error: Error: as asked/);
    assertMatch(said[1]!, /^Draining: 2 in flight$/);
    assertEquals(said.slice(2), ["Drained: all answered"]);
  }));
});

Deno.test("serve goes on after a rejection that Deno is known for", async () => {
  await using server = await startServerWith(
    `setTimeout(() => Promise.reject(new TypeError("failed to allocate string; too long")), 10);`,
  );
  assertMatch(await server.stdout.next(), /^internal error: TypeError: failed to/);
  await using client = await Client.connect(server.url);
  assertEquals((await client.request("a&&b&&c")).data, { a: { b: "c" } });
  await client.close();
  server.kill("SIGKILL");
});

Deno.test("serve reports the unanswered requests and exits with 4 when draining takes too long", async () => {
  await using server = await startServerProcess(["--delay", "600", "--drain-timeout", "0.2"]);
  await using client = await Client.connect(server.url, { reconnect: false });
  const requests = [1, 2, 3].map(() => awaitedLater(client.request("")));
  await server.stdout.take(3);
  const result = await server.stop();
  assertEquals([result.code, result.stdout, result.stderr], [
    4,
    ["Draining: 3 in flight", "Drained: 0 answered, 3 not answered in time"],
    "",
  ]);
  for (const request of requests) await request.catch(() => {});
});

Deno.test("send reports why it cannot connect without further permissions", async () => {
  const host = `localhost:${freePort()}`;
  const run = ["run", "--no-prompt", `--allow-net=${host}`, "main.ts", "send"];
  await using send = startProgram(Deno.execPath(), [...run, "--url", `ws://${host}`, "x"]);
  const { code, stderr } = await send.result();
  assertEquals([code, stderr], [
    3,
    `asyncpkt send: cannot connect to ws://${host}: connection refused; ` +
    'start a server with "asyncpkt serve", or check the port\n',
  ]);
});

Deno.test("send prints its summary and exits with 130 when it is interrupted", async () => {
  await Promise.all((["SIGINT", "SIGTERM"] as const).map(async (signal) => {
    await using server = serve(LATE);
    await using send = await startTask("send", "--url", server.url);
    await send.write("a\nb\n");
    await until("both are in flight", () => server.inFlight === 2);
    send.kill(signal);
    const result = await send.result();
    assertEquals([result.code, result.stdout], [130, []]);
    assertMatch(result.stderr, /^2 requests: 0 answered, 2 failed, .* s\n {2}2 aborted\n$/);
  }));
});

Deno.test("send exits with 3 when its server is killed", async () => {
  await using server = await startServerProcess(["--delay", "600"]);
  await using send = await startTask("send", "--url", server.url, "--no-reconnect");
  await send.write("a\n");
  await server.stdout.next();
  server.kill("SIGKILL");
  const result = await send.result();
  assertEquals([result.code, result.stdout], [3, []]);
  assertMatch(result.stderr, /^"1": connection_lost: /);
  assertNoStack(result);
});

Deno.test("send reports a text that is too long for Deno", async () => {
  const part = new Uint8Array(16 << 20).fill(97);
  await using server = startRawServer(async (connection) => {
    await acceptRawSocket(connection);
    await connection.read(new Uint8Array(4096));
    for (let i = 0; i < 33; i++) {
      const frame = serverFrame(part, i === 0 ? 0x01 : i === 32 ? 0x80 : 0x00);
      for (let at = 0; at < frame.length;) at += await connection.write(frame.subarray(at));
    }
    await closeAfterPeer(connection);
  });
  await using send = await startTask("send", "--url", server.url, "--timeout", "60", "a&&b&&c");
  const result = await send.result(60_000);
  assertEquals([result.code, result.stdout], [3, []]);
  assertMatch(result.stderr, /^asyncpkt send: the server sent a text of 512 MiB or more$/m);
  assertNoStack(result);
});

Deno.test("send answers all requests when stdin ends", async () => {
  await using server = serve({ port: 0, delay: { min: 0.2, max: 0.4 } });
  await using send = await startTask("send", "--url", server.url, "--quiet", "--ordered");
  await send.write("a&&b&&1\na&&b&&2");
  await send.endInput();
  const result = await send.result();
  assertEquals([result.code, result.stderr], [0, ""]);
  assertEquals(result.stdout.map((line) => JSON.parse(line).data.a.b), ["1", "2"]);
});

Deno.test("send and convert exit quietly when nobody reads their output", async () => {
  await using server = serve({ port: 0, delay: { min: 0, max: 0 } });
  const deno = `'${Deno.execPath()}'`;
  const pipe = async (name: string, ...flags: string[]) => {
    const command = [deno, ...await taskArgs(name), ...flags].join(" ");
    // An endless input: it ends only because its output is closed.
    const script = `yes 'a&&b&&c' | { ${command}; echo "exit $?" >&2; } | head -n 1`;
    const program = startProgram("bash", ["-c", script]);
    await using _ = program;
    await program.endInput();
    return await program.result();
  };
  const [sent, converted] = await Promise.all([
    pipe("send", "--url", server.url, "--quiet"),
    pipe("convert"),
  ]);
  assertEquals([sent.stdout, sent.stderr], [
    ['{"request_id":"1","data":{"a":{"b":"c"}}}'],
    "exit 0\n",
  ]);
  assertEquals([converted.stdout, converted.stderr], [['{"a":{"b":"c"}}'], "exit 0\n"]);
});

Deno.test("asyncpkt writes no stack when its arguments are wrong", async () => {
  const wrong = [["srve"], ["send", "--url", "x", "y"], ["convert", "--nonsense"]];
  const programs = wrong.map((args) =>
    startProgram(Deno.execPath(), ["run", "--no-prompt", "main.ts", ...args])
  );
  for (const program of programs) {
    await using running = program;
    const result = await running.result();
    assertEquals([result.code, result.stdout], [2, []]);
    assertNoStack(result);
  }
});

Deno.test("demo exits with 130 and no error when it is interrupted", async () => {
  await using demo = await startTask("demo");
  assertMatch(await demo.stdout.next(), /^ *\d\.\d\d s {2}a server listens on ws:/);
  demo.kill("SIGINT");
  const result = await demo.result();
  assertEquals([result.code, result.stderr], [130, ""]);
});

Deno.test("Client.close() leaves nothing that keeps the process alive", async () => {
  await using server = serve({ port: 0, delay: { min: 0, max: 0 } });
  await using program = await startScript(`
    import { Client } from "./client.ts";
    const client = await Client.connect("${server.url}", { timeout: 60_000 });
    await client.request("a&&b&&c", { timeout: 60_000 });
    await client.close();
  `);
  // Far less than the timeouts, far more than a loaded machine needs.
  assertEquals((await program.result(30_000)).code, 0);
});
