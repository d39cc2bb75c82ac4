import { assertEquals } from "@std/assert";
import { startCommand } from "./support/fake_streams.ts";
import { succeeds } from "./support/machine.ts";

const PAGE = await Deno.readTextFile(new URL("../docs/control.md", import.meta.url));

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
    const cwd = await Deno.makeTempDir();
    for (const { script, output } of SCRIPTS) {
      const env = { control, http: url.replace("ws", "http") };
      const { stdout } = await new Deno.Command("sh", { args: ["-c", script], cwd, env }).output();
      assertEquals(new TextDecoder().decode(stdout), output, script);
    }
    assertEquals(SCRIPTS.length, 7);
    await Deno.remove(cwd, { recursive: true });
    server.interrupt();
    assertEquals(await server.exit, 0);
  },
});
