import { assertEquals } from "@std/assert";
import { startCommand } from "./support/fake_streams.ts";
import { succeeds } from "./support/machine.ts";
import { control } from "./support/described_control.ts";
import { openShell, readPage } from "./support/pages.ts";
import { startNatsServer, whyNoNatsServer } from "./support/nats_server.ts";

const PAGE = await readPage("docs/control.md");

/** The scripts of the page, and the output that follows each. */
const SCRIPTS = [...PAGE.matchAll(/^```sh\n(.*?)^```\n\n```\n(.*?)^```$/gms)]
  .map(([, script, output]) => ({ script: script!, output: output! }));

const hasTools = await succeeds("curl", ["--version"]) && await succeeds("sh", ["-c", ":"]);

Deno.test({
  name: `docs/control.md shows what its scripts print${hasTools ? "" : " (ignored: no curl)"}`,
  ignore: !hasTools,
  async fn() {
    const flags = ["--control", "--clock", "manual", "--delay", "5", "--log-format", "json"];
    const server = startCommand(["serve", "--port", "0", ...flags]);
    const [line] = await server.seen(/^.*\n/);
    const { url, control } = JSON.parse(line);
    await using shell = await openShell();
    for (const { script, output } of SCRIPTS) {
      const variables = `control=${control} http=${url.replace("ws", "http")}`;
      const { stdout } = await shell.run(`${variables}\n${script}`);
      assertEquals(stdout, output, script);
    }
    assertEquals(SCRIPTS.length, 7);
    server.interrupt();
    assertEquals(await server.exit, 0);
  },
});

const noNats = await whyNoNatsServer();

Deno.test({
  name: `the control API steers a gateway of NATS${noNats ? ` (ignored: ${noNats})` : ""}`,
  ignore: noNats !== undefined,
  async fn() {
    await using nats = await startNatsServer();
    const flags = ["--control", "--clock", "manual", "--delay", "5", "--nats", nats.url];
    const gateway = startCommand(["serve", "--port", "0", ...flags]);
    const [, url] = await gateway.seen(/^Listening on (\S+)\n/);
    const worker = startCommand(["work", "--nats", nats.url]);
    await worker.seen(/^Working/);
    const call = (method: string, path: string, body: unknown) =>
      control({ url: url! }, method, path, body);
    await call("POST", "/hold", { match: { id: "held*" } });
    const requests = ["held1", "held2", "due"].map((id) => ({ request_id: id, data: "" }));
    const answers = fetch(url!.replace("ws", "http"), {
      method: "POST",
      body: JSON.stringify(requests),
    }).then((response) => response.text());
    await call("POST", "/requests/wait", { count: 2, outcome: "held" });
    await call("POST", "/requests/wait", { id: "due" });
    for (const id of ["held2", "held1"]) {
      await call("POST", "/release", { ids: [id] });
      await call("POST", "/requests/wait", { id, outcome: "answered" });
    }
    await call("POST", "/clock", { to: "next" });
    const ids = [...(await answers).matchAll(/"request_id":"(\w+)"/g)].map(([, id]) => id);
    assertEquals(ids, ["held2", "held1", "due"]);
    for (const command of [gateway, worker]) {
      command.interrupt();
      assertEquals(await command.exit, 0);
    }
  },
});
