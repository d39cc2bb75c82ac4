import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { Client, type ClientErrorCode } from "../client.ts";
import { faultPolicy, type FaultRates } from "../session/fault_policy.ts";
import { FAULT_KINDS, type FaultKind, type TransportFault } from "../session/faults.ts";
import { encodeError, ERRORS } from "../protocol.ts";
import { serve } from "../server.ts";
import { openBrowserSocket } from "../tests/support/browser_socket.ts";
import { startCommand } from "../tests/support/fake_streams.ts";
import { until } from "../tests/support/waiting.ts";

const SEED = 7;
const SOON = { port: 0, delay: { min: 0.001, max: 0.02 }, seed: SEED };
const RATES = { drop: 0.1, error: 0.1, duplicate: 0.1, late: 0.1, lateBy: 600, garbage: 0.1 };

/** Returns the fault of each of the ids "0", "1", "2" and so on. */
function faultsOf(rates: FaultRates, count: number): Map<string, FaultKind | undefined> {
  const policy = faultPolicy(rates, SEED);
  const encoder = new TextEncoder();
  return new Map(Array.from({ length: count }, (_, i) => {
    const id = encoder.encode(JSON.stringify(String(i)));
    return [String(i), policy.faultFor(id, 0, id.length)?.kind];
  }));
}

/** Returns an id that meets a fault of this kind. */
function idThatMeets(kind: FaultKind | undefined, rates: FaultRates): string {
  for (const [id, met] of faultsOf(rates, 1000)) if (met === kind) return id;
  throw new Error(`No id meets ${kind}`);
}

function countsOf(kinds: Iterable<FaultKind | undefined>): Record<FaultKind, number> {
  const all = [...kinds];
  return Object.fromEntries(
    FAULT_KINDS.map((kind) => [kind, all.filter((other) => other === kind).length]),
  ) as Record<FaultKind, number>;
}

/** How requests with each fault end for a client that at last aborts unanswered requests. */
const ENDINGS: Partial<Record<FaultKind, ClientErrorCode | undefined>> = {
  drop: "aborted",
  error: "internal",
  duplicate: undefined,
  late: "aborted",
  garbage: "aborted",
};

Deno.test("serve() with faults injects the fault that seed and id determine, as Client sees it", async () => {
  const expected = faultsOf(RATES, 60);
  for (const kind of [...FAULT_KINDS.slice(0, 5), undefined]) {
    assertStrictEquals([...expected.values()].includes(kind), true, `nothing meets ${kind}`);
  }
  const server = serve({ ...SOON, faults: RATES });
  const unmatched: unknown[] = [];
  let garbage = 0;
  const client = await Client.connect(server.url, {
    onUnmatched: ({ request_id }) => unmatched.push(request_id),
    onInvalidFrame: () => garbage++,
  });
  const ids = [...expected.keys()];
  const met = (kind: FaultKind | undefined) => ids.filter((id) => expected.get(id) === kind);
  let left = [undefined, "error" as const, "duplicate" as const].flatMap(met).length;
  const abort = new AbortController();
  const inputs = ids.map((id) => ({ id, data: "A&&x&&1" }));
  const options = { window: inputs.length, timeout: Infinity, signal: abort.signal };
  for await (const { index, error } of client.requests(inputs, options)) {
    const kind = expected.get(ids[index]!);
    assertStrictEquals(error?.code, kind && ENDINGS[kind], `id ${ids[index]}, ${kind}`);
    if (--left !== 0) continue;
    // The other requests get no answer once all this is done.
    await until("all were dropped", () => server.faults!.drop === met("drop").length);
    await until("all garbage has come", () => garbage === met("garbage").length);
    await until("each duplicate has come", () => unmatched.length === met("duplicate").length);
    abort.abort();
  }
  assertEquals(unmatched.sort(), met("duplicate").sort());
  // The client cancelled the late requests.
  await until("nothing is in flight", () => server.inFlight === 0);
  assertEquals(server.faults, { ...countsOf(expected.values()), late: 0 });
  await client.close();
  await server.drain();
});

