import { assertEquals } from "@std/assert";
import { succeeds } from "./support/machine.ts";
import { codeBlocks, openShell, readPage } from "./support/pages.ts";

const SCRIPTS = codeBlocks(await readPage("docs/troubleshooting.md"))
  .filter(({ info }) => info === "sh");

const hasTools = await succeeds("openssl", ["version"]) && await succeeds("sh", ["-c", ":"]);

Deno.test({
  name: `the scripts of docs/troubleshooting.md work${hasTools ? "" : " (ignored: no openssl)"}`,
  ignore: !hasTools,
  async fn() {
    for (const { text } of SCRIPTS) {
      await using shell = await openShell();
      const { code, stdout } = await shell.run(text);
      assertEquals([code, stdout], [0, '{"request_id":"1","data":{"Hub":{"name":"qwe"}}}\n'], text);
    }
    assertEquals(SCRIPTS.length, 2);
  },
});
