import { assertEquals } from "@std/assert";
import { Sessions } from "../session/sessions.ts";
import { uniformDelay } from "../session/delays.ts";
import { FakeTime } from "../tests/support/fake_time.ts";
import { Driver } from "./driver.ts";

Deno.test("Driver counts lateness from the frame's arrival when a request without delay is converted elsewhere", () => {
  using time = new FakeTime();
  time.pass(3_600_000); // the process has been up for an hour
  const keys: string[] = [];
  const sessions = new Sessions({
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
  const driver = new Driver(sessions, () => {});
  const session = sessions.open(() => {});
  const { lateness } = sessions.counters;
  for (const sum of [3, 6]) {
    driver.receive(session, '{"request_id":1,"data":""}');
    time.pass(3);
    driver.converted(keys.pop()!, "{}");
    assertEquals(lateness.sum, sum);
  }
});
