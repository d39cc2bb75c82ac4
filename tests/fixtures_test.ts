import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { packProgram, run } from "../tools/npm/pack.ts";
import { listening, type Program, startProgram } from "./support/program.ts";

const folder = await Deno.makeTempDir({ prefix: "asyncpkt" });
globalThis.addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));

const noNpm = await install();
const why = noNpm ? ` (ignored: ${noNpm})` : "";
const ignore = noNpm !== undefined;

/** Installs the package into an empty folder; returns the reason if that is not possible. */
async function install(): Promise<string | undefined> {
  try {
    const tarball = await packProgram(folder);
    await run(folder, "npm", "install", "--silent", "--no-audit", "--prefer-offline", tarball);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "npm is not installed";
    throw error;
  }
  return undefined;
}

/** Starts the command of the package in the folder. */
function asyncpkt(...args: string[]): Program {
  return startProgram(`${folder}/node_modules/.bin/asyncpkt`, args);
}

async function post(url: string): Promise<unknown> {
  const body = '{"request_id":1,"data":"a&&b&&c"}';
  return await (await fetch(url.replace("ws", "http"), { method: "POST", body })).json();
}

Deno.test({
  name: `npx asyncpkt runs commands of the program${why}`,
  ignore,
  async fn() {
    await using version = startProgram("env", ["-C", folder, "npx", "asyncpkt", "--version"]);
    const { code, stdout } = await version.result();
    assertMatch(`${code} ${stdout}`, /^0 asyncpkt \S+ \(Deno 2\.9\.6, V8 \S+\)$/);
    await using convert = asyncpkt("convert");
    await convert.write("a&&b&&c\n");
    await convert.endInput();
    assertEquals((await convert.result()).stdout, ['{"a":{"b":"c"}}']);
    await using wrong = asyncpkt("serve", "--port", "x");
    const { code: wrongCode, stderr } = await wrong.result();
    const expected = '--port: expected an integer from 0 to 65535, got "x"';
    assertEquals([wrongCode, stderr], [2, `asyncpkt serve: ${expected}\n`]);
  },
});

Deno.test({
  name: `the npm package has the licenses of its dependencies${why}`,
  ignore,
  async fn() {
    const licenses = await Deno.readTextFile(`${folder}/node_modules/asyncpkt/program/LICENSES`);
    assertStringIncludes(licenses, "pako 1.0.11: (MIT AND Zlib)\n\n(The MIT License)");
    assertStringIncludes(licenses, "@nats-io/nats-core 3.4.0: Apache-2.0\n\n");
  },
});

Deno.test({
  name: `the npm package serves until SIGTERM, and no longer if it is killed${why}`,
  ignore,
  async fn() {
    for (const signal of ["SIGTERM", "SIGKILL"] as const) {
      await using server = await listening(asyncpkt("serve", "--port", "0", "--delay", "0"));
      assertEquals(await post(server.url), { request_id: 1, data: { a: { b: "c" } } });
      server.kill(signal);
      // A process that is left would hold stdout open, and the result would not come.
      const ended = await server.result();
      assertEquals(ended.signal, signal === "SIGKILL" ? signal : null);
      assertEquals(ended.stdout.slice(1), ["Draining: 0 in flight", "Drained: all answered"]);
    }
  },
});

Deno.test({
  name: `the npm package has workers${why}`,
  ignore: ignore || Deno.build.os !== "linux",
  async fn() {
    await using server = await listening(asyncpkt("serve", "--port", "0", "--workers", "2"));
    const health = await fetch(server.url.replace("ws", "http") + "/healthz");
    assertEquals((await health.json()).workers, 2);
  },
});
