import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { start } from "asyncpkt/testing";
import { Client } from "./client.js";

let server, client;
before(async () => server = await start({ delay: 0 }));
after(() => server.close());
beforeEach(async () => {
  await server.reset();
  client = await Client.connect(server.url);
});
afterEach(() => client.close());

test("the client assigns answers that arrive in another order", async () => {
  const held = await server.hold();
  const answers = Promise.all([client.ask("Door&&id&&1"), client.ask("Window&&id&&2")]);
  await held.arrived(2);
  await held.release("2", "1");
  assert.deepEqual(await answers, [{ Door: { id: "1" } }, { Window: { id: "2" } }]);
});

test("the client asks again if no answer arrives", async () => {
  const then = [{ fault: "drop" }, { delay: 0 }];
  await server.rules.add({ match: { entity: "Hub" }, then });
  const answer = await client.ask("Hub&&id&&1", { timeout: 500 });
  assert.deepEqual(answer, { Hub: { id: "1" } });
  const outcomes = (await server.requests()).map(({ outcome }) => outcome);
  assert.deepEqual(outcomes, ["dropped", "answered"]);
});

test("the client takes an answer after an hour", async () => {
  const server = await start({ clock: "manual", delay: "1h" });
  const client = await Client.connect(server.url);
  const answer = client.ask("Hub&&id&&1");
  await server.received(1);
  await server.clock.advance(3_600_000);
  assert.deepEqual(await answer, { Hub: { id: "1" } });
  client.close();
  await server.close();
});
