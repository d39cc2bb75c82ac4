import { assertEquals } from "@std/assert";
import { succeeds } from "./support/machine.ts";

const ROOT = new URL("..", import.meta.url).pathname;
const PAGE = await Deno.readTextFile(`${ROOT}docs/troubleshooting.md`);
const SCRIPTS = [...PAGE.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, script]) => script!);

const hasTools = await succeeds("openssl", ["version"]) && await succeeds("sh", ["-c", ":"]);

Deno.test({
  name: `the scripts of docs/troubleshooting.md work${hasTools ? "" : " (ignored: no openssl)"}`,
  ignore: !hasTools,
  async fn() {
    for (const script of SCRIPTS) {
      const cwd = await Deno.makeTempDir();
      const program = `exec "${Deno.execPath()}" run --no-prompt --allow-net --allow-read ` +
        `--allow-env=ASYNCPKT_TOKEN,TERM --config "${ROOT}deno.json" "${ROOT}main.ts" "$@"`;
      await Deno.writeTextFile(`${cwd}/asyncpkt`, `#!/bin/sh\n${program}\n`, { mode: 0o755 });
      const env = { PATH: `${cwd}:${Deno.env.get("PATH")}`, NO_COLOR: "1" };
      const args = ["-e", "-c", script];
      const { code, stdout } = await new Deno.Command("sh", { args, cwd, env }).output();
      const answer = '{"request_id":"1","data":{"Hub":{"name":"qwe"}}}\n';
      assertEquals([code, new TextDecoder().decode(stdout)], [0, answer], script);
      await Deno.remove(cwd, { recursive: true });
    }
    assertEquals(SCRIPTS.length, 2);
  },
});
