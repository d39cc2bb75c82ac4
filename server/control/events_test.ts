import { assert, assertEquals, assertLess } from "@std/assert";
import { readEvents } from "../../console/server_events.ts";
import { manualClock, serve, type ServeOptions, type Server } from "../../server.ts";
import { realClock } from "../../session/clock.ts";
import { Journal } from "../../session/journal.ts";
import { openBrowserSocket } from "../../tests/support/browser_socket.ts";
import { control, follows } from "../../tests/support/described_control.ts";
import { readToEnd } from "../../tests/support/raw_tcp.ts";
import type { Steering } from "../steering.ts";
import { EventStreams } from "./events.ts";

const LATE: ServeOptions = { port: 0, delay: { min: 600, max: 600 }, control: true };

/** Shapes of the data of each event, as the description has them. */
const SCHEMAS: Readonly<Record<string, string>> = {
  request: "entry",
  settings: "settings",
  clock: "clock",
};

/** Opens a stream of events. Each event becomes its name and its data. */
async function openEvents({ url }: Pick<Server, "url">) {
  const { body, headers } = await fetch(`${url.replace("ws", "http")}/control/events`);
  assertEquals(headers.get("content-type"), "text/event-stream");
  return (async function* () {
    for await (const { name, data } of readEvents(body!)) {
      const value = JSON.parse(data);
      const schema = SCHEMAS[name];
      assert(schema === undefined || follows(value, "components", "schemas", schema), data);
      yield [name, value] as const;
    }
  })();
}

type Events = Awaited<ReturnType<typeof openEvents>>;

async function take(events: Events, count: number) {
  const taken = [];
  while (taken.length < count) taken.push((await events.next()).value!);
  return taken;
}

function post({ url }: Pick<Server, "url">, id: unknown): Promise<string> {
  const body = JSON.stringify({ request_id: id, data: "" });
  return fetch(url.replace("ws", "http"), { method: "POST", body }).then((answer) => answer.text());
}

for (const websocket of ["deno", "strict"] as const) {
  Deno.test(`${websocket}: GET /control/events streams each change until the end`, async () => {
    await using server = serve({ ...LATE, websocket, clock: manualClock() });
    const events = await openEvents(server);
    const others = await openEvents(server);

    const hold = server.hold({ id: "H" });
    const posted = [post(server, "H"), post(server, 1)];
    await server.received(2);
    hold.release();
    await control(server, "POST", "/clock", { advance: 600 });
    await Promise.all(posted);
    const taken = await take(events, 7);
    assertEquals(taken.map(([name]) => name), [
      ...["rules", "request", "request", "request", "request", "request", "clock"],
    ]);
    const outcomes = taken.filter(([name]) => name === "request")
      .map(([, { id, outcome }]) => `${id} ${outcome}`);
    assertEquals(outcomes.slice(0, 2).sort(), ["1 in_flight", "H held"]);
    assertEquals(outcomes.slice(2), ["H in_flight", "H answered", "1 answered"]);
    assertEquals(taken.at(-1)![1].now, 600);

    server.change({ delay: "0" });
    server.reset();
    assertEquals(await take(events, 4), [
      ["settings", { delay: "0", fault: null, seed: null }],
      ["rules", []],
      ["settings", { delay: "600", fault: null, seed: null }],
      ["reset", {}],
    ]);

    await using peer = await openBrowserSocket(server.url);
    peer.send({ request_id: "last", data: "" });
    assertEquals((await take(events, 1))[0]![1].outcome, "in_flight");
    await server.drain();
    const rest = await Array.fromAsync(events);
    assertEquals(rest.map(([, { id, outcome }]) => [id, outcome]), [["last", "dropped"]]);
    assertEquals((await Array.fromAsync(others)).length, 13);
  });
}

Deno.test("EventStreams shows now and then that a stream is alive", async () => {
  const steering = { journal: new Journal(realClock), listen: () => () => {} };
  const streams = new EventStreams(steering as unknown as Steering, 1);
  const reader = streams.open()!.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!text.endsWith(":\n\n:\n\n")) text += (await reader.read()).value;
  streams.close();
  while (!(await reader.read()).done) { /* reads the rest */ }
});

Deno.test("GET /control/events cuts off a reader that does not read", async () => {
  await using server = serve(LATE);
  using connection = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
  const head = `GET /control/events HTTP/1.1\r\nhost: 127.0.0.1:${server.port}\r\n\r\n`;
  await connection.write(new TextEncoder().encode(head));
  const first = new Uint8Array(1);
  await connection.read(first);
  const reader = await openEvents(server);
  const big = [{ match: { data: "x".repeat(1 << 20) } }];
  for (let sent = 0; sent < 100; sent++) {
    server.rules.replace(big);
    assertEquals((await take(reader, 1))[0]![0], "rules");
  }
  assertLess((await readToEnd(connection)).length, 60 << 20);
  server.change({});
  assertEquals((await take(reader, 1))[0]![0], "settings");
  await reader.return(undefined);
});
