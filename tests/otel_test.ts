import { assertEquals } from "@std/assert";
import { deadline } from "@std/async/deadline";
import { listening, startProgram, taskArgs } from "./support/program.ts";
import { PATIENCE } from "./support/waiting.ts";

interface Attribute {
  key: string;
  value: Record<string, unknown>;
}

/** What an exporter sends, as far as it is looked at here. */
interface Traces {
  resourceSpans: {
    resource: { attributes: Attribute[] };
    scopeSpans: { spans: { name: string; attributes: Attribute[] }[] }[];
  }[];
}

function valueOf(attributes: Attribute[], key: string): unknown {
  const found = attributes.find((attribute) => attribute.key === key);
  return found && Object.values(found.value)[0];
}

/** A collector of spans: what it has got, as text. */
function startCollector(wanted: number) {
  const spans: string[] = [];
  const enough = Promise.withResolvers<void>();
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const traces = await request.json() as Partial<Traces>;
    for (const { resource, scopeSpans } of traces.resourceSpans ?? []) {
      const service = valueOf(resource.attributes, "service.name");
      for (const { name, attributes } of scopeSpans.flatMap(({ spans }) => spans)) {
        const path = valueOf(attributes, "url.path");
        const status = valueOf(attributes, "http.response.status_code");
        spans.push(`${service}: ${name} ${path} ${status}`);
      }
    }
    if (spans.length >= wanted) enough.resolve();
    return Response.json({});
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    all: async () => {
      await deadline(enough.promise, PATIENCE);
      return spans.toSorted();
    },
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

Deno.test("Deno's OpenTelemetry reports each HTTP request without further permissions", async () => {
  await using collector = startCollector(3);
  await using server = await listening(startProgram("env", [
    "OTEL_DENO=true",
    "OTEL_SERVICE_NAME=asyncpkt",
    "OTEL_EXPORTER_OTLP_PROTOCOL=http/json",
    `OTEL_EXPORTER_OTLP_ENDPOINT=${collector.url}`,
    Deno.execPath(),
    "run",
    `--deny-net=${new URL(collector.url).host}`, // it is Deno itself that sends
    ...(await taskArgs("serve")).slice(1),
    ...["--port", "0", "--delay", "0", "--quiet"],
  ]));
  const url = server.url.replace("ws", "http");
  const socket = new WebSocket(url);
  const closed = Promise.withResolvers<unknown>();
  socket.onopen = () => socket.close();
  socket.onclose = closed.resolve;
  await closed.promise;
  for (const init of [{ method: "POST", body: '{"request_id":1,"data":""}' }, { method: "GET" }]) {
    await (await fetch(init.method === "GET" ? `${url}/healthz` : url, init)).text();
  }
  assertEquals((await server.stop()).code, 0);
  assertEquals(await collector.all(), [
    "asyncpkt: GET / 101",
    "asyncpkt: GET /healthz 200",
    "asyncpkt: POST / 200",
  ]);
});
