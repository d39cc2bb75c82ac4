import { assertEquals, assertMatch } from "@std/assert";
import { Client } from "../client.ts";
import { awaitedLater } from "../tests/support/waiting.ts";
import { openStdin, startCommand } from "../tests/support/fake_streams.ts";
import { startNatsServer, whyNoNatsServer } from "../tests/support/nats_server.ts";
import { listening, startProgram } from "../tests/support/program.ts";

const SERVE = ["serve", "--port", "0", "--delay", "0.2", "--exit-with-stdin"];

Deno.test("serve --exit-with-stdin drains when stdin closes or fails, whatever it contains", async () => {
  for (const end of ["end", "fail"] as const) {
    const stdin = openStdin();
    const serving = startCommand(SERVE, { stdin: stdin.readable });
    const [, url] = await serving.seen(/^Listening on (ws:\S+)\n/);
    stdin.write("no more than noise\n");
    await using client = await Client.connect(url!, { reconnect: false });
    const request = awaitedLater(client.request("a&&b&&c"));
    await serving.seen(/^1: Timeout/m);
    stdin[end]();
    assertEquals((await request).data, { a: { b: "c" } });
    assertEquals([await serving.exit, serving.stderr], [0, ""], end);
    await serving.seen(/\nDraining: 1 in flight\nDrained: all answered\n$/);
  }
});

Deno.test("serve --exit-with-stdin leaves stdin alone after a signal", async () => {
  const stdin = openStdin();
  const serving = startCommand(SERVE, { stdin: stdin.readable });
  await serving.seen(/^Listening on/);
  serving.interrupt();
  assertEquals([await serving.exit, stdin.isCanceled], [0, true]);
});

const noNats = await whyNoNatsServer();

Deno.test({
  name: `work --exit-with-stdin ends when stdin closes${noNats ? ` (ignored: ${noNats})` : ""}`,
  ignore: noNats !== undefined,
  async fn() {
    await using nats = await startNatsServer();
    const stdin = openStdin();
    const args = ["work", "--nats", nats.url, "--exit-with-stdin"];
    const working = startCommand(args, { stdin: stdin.readable });
    await working.seen(/^Working for/);
    stdin.end();
    assertEquals([await working.exit, working.stderr], [0, ""]);
  },
});

/** The command line of npx for the Deno that runs the test. */
const NPX = ["-y", "--offline", `deno@${Deno.version.deno}`];

/** Why npx cannot start that Deno here; undefined if it can. */
async function whyNoNpx(): Promise<string | undefined> {
  try {
    const { success } = await new Deno.Command("npx", { args: [...NPX, "--version"] }).output();
    return success ? undefined : `npx has no deno@${Deno.version.deno}`;
  } catch {
    return "there is no npx";
  }
}

const noNpx = await whyNoNpx();

Deno.test({
  name: `serve --exit-with-stdin, under npx and deno task, drains when npx is killed${
    noNpx ? ` (ignored: ${noNpx})` : ""
  }`,
  ignore: noNpx !== undefined,
  async fn() {
    await Promise.all((["SIGTERM", "SIGKILL"] as const).map(async (signal) => {
      await using npx = await listening(
        startProgram("npx", [...NPX, "task", ...SERVE, "--delay", "1"]),
      );
      await using client = await Client.connect(npx.url, { reconnect: false });
      const request = awaitedLater(client.request("a&&b&&c"));
      await npx.stdout.next();
      npx.kill(signal);
      await npx.endInput(); // as Node.js does when its child has ended, and the system at its own end
      assertEquals((await request).data, { a: { b: "c" } });
      // A process that is left would hold stdout open, and the result would not come.
      const { stdout } = await npx.result();
      assertEquals(stdout, ["Draining: 1 in flight", "Drained: all answered"]);
    }));
  },
});

Deno.test({
  name: `the test harness of docs/fixtures.md ends its server${
    noNpx ? ` (ignored: ${noNpx})` : ""
  }`,
  ignore: noNpx !== undefined,
  async fn() {
    const docs = await Deno.readTextFile(new URL("../docs/fixtures.md", import.meta.url));
    const [, example] = /^```js ignore\n(import \{ spawn \}.*?)^```$/ms.exec(docs)!;
    const script = `${example!.replace('"-y", "deno@2.9.6"', JSON.stringify(NPX).slice(1, -1))}
      console.log(url, code);`;
    const args = ["--input-type=module", "--eval", script];
    await using node = startProgram("node", args);
    const { code, stdout, stderr } = await node.result();
    assertEquals(code, 0, stderr);
    assertMatch(stdout.join("\n"), /^ws:\/\/127\.0\.0\.1:\d+ 0$/);
  },
});
