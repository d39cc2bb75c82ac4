import { assertEquals } from "@std/assert";
import { Conversations } from "../session/sessions.ts";
import { uniformDelay } from "../session/delays.ts";
import { FakeTime } from "../tests/support/fake_time.ts";
import { Pump } from "./driver.ts";

Deno.test("Pump counts lateness from the frame's arrival when a request without delay is converted elsewhere", () => {
  using time = new FakeTime();
  time.pass(3_600_000); // the process has been up for an hour
  const keys: string[] = [];
  const conversations = new Conversations({
    delays: uniformDelay({ min: 0, max: 0 }),
    elsewhere: {
      longest: 100,
      hasRoom: true,
      isReachable: true,
      begin: () => {},
      take: (key) => void keys.push(key),
      drop: () => {},
    },
  });
  const pump = new Pump(conversations, () => {});
  const conversation = conversations.open(() => {});
  const { lateness } = conversations.counters;
  for (const sum of [3, 6]) {
    pump.receive(conversation, '{"request_id":1,"data":""}');
    time.pass(3);
    pump.converted(keys.pop()!, "{}");
    assertEquals(lateness.sum, sum);
  }
});
