/**
 * Tests for a client of an asynchronous server. docs/testing-your-client.md explains them.
 *
 * @module
 */

import { assertEquals, assertRejects } from "@std/assert";
import { deadline } from "@std/async/deadline";
import { manualClock, serve } from "@asyncpkt/asyncpkt/server";
import type { Client as ClientUnderTest, ClientOptions } from "./client.ts";

/** The class of a client under test. */
export type ClientClass = new (url: string, options?: ClientOptions) => ClientUnderTest;

const DOORS = ["Door&&id&&1", "Door&&id&&2", "Door&&id&&3", "Door&&id&&4", "Door&&id&&5"];

/** The answers arrive in another order than the requests. */
export async function outOfOrder(Client: ClientClass): Promise<void> {
  await using server = serve({ port: 0 });
  await using client = new Client(server.url);
  const first = server.hold({ data: "Door&&id&&1" });
  const second = server.hold({ data: "Door&&id&&2" });
  const answers = Promise.all([client.request("Door&&id&&1"), client.request("Door&&id&&2")]);
  await first.arrived();
  await second.arrived();
  second.release();
  first.release();
  const [one, two] = await answers;
  assertEquals(one, { Door: { id: "1" } }, "a request got the answer of another");
  assertEquals(two, { Door: { id: "2" } });
}

/** The first attempt fails, the second succeeds. */
export async function retry(Client: ClientClass): Promise<void> {
  await using server = serve({
    port: 0,
    delay: 0,
    rules: [{ match: {}, times: 1, error: { code: "overloaded" } }],
  });
  await using client = new Client(server.url);
  assertEquals(await client.request("Door&&id&&1"), { Door: { id: "1" } });
  const outcomes = server.requests.map(({ outcome }) => outcome);
  assertEquals(outcomes, ["error:overloaded", "answered"]);
}

/** The server never answers. */
export async function timeout(Client: ClientClass): Promise<void> {
  await using server = serve({ port: 0, rules: [{ match: {}, delay: "never" }] });
  await using client = new Client(server.url, { timeout: 50 });
  await deadline(assertRejects(() => client.request("Door&&id&&1")), 500);
}

/** An answer arrives twice. */
export async function duplicate(Client: ClientClass): Promise<void> {
  await using server = serve({
    port: 0,
    delay: 0,
    rules: [{ match: { nth: 1 }, fault: "duplicate" }, { match: {}, hold: true }],
  });
  const second = server.hold({ nth: 2 });
  await using client = new Client(server.url, { window: 2 });
  const answers = DOORS.map((data) => client.request(data));
  const ended = Promise.allSettled(answers);
  await server.received(3); // the first is answered twice, the next two are held
  second.release();
  await answers[1]; // by then, the client has both answers to the first
  await server.received(4);
  await client.close(); // by then, the server has read all that the client sent
  await ended;
  assertEquals(server.requests.length, 4, "more requests in flight than the window");
}

/** The connection is lost while requests are in flight. */
export async function reconnect(Client: ClientClass): Promise<void> {
  await using server = serve({
    port: 0,
    delay: 0,
    rules: [
      { match: { nth: 3 }, times: 1, fault: "disconnect" },
      { match: {}, times: 2, hold: true },
    ],
  });
  await using client = new Client(server.url);
  const answers = await Promise.all(DOORS.slice(0, 3).map((data) => client.request(data)));
  assertEquals(answers, [{ Door: { id: "1" } }, { Door: { id: "2" } }, { Door: { id: "3" } }]);
  const sentAgain = server.requests.filter(({ outcome }) => outcome === "answered");
  assertEquals(sentAgain.map(({ data }) => data), DOORS.slice(0, 3));
}

/** The caller gives up on a request. */
export async function cancellation(Client: ClientClass): Promise<void> {
  await using server = serve({ port: 0, delay: 0 });
  await using client = new Client(server.url);
  const held = server.hold({ data: "Door&&id&&1" });
  const controller = new AbortController();
  const answer = client.request("Door&&id&&1", { signal: controller.signal });
  await held.arrived();
  controller.abort();
  await assertRejects(() => answer);
  await client.request("Door&&id&&2"); // its answer comes after the server has read the cancel
  const outcomes = server.requests.map(({ outcome }) => outcome);
  assertEquals(outcomes, ["cancelled", "answered"], "the server still works for nobody");
}

/** The server is slower than the client. */
export async function backpressure(Client: ClientClass): Promise<void> {
  await using server = serve({ port: 0, clock: manualClock() });
  await using client = new Client(server.url, { window: 2 });
  const answers = Promise.allSettled(DOORS.map((data) => client.request(data)));
  await server.received(2);
  server.clock.advance(5000); // the longest delay
  await server.received(4);
  await client.close(); // by then, the server has read all that the client sent
  await answers;
  assertEquals(server.requests.length, 4, "more requests in flight than the window");
}
