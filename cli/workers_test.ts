import { assertEquals, assertMatch } from "@std/assert";
import { runCommand } from "../tests/support/fake_streams.ts";

const ignore = Deno.build.os !== "linux";

Deno.test("serve explains a wrong number of --workers", async () => {
  for (const value of ["0", "-1", "1.5", "all", "1025", "1e1"]) {
    const { code, stderr } = await runCommand(["serve", `--workers=${value}`]);
    assertEquals(code, 2);
    assertMatch(
      stderr,
      /^asyncpkt serve: --workers: expected auto or an integer from 1 to 1024, got ".*"\n$/,
    );
  }
});

Deno.test({ name: "serve refuses flags that --workers excludes", ignore }, async () => {
  const { code, stderr } = await runCommand(["serve", "--workers", "2", "--record", "-"]);
  assertEquals(code, 2);
  assertEquals(
    stderr,
    "asyncpkt serve: --record and --workers exclude each other; leave out all but one\n",
  );
});

Deno.test({ name: "serve --workers reports that its port is in use", ignore }, async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = taken.addr;
  const { code, stderr } = await runCommand(["serve", "--workers", "2", "--port", `${port}`]);
  assertEquals(code, 3);
  assertMatch(stderr, /: the port is in use; --port 0 picks a free one\n$/);
});
