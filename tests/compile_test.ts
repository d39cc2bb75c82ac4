import { assertEquals, assertMatch } from "@std/assert";
import { startNatsServer, whyNoNatsServer } from "./support/nats_server.ts";
import { listening, startProgram, taskCommand } from "./support/program.ts";

const EXAMPLE = "Hub&&name&&qwe&&id&&123&&%%Device&&name&&wqe&&id&&234&&";
const EXAMPLE_RESPONSE =
  '{"request_id":"01","data":{"Hub":{"name":"qwe","id":"123"},"Device":{"name":"wqe","id":"234"}}}';

/** Runs the task but for its output; returns the reason if there is no base runtime to compile with. */
async function compile(output: string): Promise<string | undefined> {
  const task = (await taskCommand("compile")).replace("--output asyncpkt", `--output ${output}`);
  // Some networks swallow the download. Without it, only a busy machine takes long.
  const signal = AbortSignal.timeout(Deno.env.has("DENORT_BIN") ? 600_000 : 60_000);
  const compiling = new Deno.Command(Deno.execPath(), {
    args: ["task", "--eval", task],
    cwd: new URL("..", import.meta.url).pathname,
    env: { NO_COLOR: "1" },
    signal,
  });
  const compiled = await compiling.output();
  const said = new TextDecoder().decode(compiled.stderr);
  if (!compiled.success) {
    if (signal.aborted || said.includes("error sending request for url (https://dl.deno.land")) {
      return "deno compile cannot get its base runtime here";
    }
    throw new Error(said);
  }
  const running = await new Deno.Command(output, { args: ["--version"] }).output();
  return new TextDecoder().decode(running.stderr).includes("find standalone binary section")
    ? `DENORT_BIN is not of Deno ${Deno.version.deno}`
    : undefined;
}

const folder = await Deno.makeTempDir({ prefix: "asyncpkt" });
globalThis.addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
const asyncpkt = `${folder}/asyncpkt`;
const missing = await compile(asyncpkt);

Deno.test({
  name: `deno task compile leaves nothing but the executable${
    missing ? ` (ignored: ${missing})` : ""
  }`,
  ignore: missing !== undefined,
  async fn() {
    const files = await Array.fromAsync(Deno.readDir(folder), ({ name }) => name);
    assertEquals(files, ["asyncpkt"]);
  },
});

Deno.test({
  name: `the executable answers the example${missing ? ` (ignored: ${missing})` : ""}`,
  ignore: missing !== undefined,
  async fn() {
    const { stdout } = await new Deno.Command(asyncpkt, { args: ["--version"] }).output();
    assertMatch(new TextDecoder().decode(stdout), /^asyncpkt \d\S* \(Deno \d\S*, V8 \d\S*\)\n$/);
    const access = ["--token-file", `${folder}/token`];
    await Deno.writeTextFile(`${folder}/token`, "s3cret\n");
    const flags = ["--port", "0", "--delay", "0.1..0.3", ...access];
    await using server = await listening(startProgram(asyncpkt, ["serve", ...flags]));
    const args = ["send", "--id", "01", "--url", server.url, ...access, EXAMPLE];
    await using send = startProgram(asyncpkt, args);
    const sent = await send.result();
    assertEquals([sent.code, sent.stdout], [0, [EXAMPLE_RESPONSE]]);
    assertMatch(sent.stderr, /^1 request: 1 answered, 0 failed/);
    assertMatch(await server.stdout.next(), /^01: Timeout 0\.[123] seconds for this one\.$/);
    const page = await fetch(server.url.replace("ws", "http"), {
      headers: { accept: "text/html" },
    });
    assertMatch(await page.text(), /<title>asyncpkt<\/title>/);
    const ended = await server.stop();
    assertEquals([ended.code, ended.stderr], [0, ""]);
  },
});

Deno.test({
  name: `the executable reports the parts that it was compiled without${
    missing ? ` (ignored: ${missing})` : ""
  }`,
  ignore: missing !== undefined,
  async fn() {
    const args = ["serve", "--port", "0", "--record", "my file"];
    await using server = startProgram(asyncpkt, args);
    const { code, stderr } = await server.result();
    const instead = "use --record - > 'my file', or compile asyncpkt with '--allow-write=my file'";
    assertEquals([code, stderr], [
      2,
      `asyncpkt serve: no permission to write my file; ${instead}\n`,
    ]);
  },
});

const notBehindNats = missing ?? await whyNoNatsServer();

Deno.test({
  name: `the executable works behind NATS${notBehindNats ? ` (ignored: ${notBehindNats})` : ""}`,
  ignore: notBehindNats !== undefined,
  async fn() {
    await using nats = await startNatsServer();
    const flags = ["--nats", nats.url];
    await using worker = startProgram(asyncpkt, ["work", ...flags]);
    assertEquals(await worker.stdout.next(), `Working for ${nats.url}`);
    await using server = await listening(
      startProgram(asyncpkt, ["serve", "--port", "0", "--delay", "0", ...flags]),
    );
    await using send = startProgram(asyncpkt, ["send", "--id", "01", "--url", server.url, EXAMPLE]);
    assertEquals((await send.result()).stdout, [EXAMPLE_RESPONSE]);
    for (const program of [server, worker]) {
      program.kill("SIGTERM");
      const { code, stderr } = await program.result();
      assertEquals([code, stderr], [0, ""]);
    }
  },
});

Deno.test({
  name: `the executable has workers${missing ? ` (ignored: ${missing})` : ""}`,
  ignore: missing !== undefined || Deno.build.os !== "linux",
  async fn() {
    const flags = ["--workers", "2", "--port", "0", "--delay", "0"];
    await using server = await listening(startProgram(asyncpkt, ["serve", ...flags]));
    const health = await fetch(server.url.replace("ws", "http") + "/healthz");
    assertEquals((await health.json()).workers, 2);
    await using send = startProgram(asyncpkt, ["send", "--id", "01", "--url", server.url, EXAMPLE]);
    assertEquals((await send.result()).stdout, [EXAMPLE_RESPONSE]);
    assertEquals((await server.stop()).code, 0);
  },
});
