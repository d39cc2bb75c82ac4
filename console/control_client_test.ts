import { assertEquals, assertRejects } from "@std/assert";
import { saveToken } from "./connection.ts";
import { ControlClient, ControlError, type JournalEntry } from "./control_client.ts";

/** Starts a server that records each call and answers with the JSON of `answer`. */
function startFake(answer: (request: Request) => Response = () => Response.json([])) {
  const calls: string[] = [];
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, async (request) => {
    const path = new URL(request.url).pathname;
    calls.push(`${request.method} ${path} ${await request.text()}`.trim());
    return answer(request);
  });
  const client = new ControlClient(new URL(`http://127.0.0.1:${server.addr.port}/control/`));
  return { client, calls, [Symbol.asyncDispose]: () => server.shutdown() };
}

Deno.test("ControlClient sends each call with its method, path and body", async () => {
  await using fake = startFake();
  const { client, calls } = fake;
  await client.hold("A");
  await client.release({ connection: 2, id: 7 } as JournalEntry);
  await client.release();
  await client.moveClock({ advance: 1.5 });
  await client.addRule("[{}]");
  await client.enableRule(3, false);
  await client.removeRule(3);
  await client.changeSettings({ seed: null });
  await client.reset();
  assertEquals(calls, [
    'POST /control/hold {"match":{"id":"A"}}',
    'POST /control/release {"match":{"connection":2,"id":7}}',
    "POST /control/release {}",
    'POST /control/clock {"advance":1.5}',
    "POST /control/rules [{}]",
    'PATCH /control/rules/3 {"enabled":false}',
    "DELETE /control/rules/3",
    'PATCH /control/settings {"seed":null}',
    "POST /control/reset",
  ]);
});

Deno.test("ControlClient rejects with the server's line", async () => {
  const line = 'rules[0].match.nth: expected an integer of at least 1, got "x"';
  for (const body of [JSON.stringify({ error: line }), `${line}\n`]) {
    const headers = body.startsWith("{") ? { "content-type": "application/json" } : {};
    await using fake = startFake(() => new Response(body, { status: 400, headers }));
    await assertRejects(() => fake.client.addRule("{}"), ControlError, line);
  }
});

Deno.test("ControlClient reads events until the signal aborts", async () => {
  const encoder = new TextEncoder();
  await using fake = startFake(() =>
    new Response(
      new ReadableStream({
        start: (stream) => stream.enqueue(encoder.encode("event: clock\ndata: {}\n\n")),
      }),
    )
  );
  const abort = new AbortController();
  await assertRejects(async () => {
    for await (const event of await fake.client.events(abort.signal)) {
      assertEquals(event, { name: "clock", data: "{}" });
      abort.abort();
    }
  }, DOMException);
});

Deno.test("ControlClient sends the token of the page", async () => {
  let authorization: string | null = null;
  await using fake = startFake((request) => {
    authorization = request.headers.get("authorization");
    return Response.json([]);
  });
  saveToken("a+b/c=");
  await fake.client.rules();
  sessionStorage.clear();
  assertEquals(authorization, "Bearer a+b/c=");
});
