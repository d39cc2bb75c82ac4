import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { start } from "asyncpkt/testing";
import { Client } from "./client.js";
import { AssumesOrder, CountsAnswers, NeverRetries, NeverTimesOut } from "./wrong_clients.js";

let server, client;
before(async () => server = await start({ delay: 0 }));
after(() => server.close());
beforeEach(() => server.reset());
afterEach(() => client.close());

/** Connects the client under test: with WRONG=1, the one whose bug the test finds. */
async function connect(Wrong, options) {
  client = await (process.env.WRONG ? Wrong : Client).connect(server.url, options);
}

test("the client assigns answers that arrive in another order", async () => {
  await connect(AssumesOrder);
  const held = await server.hold();
  const answers = Promise.all([client.ask("Door&&id&&1"), client.ask("Window&&id&&2")]);
  await held.arrived(2);
  await held.release("2", "1");
  const [door, window] = await answers;
  assert.deepEqual(door, { Door: { id: "1" } }, "a request got the answer of another");
  assert.deepEqual(window, { Window: { id: "2" } });
});

test("the client asks again if no answer arrives", async () => {
  await connect(NeverRetries, { timeout: 500 });
  const then = [{ fault: "drop" }, { error: { code: "overloaded" } }, { delay: 0 }];
  await server.rules.add({ match: { entity: "Hub" }, then });
  assert.deepEqual(await client.ask("Hub&&id&&1"), { Hub: { id: "1" } });
  const outcomes = (await server.requests()).map(({ outcome }) => outcome);
  assert.deepEqual(outcomes, ["dropped", "error:overloaded", "answered"]);
});

test("the client gives up in the end", { timeout: 2000 }, async () => {
  await connect(NeverTimesOut, { timeout: 50, attempts: 2 });
  await server.rules.add({ match: {}, delay: "never" });
  await assert.rejects(client.ask("Door&&id&&1"), /^Error: no answer in time$/);
  assert.equal((await server.requests()).length, 2);
});

test("the client ignores the second copy of an answer", async () => {
  await connect(CountsAnswers, { window: 2 });
  await server.rules.replace([
    { match: { nth: 1 }, fault: "duplicate" },
    { match: {}, hold: true },
  ]);
  const second = await server.hold({ nth: 2 });
  const answers = [1, 2, 3, 4, 5].map((id) => client.ask(`Door&&id&&${id}`));
  const ended = Promise.allSettled(answers);
  await server.received(3); // the first is answered twice, the next two are held
  await second.release();
  await answers[1]; // by then, the client has both answers to the first
  await server.received(4);
  await client.close(); // by then, the server has read all that the client sent
  await ended;
  assert.equal((await server.requests()).length, 4, "more requests in flight than the window");
});

test("the client takes an answer after an hour", async () => {
  const server = await start({ clock: "manual", delay: "1h" });
  client = await Client.connect(server.url);
  const answer = client.ask("Hub&&id&&1");
  await server.received(1);
  await server.clock.advance(3_600_000);
  assert.deepEqual(await answer, { Hub: { id: "1" } });
  await server.close();
});
