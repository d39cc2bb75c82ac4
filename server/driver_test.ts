import { assertEquals } from "@std/assert";
import { setImmediate } from "node:timers";
import type { WorkerAnswer } from "../cluster/nats/message.ts";
import { RemoteResponder } from "../cluster/nats/remote_responder.ts";
import { realClock } from "../session/clock.ts";
import { delayPolicy } from "../session/delays.ts";
import { Sessions } from "../session/sessions.ts";
import { FakeTime } from "../tests/support/fake_time.ts";
import { Driver } from "./driver.ts";

Deno.test("Driver counts lateness from the arrival of a request without delay that workers convert", async () => {
  using time = new FakeTime();
  time.pass(3_600_000); // the process has been up for an hour
  const keys: string[] = [];
  let answer!: (answer: WorkerAnswer) => void;
  const responder = new RemoteResponder({
    isReachable: true,
    hasRoom: true,
    maxDataBytes: 100,
    listen: (onAnswer) => answer = onAnswer,
    publish(key) {
      keys.push(key);
      return Promise.resolve(keys.length);
    },
    delete() {},
    async [Symbol.asyncDispose]() {},
  });
  const sessions = new Sessions({ delays: delayPolicy({ min: 0, max: 0 }), responder });
  const driver = new Driver(sessions, realClock, () => {});
  const session = sessions.open({ send() {} });
  const { lateness } = sessions.counters;
  for (const sum of [3, 6]) {
    driver.receive(session, '{"request_id":1,"data":""}');
    await new Promise(setImmediate);
    time.pass(3);
    answer({ key: keys.pop()!, representation: "{}" });
    assertEquals(lateness.sum, sum);
  }
});
