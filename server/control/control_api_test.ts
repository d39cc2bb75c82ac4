import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { manualClock, serve, type ServeOptions, type Server } from "../../server.ts";
import { realClock } from "../../session/clock.ts";
import { Journal, type JournalEntry } from "../../session/journal.ts";
import { openBrowserSocket } from "../../tests/support/browser_socket.ts";
import { control, follows, OPERATIONS, seen } from "../../tests/support/described_control.ts";
import { clientFrame, openRawSocket, writeAll } from "../../tests/support/raw_tcp.ts";
import { until } from "../../tests/support/waiting.ts";
import { canReset } from "../resettable_listener.ts";
import type { Steering } from "../steering.ts";
import { ControlApi } from "./control_api.ts";
import openapi from "./openapi.json" with { type: "json" };

/** No request is due before the test ends. */
const LATE: ServeOptions = { port: 0, delay: { min: 600, max: 600 }, control: true };
const TOKEN = "s3cret";
const BEARER = { authorization: `Bearer ${TOKEN}` };

/** Posts requests with these ids; returns the answers, one per line. */
async function post({ url }: Pick<Server, "url">, ...ids: unknown[]): Promise<string> {
  const body = JSON.stringify(ids.map((request_id) => ({ request_id, data: "a&&b&&c" })));
  return await (await fetch(url.replace("ws", "http"), { method: "POST", body })).text();
}

async function entries(...call: Parameters<typeof control>): Promise<JournalEntry[]> {
  const { status, value } = await control(...call);
  assertEquals(status, 200, JSON.stringify(value));
  return value as JournalEntry[];
}

async function ids(...call: Parameters<typeof control>): Promise<unknown[]> {
  return (await entries(...call)).map(({ id }) => id);
}

async function valueOf(...call: Parameters<typeof control>): Promise<unknown> {
  return (await control(...call)).value;
}

async function errorOf(...call: Parameters<typeof control>): Promise<[number, string]> {
  const { status, value } = await control(...call);
  return [status, (value as { error: string }).error];
}

