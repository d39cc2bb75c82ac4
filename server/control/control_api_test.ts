import { assertEquals, assertMatch } from "@std/assert";
import { manualClock, serve, type ServeOptions, type Server } from "../../server.ts";
import type { JournalEntry } from "../../session/journal.ts";

/** Sends a request to the control API of a server; returns its status and its JSON value. */
async function control(
  { url }: Pick<Server, "url">,
  method: string,
  path: string,
  body?: unknown,
): Promise<[status: number, value: unknown]> {
  const text = body === undefined ? null : JSON.stringify(body);
  const response = await fetch(`${url.replace("ws", "http")}/control${path}`, {
    method,
    body: text,
  });
  const answer = await response.text();
  return [response.status, answer === "" ? undefined : JSON.parse(answer)];
}

function post({ url }: Pick<Server, "url">, ids: unknown[]): Promise<string> {
  const body = JSON.stringify(ids.map((request_id) => ({ request_id, data: "a&&b&&c" })));
  return fetch(url.replace("ws", "http"), { method: "POST", body })
    .then((response) => response.text());
}

function idsOf(entries: unknown): unknown[] {
  return (entries as JournalEntry[]).map(({ id }) => id);
}

const STEERED: ServeOptions = { port: 0, delay: { min: 600, max: 600 }, control: true };

for (const websocket of ["deno", "strict"] as const) {
  const test = (name: string, fn: () => Promise<void>) => Deno.test(`${websocket}: ${name}`, fn);
  const options = { ...STEERED, websocket };

  test("the control API holds requests and releases them in the order of ids", async () => {
    await using server = serve(options);
    const [status, rule] = await control(server, "POST", "/hold", { match: { id: "h*" } });
    assertEquals([status, rule], [200, {
      number: 1,
      enabled: true,
      matched: 0,
      rule: { match: { id: "h*" }, hold: true },
    }]);
    const answers = post(server, ["h1", "h2", "h3"]);
    const [, held] = await control(server, "POST", "/requests/wait", { count: 3, outcome: "held" });
    assertEquals(idsOf(held), ["h1", "h2", "h3"]);
    const [, released] = await control(server, "POST", "/release", { ids: ["h3", "h1"] });
    assertEquals(idsOf(released), ["h3", "h1"]);
    assertEquals(idsOf((await control(server, "POST", "/release"))[1]), ["h2"]);
    assertMatch(await answers, /"h3".*\n.*"h1".*\n.*"h2"/);
  });

  test("the control API moves a manual clock", async () => {
    await using server = serve({ ...options, clock: manualClock() });
    const answers = post(server, [1]);
    await server.received(1);
    assertEquals((await control(server, "POST", "/clock", { advance: 599.999 }))[1], []);
    assertEquals((await control(server, "GET", "/clock"))[1], {
      mode: "manual",
      now: 599.999,
      next: 600,
      in_flight: 1,
      held: 0,
    });
    assertEquals(idsOf((await control(server, "POST", "/clock", { to: "next" }))[1]), [1]);
    assertMatch(await answers, /"request_id":1,/);
  });
}
