import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import { FakeTime } from "../testing/fake_time.ts";
import { IDLE_TIMEOUT, IdleWatch } from "./idle.ts";

const INTERVAL = 5000;

const REARM = Object.getOwnPropertySymbols(WebSocket.prototype)
  .find(({ description }) => description === "[[serverHandleIdleTimeout]]")!;

function noFault(error: unknown): never {
  throw error;
}

/** What a WebSocket is to the watch: a state, and Deno's handler, which notes when it is called. */
function fakeSocket() {
  const rearmedAt: number[] = [];
  const handlers: Record<symbol, () => void> = {
    [REARM]: () => void rearmedAt.push(performance.now()),
  };
  const socket = Object.assign(handlers, { readyState: WebSocket.OPEN as number });
  return { socket, rearmedAt, hear: () => socket[REARM]!() };
}

function add(watch: IdleWatch, socket: unknown): void {
  watch.add(socket as WebSocket);
}

Deno.test("Deno has the handler that the watch stands in for", () => {
  assert(REARM !== undefined, "every message now costs a timer; see server/idle.ts");
});

Deno.test("IdleWatch tells Deno at once, and then once in an interval", () => {
  using time = new FakeTime();
  const watch = new IdleWatch(noFault);
  const { socket, rearmedAt, hear } = fakeSocket();
  add(watch, socket);
  const start = performance.now();
  for (let i = 0; i < 1000; i++) {
    hear();
    time.pass(20);
  }
  watch.close();
  assertEquals(rearmedAt.map((at) => at - start), [0, 5000, 10_000, 15_000, 20_000]);
});

Deno.test("IdleWatch never lets a connection pass for idle that is not", () => {
  for (const gap of [1, 999, 4999, 5000, 5001, 9999, 14_999]) {
    using time = new FakeTime();
    const watch = new IdleWatch(noFault);
    const { socket, rearmedAt, hear } = fakeSocket();
    add(watch, socket);
    for (let i = 0; i < 100; i++) {
      hear();
      assertLessOrEqual(
        performance.now() - rearmedAt.at(-1)!,
        INTERVAL,
        `messages ${gap} ms apart`,
      );
      time.pass(gap);
    }
    watch.close();
  }
});

Deno.test("IdleWatch leaves a connection alone that is not heard of, or not open", () => {
  using time = new FakeTime();
  const watch = new IdleWatch(noFault);
  const silent = fakeSocket();
  const closed = fakeSocket();
  add(watch, silent.socket);
  add(watch, closed.socket);
  silent.hear();
  closed.hear();
  closed.hear();
  closed.socket.readyState = WebSocket.CLOSED;
  time.pass(1000 * IDLE_TIMEOUT);
  watch.close();
  assertEquals([silent.rearmedAt.length, closed.rearmedAt.length], [1, 1]);
});
