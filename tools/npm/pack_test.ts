import { assert, assertEquals, assertRejects } from "@std/assert";
import { serve } from "../../server.ts";
import { startMockServer } from "../../tests/support/mock_server.ts";
import { packLibrary, run, TYPESCRIPT } from "./pack.ts";

/** The oldest Node with a WebSocket. */
const NODE = "node@22";

const folder = await Deno.makeTempDir({ prefix: "asyncpkt" });
globalThis.addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
const user = `${folder}/user`;
const built = `${user}/node_modules/@asyncpkt/asyncpkt`;

/** A program of a user, which runs. */
const PROGRAM = `
import assert from "node:assert/strict";
import { Client, ConnectionError, RequestError, TimeoutError } from "@asyncpkt/asyncpkt";
import { convert } from "@asyncpkt/asyncpkt/protocol";

const [url, closing] = process.argv.slice(2);
const client = await Client.connect(url);
assert.equal(client.protocol, "asyncpkt.v1");
const reply = await client.request("Hub&&name&&qwe&&id&&123&&", { id: "01" });
assert.deepEqual(reply.data, convert("Hub&&name&&qwe&&id&&123&&"));
assert.equal(reply.json, '{"request_id":"01","data":{"Hub":{"name":"qwe","id":"123"}}}');
assert.equal(typeof reply.delay, "number");

const answered = [];
const packets = Array.from({ length: 300 }, (_, i) => "Device&&id&&" + i);
for await (const { index, reply } of client.requests(packets, { window: 300 })) {
  assert.deepEqual(reply?.data, { Device: { id: String(index) } });
  answered.push(index);
}
assert.equal(answered.length, 300);
assert.notDeepEqual(answered, answered.toSorted((a, b) => a - b));

await assert.rejects(client.request("", { id: "" }), RequestError);
await assert.rejects(client.request("", { timeout: 1 }), TimeoutError);
await client.close();

await assert.rejects(
  Client.connect("ws://127.0.0.1:1"),
  (error: unknown) => error instanceof ConnectionError && error.code === "connection_failed",
);
const lost = await Client.connect(closing!);
await assert.rejects(lost.request(""), /the server closed the connection with 4000 bye/);
console.log("done on", process.version);
`;

/** A program that does not compile. */
const WRONG = `
import { Client } from "@asyncpkt/asyncpkt/client";
const client = await Client.connect("ws://localhost", { timeout: "1" });
`;

/** The parts of Node's types that the program uses, to save a download. */
const AMBIENT = `
declare module "node:assert/strict" { const assert: any; export default assert; }
declare const process: { argv: string[]; version: string };
`;

const missing = await install();

/** What TypeScript says about both programs, compiled together, as its start takes longer than both. */
const typeErrors = missing ?? await compile("program.ts", "wrong.ts");

/** Installs the package as npm does; returns the reason if that is not possible. */
async function install(): Promise<string | undefined> {
  await Deno.mkdir(user);
  await Deno.writeTextFile(`${user}/package.json`, '{"private":true,"type":"module"}\n');
  await Deno.writeTextFile(`${user}/node.d.ts`, AMBIENT);
  await Deno.writeTextFile(`${user}/program.ts`, PROGRAM);
  await Deno.writeTextFile(`${user}/wrong.ts`, WRONG);
  try {
    const tarball = await packLibrary(folder);
    await run(user, "npm", "install", "--silent", "--no-audit", "--offline", tarball);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "npm is not installed";
    throw error;
  }
  return undefined;
}

/** Compiles programs; returns the lines with errors. */
async function compile(...programs: string[]): Promise<string[]> {
  const options = "--strict --exactOptionalPropertyTypes --module nodenext --target esnext";
  const error = await assertRejects(
    () => run(user, ...TYPESCRIPT, ...options.split(" "), ...programs, "node.d.ts"),
    Error,
  );
  return error.message.split("\n").filter((line) => line.includes("error TS"));
}

const ignore = missing !== undefined;
const why = ignore ? ` (ignored: ${missing})` : "";

Deno.test({
  name: `the npm package works with the WebSocket of Node 22${why}`,
  ignore,
  async fn() {
    await using server = serve({ port: 0, delay: { min: 0.01, max: 0.2 } });
    await using closing = startMockServer({
      protocol: "asyncpkt.v1",
      onPacket: (_, socket) => socket.close(4000, "bye"),
    });
    const out = await run(user, "npx", "-y", NODE, "program.js", server.url, closing.url);
    assert(out.startsWith("done on v22."), out);
  },
});

Deno.test({
  name: `the npm package runs the example for Node in its README${why}`,
  ignore,
  async fn() {
    await using server = serve({ port: 0, delay: { min: 0.01, max: 0.02 } });
    const readme = await Deno.readTextFile(`${built}/README.md`);
    const example = /```js ignore\n(.*?)```/s.exec(readme)![1]!;
    const program = example.replace("ws://127.0.0.1:2707", server.url);
    await Deno.writeTextFile(`${user}/readme.js`, program);
    const out = await run(user, "npx", "-y", NODE, "readme.js");
    assertEquals(out.split("\n").toSorted(), [
      "",
      '{"request_id":"1","data":{"a":{"b":"c"}}}',
      '{"request_id":"2","data":{"d":{"e":"f"}}}',
    ]);
  },
});

Deno.test({
  name: `the types of the npm package accept a valid program and report a wrong option${why}`,
  ignore,
  fn() {
    assertEquals(typeErrors, [
      "wrong.ts(3,57): error TS2322: Type 'string' is not assignable to type 'number'.",
    ]);
  },
});

Deno.test({
  name: `the npm package imports only its own files${why}`,
  ignore,
  fn() {
    for (const { name } of Deno.readDirSync(built)) {
      if (!name.endsWith(".js")) continue;
      const text = Deno.readTextFileSync(`${built}/${name}`);
      const imported = [...text.matchAll(/\bfrom "([^"]*)"|\bimport\(|\brequire\(/g)];
      assertEquals(imported.filter(([, from]) => !/^\.\/[\w-]+\.js$/.test(from ?? "")), []);
    }
  },
});