for (const websocket of ["deno", "strict"] as const) {
  const test = (name: string, fn: () => Promise<void>) => Deno.test(`${websocket}: ${name}`, fn);
  const start = <C extends ServeOptions>(options?: C) => serve({ ...LATE, websocket, ...options });

  test("the control API holds requests and releases them in the order of ids", async () => {
    await using server = start();
    assertEquals(await valueOf(server, "POST", "/hold", { match: { id: "h*" } }), {
      number: 1,
      enabled: true,
      matched: 0,
      rule: { match: { id: "h*" }, hold: true },
    });
    const answers = post(server, "h1", "h2", "h3", "h4", "other");
    await control(server, "POST", "/requests/wait", { count: 4, outcome: "held" });
    assertEquals(await ids(server, "POST", "/release", { ids: ["h3", "h1", "x"] }), ["h3", "h1"]);
    const hold = { rule: 1, match: { id: "*4" } };
    assertEquals(await ids(server, "POST", "/release", { ...hold, rule: 2 }), []);
    assertEquals(await ids(server, "POST", "/release", hold), ["h4"]);
    const [released] = await entries(server, "POST", "/release");
    assertEquals([released!.id, released!.outcome], ["h2", "answered"]);
    assertEquals(await entries(server, "POST", "/release", {}), []);
    await control(server, "POST", "/reset"); // the POST ends with the last request
    assertMatch(await answers, /^.*"h3".*\n.*"h1".*\n.*"h4".*\n.*"h2".*\n$/);
  });

  test("the control API moves a manual clock, exactly", async () => {
    await using server = serve({ ...LATE, websocket, clock: manualClock() });
    const answers = post(server, 1);
    await server.received(1);
    assertEquals(await entries(server, "POST", "/clock", { advance: 599.999 }), []);
    const state = { mode: "manual", now: 599.999, next: 600, in_flight: 1, held: 0 };
    assertEquals(await valueOf(server, "GET", "/clock"), state);
    const [answered] = await entries(server, "POST", "/clock", { to: "next" });
    assertEquals([answered!.id, answered!.outcome, answered!.ended], [1, "answered", 600]);
    assertEquals(await entries(server, "POST", "/clock", { to: "next" }), []);
    assertMatch(await answers, /^.*"request_id":1,.*\n$/);
  });

  test("the control API filters the journal", async () => {
    await using server = start({ rules: [{ match: { id: "now*" }, delay: 0 }] });
    await post(server, "now 1", "now 2");
    void post(server, 7, "7", "later");
    await control(server, "POST", "/requests/wait", { count: 5 });
    const table: [query: string, expected: unknown[]][] = [
      ["", ["now 1", "now 2", 7, "7", "later"]],
      ["?id=now+*", ["now 1", "now 2"]],
      ["?id=7", [7, "7"]],
      ["?connection=2&outcome=in_*", [7, "7", "later"]],
      ["?outcome=answered&id=now%201", ["now 1"]],
      ["?rule=1", ["now 1", "now 2"]],
      ["?connection=3", []],
    ];
    for (const [query, expected] of table) {
      assertEquals(await ids(server, "GET", `/requests${query}`), expected, query);
    }
    await control(server, "POST", "/reset");
  });

  test("the control API waits for requests, until a timeout", async () => {
    await using server = start();
    const waiting = ids(server, "POST", "/requests/wait", { count: 2, id: "w*" });
    const posted = post(server, "w1", "x", "w2");
    assertEquals(await waiting, ["w1", "w2"]);
    assertEquals(await ids(server, "POST", "/requests/wait"), ["w1", "x", "w2"]);
    const [status, error] = await errorOf(server, "POST", "/requests/wait", {
      ...{ count: 3, id: "w*", timeout: 0.01 },
    });
    assertEquals([status, error], [408, "expected 3 requests within 0.01 s, got 2"]);
    await control(server, "POST", "/reset");
    await posted;
  });

  test("the control API changes rules", async () => {
    await using server = start({ rules: [{ match: {}, delay: 7 }] });
    const rules = () => server.rules.list().map(({ number, enabled }) => [number, enabled]);
    const [atStart] = await valueOf(server, "GET", "/rules") as [{ rule: unknown }];
    assertEquals(atStart.rule, { match: {}, delay: 7 });
    await control(server, "POST", "/rules", { match: { id: "A" }, fault: { late: 5 } });
    await control(server, "POST", "/rules", [{ match: { nth: 3 }, hold: true }, { match: {} }]);
    assertEquals(rules(), [[3, true], [4, true], [2, true], [1, true]]);
    await control(server, "PATCH", "/rules/4", { enabled: false });
    await control(server, "DELETE", "/rules/2");
    assertEquals(rules(), [[3, true], [4, false], [1, true]]);
    assertEquals(await errorOf(server, "DELETE", "/rules/2"), [404, "there is no rule 2"]);
    const missing = errorOf(server, "PATCH", "/rules/99", { enabled: true });
    assertEquals(await missing, [404, "there is no rule 99"]);
    await control(server, "PUT", "/rules", [{ match: {}, times: 1, delay: 0 }]);
    await post(server, 1);
    const [state] = await valueOf(server, "GET", "/rules") as [{ matched: number }];
    assertEquals(state.matched, 1);
    assertEquals(await valueOf(server, "DELETE", "/rules"), []);
    assertEquals(server.rules.size, 0);
  });

  test("the control API changes settings and resets the server", async () => {
    await using server = start({ seed: 5, rules: [{ match: { id: "none" } }] });
    assertEquals(await valueOf(server, "PATCH", "/settings", { delay: "0", fault: "error=1" }), {
      ...{ delay: "0", fault: "error=1", seed: 5 },
    });
    assertMatch(await post(server, 1), /"internal"/);
    const changed = await valueOf(server, "PATCH", "/settings", { fault: null, seed: null });
    assertEquals(changed, { delay: "0", fault: null, seed: null });
    assertMatch(await post(server, 1), /"data"/);
    await control(server, "PATCH", "/settings", { delay: "600" });
    await control(server, "DELETE", "/rules");
    const dropped = post(server, 1);
    await control(server, "POST", "/requests/wait", { outcome: "in_flight" });
    assertEquals((await control(server, "POST", "/reset", {})).status, 204);
    assertEquals(await dropped, "");
    assertEquals(await valueOf(server, "GET", "/settings"), { delay: "600", fault: null, seed: 5 });
    assertEquals(server.rules.size, 1);
    assertEquals(await entries(server, "GET", "/requests"), []);
  });

  test("the control API resets connections, if the transport can", async () => {
    await using server = start();
    const peer = await openRawSocket(server.port);
    await writeAll(peer, clientFrame('{"request_id":1,"data":""}'));
    await server.received(1);
    const { status } = await control(server, "POST", "/connections/1", { reset: true });
    const isReset = websocket === "strict" && canReset();
    assertEquals(status, isReset ? 204 : 409);
    if (isReset) {
      await assertRejects(() => peer.read(new Uint8Array(1)), Deno.errors.ConnectionReset);
    }
    assertEquals(await ids(server, "GET", "/requests?outcome=dropped"), isReset ? [1] : []);
    peer.close();
  });

  test("the control API ends connections", async () => {
    await using server = start();
    await using peer = await openBrowserSocket(server.url, ["asyncpkt.v1"]);
    peer.send([{ request_id: 1, data: "" }, { request_id: 2, data: "" }]);
    await server.received(2);
    const posted = post(server, 3);
    await server.received(3);
    const address = "127.0.0.1";
    assertEquals(await valueOf(server, "GET", "/connections"), [
      { number: 1, address, in_flight: 2, batched: true },
      { number: 2, address, in_flight: 1, batched: false },
    ]);
    assertEquals((await errorOf(server, "POST", "/connections/2", { reset: true }))[0], 409);
    assertEquals((await control(server, "POST", "/connections/1", { close: 1011 })).status, 204);
    assertEquals((await peer.closed).code, 1011);
    assertEquals((await control(server, "POST", "/connections/2", { close: 3000 })).status, 204);
    await posted.then(() => assert(false), () => {}); // the POST is cut off
    assertEquals(await ids(server, "GET", "/requests?outcome=dropped"), [1, 2, 3]);
    await until("both have ended", async () => {
      return (await valueOf(server, "GET", "/connections") as unknown[]).length === 0;
    });
    const closed = errorOf(server, "POST", "/connections/1", { close: 1000 });
    assertEquals(await closed, [404, "connection 1 is not open"]);
  });

  test("the control API needs the token and a page of an allowed origin", async () => {
    await using server = start({ token: TOKEN, allowOrigins: ["https://friend.example"] });
    for (const [template, operations] of OPERATIONS) {
      const path = template.replace("/control", "").replace(/\{\w+\}/, "1");
      for (const method of [...operations.keys()].map((method) => method.toUpperCase())) {
        assertEquals((await control(server, method, path)).status, 401, `${method} ${path}`);
        const foreign = { ...BEARER, origin: "https://evil.example" };
        const { status } = await control(server, method, path, undefined, foreign);
        assertEquals(status, 403, `${method} ${path}`);
      }
    }
    const friend = { ...BEARER, origin: "https://friend.example" };
    const { headers } = await control(server, "GET", "/settings", undefined, friend);
    assertEquals(headers.get("access-control-allow-origin"), "https://friend.example");
  });
}

