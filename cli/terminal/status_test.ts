import { assertEquals } from "@std/assert";
import { FakeTime } from "../../tests/support/fake_time.ts";
import { Status } from "./status.ts";

Deno.test("Status tells what is in flight, and the rate of the last moment", () => {
  using time = new FakeTime();
  const server = { inFlight: 0, answered: 0 };
  const status = new Status(server);
  assertEquals(`${status}`, "0 requests in flight, 0 answered, 0 answers/s");
  server.inFlight = 12_345;
  for (let i = 0; i < 30; i++) {
    time.pass(100);
    server.answered += 250;
    assertEquals(`${status}`.split(", ").at(-1), "2,500 answers/s");
  }
  assertEquals(`${status}`, "12,345 requests in flight, 7,500 answered, 2,500 answers/s");
  // It forgets what was long ago.
  time.pass(10_000);
  assertEquals(`${status}`, "12,345 requests in flight, 7,500 answered, 0 answers/s");
});
