import { assertEquals, assertLess, assertRejects, assertStrictEquals } from "@std/assert";
import { jetstreamManager } from "@nats-io/jetstream";
import type { ServeOptions } from "../../server.ts";
import { startServer } from "../../server/start.ts";
import { manualClock } from "../../session/clock.ts";
import { ask, WAYS } from "../../tests/support/ask.ts";
import {
  type NatsServer,
  startNatsServer,
  whyNoNatsServer,
} from "../../tests/support/nats_server.ts";
import { until } from "../../tests/support/waiting.ts";
import { openNatsResponder } from "./nats_responder.ts";
import { NatsWorker } from "./nats_worker.ts";
import { connect } from "./transport.ts";

const missing = await whyNoNatsServer();

/** A test with a NATS server and a worker. */
function test(name: string, fn: (nats: NatsServer) => Promise<void>): void {
  Deno.test({
    name: `${name}${missing ? ` (ignored: ${missing})` : ""}`,
    ignore: missing !== undefined,
    async fn() {
      await using nats = await startNatsServer();
      await using _worker = await NatsWorker.open({ servers: [nats.url] });
      await fn(nats);
    },
  });
}

/** Starts a gateway with a manual clock. */
async function startGateway({ url }: NatsServer, options: ServeOptions) {
  const stack = new AsyncDisposableStack();
  const responder = stack.use(await openNatsResponder({ servers: [url] }));
  const clock = manualClock();
  const server = stack.use(startServer({ port: 0, clock, ...options }, { responder }));
  return { server, clock, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

/** Resolves once nothing is in the queue. */
async function untilEmpty({ url }: NatsServer): Promise<void> {
  await using connection = await connect({ servers: new URL(url).host });
  const { streams } = await jetstreamManager(connection);
  await until("the queue is empty", async () => {
    return (await streams.info("asyncpkt")).state.messages === 0;
  });
}

for (const way of WAYS) {
  test(`${way}: a gateway holds and releases requests, and leaves none in the queue`, async (nats) => {
    await using gateway = await startGateway(nats, {
      delay: { min: 5, max: 5 },
      rules: [
        { match: { id: "never" }, delay: "never" },
        { match: { id: "error" }, error: { code: "overloaded" } },
        { match: { id: "answer" }, delay: 0, answer: { Hub: { name: "other" } } },
        { match: { id: "late error" }, delay: 1, error: { code: "internal" } },
        { match: { id: "h*" }, hold: true },
      ],
    });
    const { server, clock } = gateway;
    const start = performance.now();
    const ids = ["never", "error", "answer", "late error", "h1", "h2", "timed"];
    await using peer = await ask(server, way, ids);
    assertEquals(await peer.ids(2), ["error", "answer"]);
    await server.received(2, { outcome: "held" });
    await untilEmpty(nats); // the workers have answered
    clock.advance(1000);
    assertEquals(await peer.ids(1), ["late error"]);
    assertEquals(server.release({ ids: ["h2", "h1"] }), ["h2", "h1"]);
    assertEquals(await peer.ids(2), ["h2", "h1"]);
    clock.advance(4000);
    const { request_id, data, delay } = await peer.answers.next();
    assertEquals([request_id, data, delay], [
      ...["timed", { a: { b: "c" } }],
      way === "v1" ? 5 : undefined,
    ]);
    assertEquals(server.requests.map(({ id, outcome }) => [id, outcome]), [
      ["never", "in_flight"],
      ["error", "error:overloaded"],
      ["answer", "answered"],
      ["late error", "error:internal"],
      ["h1", "answered"],
      ["h2", "answered"],
      ["timed", "answered"],
    ]);
    assertLess(performance.now() - start, 4000); // workers do not wait by their own clock
    server.reset();
    assertStrictEquals(server.inFlight, 0);
    if (way === "post") await peer.ended;
    await untilEmpty(nats);
  });

  test(`${way}: a gateway disconnects at once, before NATS has the request`, async (nats) => {
    const rules = [{ match: { id: "end" }, delay: 0, answer: {}, fault: "disconnect" as const }];
    await using gateway = await startGateway(nats, { rules });
    const { server } = gateway;
    if (way === "post") {
      await assertRejects(async () => await (await ask(server, way, ["a", "end"])).ended);
    } else {
      await using peer = await ask(server, way, ["a", "end"]);
      assertStrictEquals((await peer.ended)!.code, 1011);
    }
    // Deno 2.7 sends a POST again if its connection ends before the response.
    const outcomes = new Set(server.requests.map(({ outcome }) => outcome));
    assertEquals([...outcomes], ["dropped"]);
    await untilEmpty(nats);
  });
}
