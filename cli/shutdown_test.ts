import { assertEquals } from "@std/assert";
import { FakeTime } from "../tests/support/fake_time.ts";
import { createShutdown } from "./command.ts";

type Signal = "SIGINT" | "SIGTERM";

/** Starts a shutdown in fake time, and keeps the codes with which it exits. */
function start() {
  const time = new FakeTime();
  const exits: [at: number, code: number][] = [];
  const shutdown = createShutdown((code) => exits.push([time.now, code]));
  return { time, exits, shutdown, [Symbol.dispose]: () => time[Symbol.dispose]() };
}

Deno.test("receive() exits when the first signal was at least a second ago", () => {
  const cases: [signals: [at: number, Signal][], reason?: string, exit?: [number, number]][] = [
    [[]],
    [[[0, "SIGINT"]], "SIGINT"],
    [[[500, "SIGTERM"]], "SIGTERM"],
    [[[500, "SIGINT"], [500, "SIGINT"]], "SIGINT"],
    [[[500, "SIGINT"], [1499, "SIGINT"]], "SIGINT"],
    [[[500, "SIGINT"], [1500, "SIGINT"]], "SIGINT", [1500, 130]],
    [[[500, "SIGINT"], [1500, "SIGTERM"]], "SIGINT", [1500, 143]],
    [[[500, "SIGTERM"], [501, "SIGINT"], [9999, "SIGINT"]], "SIGTERM", [9999, 130]],
    // An ignored signal does not start another second.
    [[[0, "SIGINT"], [999, "SIGINT"], [1000, "SIGINT"]], "SIGINT", [1000, 130]],
  ];
  for (const [signals, reason, exit] of cases) {
    using run = start();
    for (const [at, signal] of signals) {
      run.time.pass(at - run.time.now);
      run.shutdown.receive(signal);
    }
    const expected = [reason, exit === undefined ? [] : [exit]];
    const found = [run.shutdown.signal.reason?.message, run.exits];
    assertEquals(found, expected, JSON.stringify(signals));
  }
});

Deno.test("shutDown() does nothing after a signal", () => {
  using run = start();
  run.shutdown.receive("SIGTERM");
  run.time.pass(900);
  run.shutdown.shutDown("stdin is closed");
  assertEquals(run.shutdown.signal.reason.message, "SIGTERM");
  run.time.pass(100);
  run.shutdown.receive("SIGINT");
  assertEquals(run.exits, [[1000, 130]]);
});

Deno.test("receive() counts a call of shutDown() as the first signal", () => {
  using run = start();
  run.shutdown.shutDown("stdin is closed");
  assertEquals(run.shutdown.signal.reason.message, "stdin is closed");
  run.time.pass(999);
  run.shutdown.receive("SIGTERM");
  run.time.pass(1);
  run.shutdown.receive("SIGTERM");
  assertEquals(run.exits, [[1000, 143]]);
});
