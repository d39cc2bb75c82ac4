import { assertEquals, assertMatch } from "@std/assert";
import project from "../deno.json" with { type: "json" };
import { serve } from "../server.ts";
import { makeCertificate } from "../tests/support/certificates.ts";
import { runCommand, startCommand } from "../tests/support/fake_streams.ts";
import { freePort } from "../tests/support/machine.ts";
import { startRawServer } from "../tests/support/raw_tcp.ts";

Deno.test("health prints the health of a server, which needs no token for the status", async () => {
  const folder = await Deno.makeTempDir({ prefix: "asyncpkt" });
  try {
    await Deno.writeTextFile(`${folder}/token`, "s3cret\n");
    await using open = serve({ port: 0 });
    await using closed = serve({ port: 0, token: "s3cret" });
    const all =
      `{"status":"ok","version":"${project.version}","connections":0,"in_flight":0,"abandoned":0}\n`;
    for (
      const [args, stdout] of [
        [["--url", open.url], all],
        [["--url", open.url.replace("ws", "http")], all],
        [["--url", closed.url, "--token-file", `${folder}/token`], all],
        [["--url", closed.url], '{"status":"ok"}\n'],
      ] as const
    ) {
      assertEquals(await runCommand(["health", ...args]), { code: 0, stdout, stderr: "" });
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("health connects over TLS to a server whose authority it trusts", async () => {
  const folder = await Deno.makeTempDir({ prefix: "asyncpkt" });
  try {
    const { ca, cert, key } = await makeCertificate(`${folder}/server`);
    const tls = { cert: await Deno.readTextFile(cert), key: await Deno.readTextFile(key) };
    await using server = serve({ port: 0, tls });
    const trusting = await runCommand(["health", "--url", server.url, "--ca", ca]);
    assertEquals([trusting.code, trusting.stderr], [0, ""]);
    const wary = await runCommand(["health", "--url", server.url]);
    assertEquals([wary.code, wary.stdout], [3, ""]);
    assertMatch(
      wary.stderr,
      /signed by an unknown authority; trust the authority with --ca FILE\n$/,
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("health fails if the server drains, or is another server", async () => {
  for (
    const [body, status, stdout, stderr] of [
      ['{"status":"draining"}', 503, '{"status":"draining"}\n', /^$/],
      [
        "not found",
        404,
        "",
        /: expected the health of an asyncpkt server, got status 404 from http/,
      ],
    ] as const
  ) {
    const respond = () => new Response(body, { status });
    await using other = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, respond);
    const result = await runCommand(["health", "--url", `ws://127.0.0.1:${other.addr.port}`]);
    assertEquals([result.code, result.stdout], [1, stdout]);
    assertMatch(result.stderr, stderr);
  }
});

Deno.test("health reports that there is no server, or no answer in time", async () => {
  const url = `ws://127.0.0.1:${freePort()}`;
  assertEquals(await runCommand(["health", "--url", url]), {
    code: 3,
    stdout: "",
    stderr: `asyncpkt health: cannot connect to ${url}: connection refused; ` +
      'start a server with "asyncpkt serve", or check the port\n',
  });
  await using silent = startRawServer(async (connection) => {
    while (await connection.read(new Uint8Array(4096)) !== null);
  });
  const { code, stderr } = await runCommand(["health", "--url", silent.url, "--timeout", "50ms"]);
  assertEquals(code, 4);
  assertMatch(stderr, /no answer from http:.*\/healthz within 0.05 s\n$/);
});

Deno.test("health ends when it is interrupted", async () => {
  const { promise: asked, resolve } = Promise.withResolvers<void>();
  await using silent = startRawServer(async (connection) => {
    while (await connection.read(new Uint8Array(4096)) !== null) resolve();
  });
  const health = startCommand(["health", "--url", silent.url]);
  await asked;
  health.interrupt();
  assertEquals([await health.exit, health.stderr], [130, ""]);
});
