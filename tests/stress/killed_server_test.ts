import { assert, assertEquals } from "@std/assert";
import { killServer } from "./killed_server.ts";

const QUICK = { delays: [0.2, 1], pause: 0.2 } as const;

for (const way of ["library", "send"] as const) {
  Deno.test(`a server killed amid 1,000 requests by ${way} leaves none without its answer`, async () => {
    const { resent, ...result } = await killServer(1, 1, way, QUICK);
    assertEquals(result, { requests: 1000, answered: 1000, lost: 0, twice: 0 });
    assert(resent > 0, "it was killed when all had been answered");
  });
}