Deno.test("the control API refuses wrong requests in one line, and changes nothing", async () => {
  await using server = serve({ ...LATE, clock: manualClock() });
  const state = async () => {
    const paths = ["/rules", "/settings", "/clock", "/requests", "/connections"];
    return await Promise.all(paths.map((path) => valueOf(server, "GET", path)));
  };
  const before = await state();
  const table: [method: string, path: string, body: unknown, error: string][] = [
    ["GET", "/requests?count=1", undefined, "query.count: unknown member"],
    ["GET", "/requests?connection=one", undefined, "query.connection: expected an integer"],
    ["GET", "/requests?id=a&id=b", undefined, "query.id: expected it once"],
    [
      "POST",
      "/requests/wait",
      { count: 0 },
      "body.count: expected an integer of at least 1, got 0",
    ],
    [
      "POST",
      "/requests/wait",
      { count: "1" },
      'body.count: expected an integer of at least 1, got "1"',
    ],
    ["POST", "/requests/wait", { timeout: -1 }, "body.timeout: expected a number from 0 to 86400"],
    ["POST", "/requests/wait", { id: null }, "body.id: expected a string or an integer, got null"],
    ["POST", "/requests/wait", [], "body: expected an object, got []"],
    ["PUT", "/rules", undefined, "rules: expected an array, got an object"],
    ["PUT", "/rules", {}, "rules: expected an array, got an object"],
    [
      "PUT",
      "/rules",
      [{ match: {} }, { match: { nth: 0 } }],
      "rules[1].match.nth: expected an integer",
    ],
    ["POST", "/rules", 7, "rule: expected an object, got 7"],
    ["POST", "/rules", undefined, "rule.match: expected an object, got none"],
    ["POST", "/rules", { match: { nht: 1 } }, "rule.match.nht: unknown member"],
    ["POST", "/rules", [{ match: {} }, { match: {}, hold: true, delay: 1 }], "rules[1]"],
    ["POST", "/rules", { match: {}, delay: "soon" }, 'rule.delay: expected "never"'],
    [
      "POST",
      "/rules",
      { match: {}, fault: "stall" },
      "rule.fault: stall needs the strict transport",
    ],
    ["PATCH", "/rules/1", {}, "body.enabled: expected a boolean, got none"],
    ["POST", "/hold", { id: "A" }, "body.id: unknown member; expected match"],
    [
      "POST",
      "/hold",
      { match: { id: [] } },
      "body.match.id: expected a string or an integer, got []",
    ],
    ["POST", "/release", { ids: "A" }, 'body.ids: expected an array, got "A"'],
    ["POST", "/release", { ids: [1.5] }, "body.ids[0]: expected a string or an integer, got 1.5"],
    ["PATCH", "/settings", { delay: 3 }, "body.delay: expected a string, got 3"],
    ["PATCH", "/settings", { seed: 1, delay: "x" }, "delay: expected a delay"],
    [
      "PATCH",
      "/settings",
      { delay: "1", fault: "drop=2" },
      "fault: drop: expected a share from 0 to 1",
    ],
    ["PATCH", "/settings", { fault: "stall=1" }, "the fault stall needs the strict transport"],
    ["PATCH", "/settings", { seed: 1.5 }, "body.seed: expected an integer or null, got 1.5"],
    ["POST", "/clock", {}, "body: expected exactly one of advance or to, got none"],
    [
      "POST",
      "/clock",
      { advance: -1 },
      "body.advance: expected a number from 0 to 31536000, got -1",
    ],
    ["POST", "/clock", { advance: 1, to: "next" }, "body: expected exactly one of"],
    ["POST", "/clock", { to: "end" }, 'body.to: expected next, got "end"'],
    ["POST", "/connections/1", { close: 999 }, "body.close: expected 1000, 1001, 1003"],
    ["POST", "/connections/1", { close: 1006 }, "body.close: expected 1000, 1001, 1003"],
    ["POST", "/connections/1", { reset: false }, "body.reset: expected true, got false"],
    ["POST", "/reset", { hard: true }, "body.hard: unknown member"],
    ["POST", "/reset", "{", "body: expected JSON in UTF-8: Expected property name or '}' in JSON"],
    ["POST", "/reset", "[1,\n\n2 x]", "body: expected JSON in UTF-8: "],
    ["POST", "/reset", "x\n\ny", "body: expected JSON in UTF-8: Unexpected token 'x'"],
    ["POST", "/release", "null", "body: expected an object, got null"],
  ];
  for (const [method, path, body, expected] of table) {
    const [status, error] = await errorOf(server, method, path, body);
    const call = `${method} ${path} ${JSON.stringify(body)}`;
    assertEquals([status, error.slice(0, expected.length)], [400, expected], call);
  }
  assertEquals(await state(), before);
});

