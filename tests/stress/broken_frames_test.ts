import { assert, assertEquals } from "@std/assert";
import { serve } from "../../server.ts";
import { tryBrokenFrames } from "./broken_frames.ts";

Deno.test("serve() answers every kind of broken JSON as it deserves, and goes on", async () => {
  await using server = serve({ port: 0, delay: { min: 0, max: 0 } });
  const { failures, badInputs } = await tryBrokenFrames(server.url);
  assertEquals(failures, []);
  assert(badInputs! > 500);
});
