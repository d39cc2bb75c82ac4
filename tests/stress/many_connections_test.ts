import { assertEquals, assertMatch } from "@std/assert";
import { manyConnections } from "./many_connections.ts";

Deno.test("manyConnections() has every request answered, and leaves nothing behind", async () => {
  const { requests, lost, failures, seen } = await manyConnections(50, "0.5..0.6");
  assertEquals([requests, lost, failures], [50, 0, []]);
  assertMatch(seen!, /KiB of the server's memory|^the memory is not known/);
});