Deno.test("the control API refuses unknown paths, methods, and long bodies", async () => {
  await using server = serve(LATE);
  for (
    const path of ["", "/", "/rules/", "/rules/1/2", "/rules/x", "/clock/1", "/__proto__", "//"]
  ) {
    assertEquals((await errorOf(server, "GET", path))[0], 404, path);
  }
  const { status, headers, value } = await control(server, "PUT", "/clock", {});
  assertEquals([status, headers.get("allow")], [405, "GET, POST"]);
  assertEquals(value, { error: "expected one of GET, POST, got PUT" });
  const long = `"${"x".repeat(1 << 20)}"`;
  for (const [template, operations] of OPERATIONS) {
    const path = template.replace("/control", "").replace(/\{\w+\}/, "1");
    for (const [method, { requestBody }] of operations) {
      if (requestBody === undefined) continue;
      const { status } = await control(server, method.toUpperCase(), path, long);
      assertEquals(status, 413, path);
    }
  }
});

/** Returns a control API without a server. */
function startApi() {
  const journal = new Journal(realClock);
  const api = new ControlApi({ journal, listen: () => () => {} } as unknown as Steering);
  return { api, url: "ws://127.0.0.1", answer: (request: Request) => api.answer(request) };
}

Deno.test("the control API admits 100 readers of events, until the server ends", async () => {
  const server = startApi();
  const streams = Array.from({ length: 100 }, () => control(server, "GET", "/events"));
  const refused = await errorOf(server, "GET", "/events");
  assertEquals(refused, [503, "100 others read the events already"]);
  server.api.close();
  const texts = (await Promise.all(streams)).map(({ value }) => value);
  assertEquals(new Set(texts), new Set([": each change from now on\n\n"]));
});

