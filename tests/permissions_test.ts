import { assertEquals, assertMatch } from "@std/assert";
import { freePort } from "./support/machine.ts";
import { listening, startProgram, taskArgs } from "./support/program.ts";

/** What a program could try that goes beyond its work, and how to try it. */
const ATTEMPTS = {
  "read a file": `Deno.readTextFile("LICENSE")`,
  "write a file": `Deno.writeTextFile("/dev/null", "")`,
  "connect elsewhere": `Deno.connect({ hostname: "127.0.0.2", port: 1 })`,
  "run a program": `new Deno.Command("true").output()`,
  "see the environment": `Deno.env.toObject()`,
  "see a variable": `Deno.env.get("HOME")`,
  "see the token": `Deno.env.get("ASYNCPKT_TOKEN")`,
  "see the terminal's type": `Deno.env.get("TERM")`,
  "see the system": `Deno.hostname()`,
  "call a library": `Deno.dlopen("libc.so.6", {})`,
};

/** Runs all attempts with some permissions; returns which of them are allowed. */
async function allowed(permissions: string[], attempts: Record<string, string>): Promise<string[]> {
  const tries = Object.entries(attempts).map(([what, code]) => `
    try {
      await (async () => ${code})();
      console.log(${JSON.stringify(what)});
    } catch (error) {
      if (!(error instanceof Deno.errors.NotCapable)) console.log(${JSON.stringify(what)});
    }`);
  const source = `data:text/javascript,${encodeURIComponent(tries.join(""))}`;
  await using program = startProgram(Deno.execPath(), [
    ...["run", "--no-prompt", ...permissions, source],
  ]);
  const { code, stdout, stderr } = await program.result();
  assertEquals([code, stderr], [0, ""]);
  return stdout;
}

Deno.test("tasks and executable have only the permissions that they need", async () => {
  const expected: Record<string, string[]> = {
    convert: [],
    demo: ["see the terminal's type"],
    serve: ["see the token", "see the terminal's type"],
    work: [],
    "serve:workers": ["read a file", "see the token", "see the terminal's type"],
    send: ["read a file", "connect elsewhere", "see the token", "see the terminal's type"],
    bench: ["read a file", "connect elsewhere", "see the token", "see the terminal's type"],
    compile: ["read a file", "connect elsewhere", "see the token", "see the terminal's type"],
  };
  await Promise.all(
    Object.entries(expected).map(async ([task, attempts]) => {
      const flags = (await taskArgs(task)).filter((word) => /^--(?:allow|deny)-/.test(word));
      assertEquals(await allowed(flags, ATTEMPTS), attempts, task);
    }),
  );
});

Deno.test("serve and send work with permission for their port only", async () => {
  const port = freePort();
  const permissions = [`--allow-net=127.0.0.1:${port}`];
  const run = ["run", "--no-prompt", ...permissions, "main.ts"];
  const url = `ws://127.0.0.1:${port}`;
  await using server = await listening(
    startProgram(Deno.execPath(), [...run, "serve", "--port", `${port}`, "--delay", "0"]),
  );
  assertEquals(server.url, url);
  await using send = startProgram(Deno.execPath(), [...run, "send", "--url", url, "a&&b&&c"]);
  const sent = await send.result();
  assertEquals([sent.code, sent.stdout], [0, ['{"request_id":"1","data":{"a":{"b":"c"}}}']]);
  assertMatch(sent.stderr, /^1 request: 1 answered/);

  const attempts = {
    ...ATTEMPTS,
    "connect to its port": `Deno.connect({ hostname: "127.0.0.1", port: ${port} })`,
    "connect to another port": `Deno.connect({ hostname: "127.0.0.1", port: ${port - 1} })`,
    "listen on another port": `Deno.listen({ hostname: "127.0.0.1", port: ${port - 1} })`,
  };
  assertEquals(await allowed(permissions, attempts), ["connect to its port"]);
  server.kill("SIGTERM");
  assertEquals((await server.result()).code, 0);
});