Deno.test("serve() with faults disconnects with 1011, and spares the request when it is sent again", async () => {
  await using server = serve({ ...SOON, faults: { disconnect: 1 } });
  for (const protocols of [[], ["asyncpkt.v1"]]) {
    await using peer = await openBrowserSocket(server.url, protocols);
    peer.send({ request_id: 1, data: "" });
    const { code, reason, wasClean } = await peer.closed;
    assertEquals([code, reason, wasClean], [1011, "Disconnected on purpose", true]);
    assertStrictEquals(server.inFlight, 0);
    await using again = await openBrowserSocket(server.url, []);
    again.send({ request_id: 1, data: "" });
    assertEquals(await again.next(), { request_id: 1, data: {} });
  }
});

Deno.test("serve() without faults counts none", async () => {
  await using server = serve(SOON);
  assertStrictEquals(server.faults, undefined);
});

Deno.test("serve() with faults injects them into POSTs", async () => {
  const rates = { ...RATES, late: 0.1, lateBy: 0.05, disconnect: 0.1 };
  await using server = serve({ ...SOON, faults: rates });
  const post = (...ids: string[]) =>
    fetch(server.url.replace("ws", "http"), {
      method: "POST",
      body: JSON.stringify(ids.map((id) => ({ request_id: id, data: "" }))),
    });
  const fine = idThatMeets(undefined, rates);
  const answer = (id: string) => `{"request_id":"${id}","data":{}}\n`;
  const texts: Record<Exclude<FaultKind, "disconnect" | TransportFault>, (id: string) => string> = {
    drop: () => "",
    error: (id) => encodeError(`"${id}"`, { code: "internal", message: ERRORS.internal }) + "\n",
    duplicate: (id) => answer(id) + answer(id),
    late: answer,
    garbage: (id) => answer(id).slice(0, (answer(id).length - 1) / 2) + "\n",
  };
  for (const [kind, expected] of Object.entries(texts)) {
    const id = idThatMeets(kind as FaultKind, rates);
    assertEquals(await (await post(id)).text(), expected(id), kind);
    // The body ends, whichever answer is the last.
    const lines = (await (await post(id, fine)).text()).split("\n").sort();
    assertEquals(lines, (expected(id) + answer(fine)).split("\n").sort(), kind);
  }
  const broken = await post(idThatMeets("disconnect", rates));
  await assertRejects(() => broken.text());
  assertStrictEquals(server.inFlight, 0);
});

Deno.test("main() serve --fault logs each fault, and at the end how many", async () => {
  const rates = { drop: 0.2, error: 0.2, duplicate: 0.2 };
  const expected = faultsOf(rates, 20);
  const run = async (...flags: string[]) => {
    const server = startCommand([
      ...["serve", "--port", "0", "--delay", "0.01", "--seed", `${SEED}`],
      ...["--fault", "drop=0.2,error=0.2,duplicate=0.2", ...flags],
    ]);
    const [, url] = await server.seen(/(ws:[\d.:/]+)/);
    const peer = await openBrowserSocket(url!);
    const ids = [...expected.keys()];
    peer.send(ids.map((id) => ({ request_id: id, data: "" })));
    const counts = countsOf(expected.values());
    await peer.frames.take(ids.length - counts.drop + counts.duplicate);
    await peer[Symbol.asyncDispose]();
    server.interrupt();
    assertEquals(await server.exit, 0);
    return server.stdout.trimEnd().split("\n");
  };

  const json = await run("--log-format", "json");
  const text = await run();
  const quiet = await run("--quiet");
  const records = json.map((line) => JSON.parse(line));
  const faults = records.filter(({ event }) => event === "fault");
  assertEquals(
    new Map(faults.map(({ request_id, kind }) => [request_id, kind])),
    new Map([...expected].filter(([, kind]) => kind !== undefined)),
  );
  const last = records.at(-1);
  const { time: _time, message, ...rest } = last;
  assertEquals(rest, { level: "info", event: "faults", ...countsOf(expected.values()) });

  const dropped = idThatMeets("drop", rates);
  assertEquals(text.includes(`${dropped}: injected fault: not answered`), true, text.join("\n"));
  assertEquals(text.at(-1), message);
  const { drop, error } = countsOf(expected.values());
  const ends = `Drained: ${20 - drop - error} answered, ${drop} left unanswered by injected faults`;
  assertEquals(quiet.slice(2), ["Draining: 0 in flight", ends, message]);
});
