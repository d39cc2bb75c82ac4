import { assertEquals } from "@std/assert";
import { startCommand } from "../tests/support/fake_streams.ts";
import { awaitedLater } from "../tests/support/waiting.ts";

Deno.test("demo ends at once when it is interrupted", async () => {
  const demo = startCommand(["demo"]);
  await demo.seen(/→/);
  demo.interrupt();
  assertEquals(await awaitedLater(demo.exit), 130);
  assertEquals(demo.stderr, "");
});
