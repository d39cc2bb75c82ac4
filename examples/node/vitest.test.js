import { start } from "asyncpkt/testing";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { Client } from "./client.js";

let server;
beforeAll(async () => server = await start({ delay: 0 }));
afterAll(() => server.close());
beforeEach(() => server.reset());

test("the client asks again if the server answers too late", async () => {
  const held = await server.hold({ nth: 1 });
  const client = await Client.connect(server.url, { timeout: 500 });
  await expect(client.ask("Hub&&id&&1")).resolves.toEqual({ Hub: { id: "1" } });
  await held.release();
  const requests = await server.requests({ outcome: "answered" });
  expect(requests.map(({ id }) => id)).toEqual(["1", "2"]);
  client.close();
});
