import { assertEquals } from "@std/assert";
import { Shutdown } from "./shutdown.ts";

type Signal = "SIGINT" | "SIGTERM";

/** Takes signals, each at its time in milliseconds; returns what they abort and how they exit. */
function take(signals: [at: number, Signal][]) {
  const exits: [at: number, code: number][] = [];
  let time = 0;
  const shutdown = new Shutdown({ now: () => time, exit: (code) => exits.push([time, code]) });
  for (const [at, signal] of signals) {
    time = at;
    shutdown.receive(signal);
  }
  return { reason: shutdown.signal.reason?.message, exits };
}

Deno.test("Shutdown.receive() ends the process if the first signal was at least a second ago", () => {
  const cases: [signals: [at: number, Signal][], reason?: string, exit?: [number, number]][] = [
    [[]],
    [[[0, "SIGINT"]], "SIGINT"],
    [[[500, "SIGTERM"]], "SIGTERM"],
    [[[500, "SIGINT"], [500, "SIGINT"]], "SIGINT"],
    [[[500, "SIGINT"], [1499, "SIGINT"]], "SIGINT"],
    [[[500, "SIGINT"], [1500, "SIGINT"]], "SIGINT", [1500, 130]],
    [[[500, "SIGINT"], [1500, "SIGTERM"]], "SIGINT", [1500, 143]],
    [[[500, "SIGTERM"], [501, "SIGINT"], [9999, "SIGINT"]], "SIGTERM", [9999, 130]],
    // What does not count delays nothing.
    [[[0, "SIGINT"], [999, "SIGINT"], [1000, "SIGINT"]], "SIGINT", [1000, 130]],
  ];
  for (const [signals, reason, exit] of cases) {
    const expected = { reason, exits: exit === undefined ? [] : [exit] };
    assertEquals(take(signals), expected, JSON.stringify(signals));
  }
});

Deno.test("Shutdown.request() does nothing after a signal", () => {
  let time = 0;
  const exits: number[] = [];
  const shutdown = new Shutdown({ now: () => time, exit: (code) => exits.push(code) });
  shutdown.receive("SIGTERM");
  time = 900;
  shutdown.request("stdin is closed");
  assertEquals([shutdown.signal.reason.message, exits], ["SIGTERM", []]);
  time = 1000;
  shutdown.receive("SIGINT");
  assertEquals(exits, [130]);
});

Deno.test("Shutdown.receive() counts what request() has requested as the first signal", () => {
  let time = 0;
  const exits: number[] = [];
  const shutdown = new Shutdown({ now: () => time, exit: (code) => exits.push(code) });
  shutdown.request("stdin is closed");
  assertEquals(shutdown.signal.reason.message, "stdin is closed");
  time = 999;
  shutdown.receive("SIGTERM");
  assertEquals(exits, []);
  time = 1000;
  shutdown.receive("SIGTERM");
  assertEquals(exits, [143]);
});
