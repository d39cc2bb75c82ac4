import { assertEquals } from "@std/assert";
import { meet, OBSTACLES } from "../tests/stress/connect_failures.ts";
import { runCommand } from "../tests/support/fake_streams.ts";

for (const obstacle of OBSTACLES) {
  Deno.test(`send and bench say what failed and what to do: ${obstacle.what}`, {
    // Deno 2.7 keeps a resource when a host is unknown.
    sanitizeResources: !Deno.version.deno.startsWith("2.7."),
  }, async () => {
    for (const command of [["send", "a&&b&&c"], ["bench", "-c", "1", "-n", "1"]]) {
      const { got, expected } = await meet(obstacle, async (args) => {
        const { code, stdout, stderr } = await runCommand([...command, ...args]);
        assertEquals([code, stdout], [3, ""]);
        return stderr;
      });
      assertEquals(withoutSlash(got), `asyncpkt ${command[0]}: ${expected}\n`);
    }
  });
}

/** `bench` writes URLs with a slash at their end. */
function withoutSlash(text: string): string {
  return text.replace(/(cannot connect to \S+:\d+)\/:/, "$1:");
}