Deno.test("the control API ends its waits with the server", async () => {
  const server = startApi();
  const waiting = errorOf(server, "POST", "/requests/wait", { count: 9, timeout: 86_400 });
  server.api.close();
  assertEquals(await waiting, [503, "the server has ended"]);
  assertEquals(await errorOf(server, "POST", "/requests/wait"), [503, "the server has ended"]);
});

Deno.test("the control API refuses to move a clock that moves by itself", async () => {
  await using server = serve(LATE);
  const error = "expected a manual clock, got real; start with --clock manual";
  assertEquals(await errorOf(server, "POST", "/clock", { advance: 1 }), [409, error]);
});

Deno.test("serve() serves no control API unless asked for, and not without a journal", async () => {
  await using server = serve({ ...LATE, control: false });
  for (const path of ["", "/rules", "/openapi.json"]) {
    const response = await fetch(`${server.url.replace("ws", "http")}/control${path}`);
    assertEquals(response.status, 404);
    await response.body?.cancel();
  }
  const message = "journal: expected a positive integer for the control API, got 0";
  assertThrows(() => serve({ ...LATE, journal: 0 }), RangeError, message);
});

Deno.test("GET /control/openapi.json returns the description, whose examples fit it", async () => {
  await using server = serve(LATE);
  assertEquals(await valueOf(server, "GET", "/openapi.json"), openapi);
  const unfit: string[] = [];
  const visit = (value: unknown, place: string[]): void => {
    if (typeof value !== "object" || value === null) return;
    const { schema, example, examples } = value as Record<string, unknown>;
    const given = Object.values(examples ?? {}).map(({ value }) => value);
    if (schema !== undefined && example !== undefined) given.push(example);
    for (const example of schema === undefined ? [] : given) {
      if (!follows(example, ...place, "schema")) unfit.push(`${place.join("/")}: ${example}`);
    }
    for (const [name, part] of Object.entries(value)) visit(part, [...place, name]);
  };
  visit(openapi, []);
  assertEquals(unfit, []);
});

Deno.test("the tests of the control API cover every status of every operation", () => {
  const described = [...OPERATIONS].flatMap(([path, operations]) =>
    [...operations].flatMap(([method, { responses }]) =>
      Object.keys(responses).map((status) => `${method} ${path} ${status}`)
    )
  );
  assertEquals(described.filter((exchange) => !seen.has(exchange)), []);
});
