import { assert, assertEquals, assertGreater } from "@std/assert";
import { serve, type Server } from "../../server.ts";
import { output } from "../../tests/support/machine.ts";
import { deno, here, type LoadOptions, type Result } from "./measure.ts";

/** Runs the load generator against a server. */
async function runLoad(server: Server, options: Partial<LoadOptions>): Promise<Result> {
  const load = {
    connections: 2,
    data: "Hub&&name&&qwe",
    warmUp: 0.2,
    seconds: 0.3,
    isSeeded: true,
  };
  const all: LoadOptions = { ...load, port: server.port, pid: Deno.pid, ...options };
  return JSON.parse(await output(deno("--allow-all", here("load.ts"), JSON.stringify(all))));
}

const transports = ["deno", "strict"] as const;
for (const websocket of transports) {
  Deno.test(`load.ts keeps requests in flight in a closed loop, transport ${websocket}`, async () => {
    await using server = serve({ port: 0, websocket, delay: { min: 0, max: 0 } });
    for (const subprotocol of [undefined, "asyncpkt.v1"]) {
      for (const batch of [1, 4]) {
        const load = { pipeline: 8, batch, ...subprotocol && { subprotocol } };
        const { perSecond, inFlight, errors } = await runLoad(server, load);
        assertGreater(perSecond, 0);
        assert(inFlight > 2 * (8 - batch) && inFlight <= 16, `${inFlight} in flight`);
        assertEquals(errors, 0);
      }
    }
  });
}

Deno.test("load.ts counts errors", async () => {
  await using server = serve({ port: 0, delay: { min: 0, max: 0 }, faults: { error: 1 } });
  const { errors } = await runLoad(server, { pipeline: 1 });
  assertGreater(errors, 0);
});

Deno.test("load.ts measures lateness by the delay of each request in an open loop", async () => {
  await using server = serve({ port: 0, delay: { min: 1, max: 5 }, seed: 1 });
  const { p50 } = await runLoad(server, { rate: 500, delays: true, warmUp: 2 });
  assert(p50 > -1 && p50 < 500, `lateness of ${p50} ms`);
});
