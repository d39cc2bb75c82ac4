import { assertEquals, assertStrictEquals } from "@std/assert";
import { setImmediate } from "node:timers";
import type { WorkerAnswer } from "../cluster/nats/message.ts";
import { RemoteResponder } from "../cluster/nats/remote_responder.ts";
import {
  type Clock,
  manualClock,
  realClock,
  scaledClock,
  skippingClock,
} from "../session/clock.ts";
import { Rules } from "../session/rules.ts";
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
    await settled();
    time.pass(3);
    answer({ key: keys.pop()!, representation: "{}" });
    assertEquals(lateness.sum, sum);
  }
});

/** A driver of one session with rules that hold the id "h", and never answer "n". */
function drive(clock: Clock) {
  const rules = new Rules([
    { match: { id: "h" }, hold: true },
    { match: { id: "n" }, delay: "never" },
    { match: { id: "e" }, hold: true, fault: "disconnect" },
  ]);
  const sessions = new Sessions({ delays: delayPolicy({ min: 3600, max: 3600 }), rules });
  const driver = new Driver(sessions, clock, (error) => {
    throw error;
  });
  const sent: string[] = [];
  const session = sessions.open({ send: (frame) => sent.push(JSON.parse(frame).request_id) });
  return {
    ...{ driver, sessions, session, sent },
    ask: (id: string) => driver.receive(session, JSON.stringify({ request_id: id, data: "" })),
  };
}

Deno.test("Driver sets no timer for requests that no time answers", () => {
  using time = new FakeTime();
  for (const clock of [realClock, skippingClock(), scaledClock(100)]) {
    const { ask, driver, sessions, session } = drive(clock);
    ask("n");
    ask("h");
    assertStrictEquals(time.timers, 0);
    ask("timed");
    assertStrictEquals(time.timers, 1);
    time.pass(3_600_000);
    assertEquals([time.timers, sessions.inFlight], [0, 2]);
    driver.close(session);
    assertEquals([time.timers, sessions.inFlight], [0, 0]);
  }
});

Deno.test("Driver.idle() resolves once nothing is in flight, or only what no time answers", async () => {
  for (const exceptHeld of [true, false]) {
    const clock = manualClock();
    const { ask, driver, sessions } = drive(clock);
    for (const id of ["h", "n", "timed"]) ask(id);
    let isIdle = false;
    const idle = driver.idle(exceptHeld).then(() => isIdle = true);
    await settled();
    assertStrictEquals(isIdle, false);
    clock.advance(3_600_000);
    await settled();
    assertStrictEquals(isIdle, exceptHeld);
    driver.release([...sessions.held.keys()].slice(0, 1));
    ask("n"); // refused as a duplicate
    await settled();
    assertStrictEquals(isIdle, exceptHeld);
    sessions.dropAll();
    driver.settle();
    await idle;
  }
});

Deno.test("Driver.release() answers in order, until a request ends the connection", () => {
  const { ask, driver, sessions, sent } = drive(manualClock());
  for (const id of ["e", "h", "timed"]) ask(id);
  const [end, held] = [...sessions.held.keys()];
  driver.release([held!, end!, held!, end!]);
  assertEquals(sent, ["h"]);
  assertEquals([sessions.inFlight, sessions.held.size], [0, 0]);
});

async function settled(): Promise<void> {
  await new Promise(setImmediate);
}
