import { assertEquals } from "@std/assert";
import { randomIntegers } from "../tests/support/random.ts";
import { InFlight } from "./in_flight.ts";

Deno.test("InFlight numbers requests in the order of sending", () => {
  const inFlight = new InFlight();
  assertEquals([inFlight.add(5, 4), inFlight.add(6, 4), inFlight.add(6, 6)], [1, 2, 3]);
  assertEquals(inFlight.size, 3);
  assertEquals([1, 2, 3].map((number) => inFlight.sentAt(number)), [5, 6, 6]);
  assertEquals([1, 2, 3].map((number) => inFlight.intendedAt(number)), [4, 4, 6]);
});

Deno.test("InFlight.sentAt() returns a negative number when the request is not in flight", () => {
  const inFlight = new InFlight();
  for (const number of [0, -1, 1, 64, 65, 0.5, NaN, 2 ** 53]) {
    assertEquals(inFlight.sentAt(number), -1, `${number}`);
  }
  const number = inFlight.add(0, 0);
  assertEquals(inFlight.sentAt(number), 0);
  inFlight.settle(number);
  assertEquals(inFlight.sentAt(number), -1);
  assertEquals(inFlight.sentAt(number + 64), -1);
});

Deno.test("InFlight.oldestSentBy() returns the oldest request when it is overdue", () => {
  const inFlight = new InFlight();
  assertEquals(inFlight.oldestSentBy(Infinity), 0);
  for (const sentAt of [10, 20, 30]) inFlight.add(sentAt, sentAt);
  assertEquals(inFlight.oldestSentBy(9), 0);
  assertEquals(inFlight.oldestSentBy(10), 1);
  inFlight.settle(2);
  inFlight.settle(1);
  assertEquals(inFlight.oldestSentBy(29), 0);
  assertEquals(inFlight.oldestSentBy(30), 3);
});

Deno.test("InFlight keeps the same requests as a Map", () => {
  const inFlight = new InFlight();
  const twin = new Map<number, number>();
  const random = randomIntegers(7);
  let last = 0;
  for (let now = 0; now < 20_000; now++) {
    // More, then fewer, so that the ring grows, wraps around and empties.
    if (random(100) < (now % 4000 < 2000 ? 60 : 40)) {
      last = inFlight.add(now, now);
      twin.set(last, now);
    } else {
      const number = 1 + random(last + 2);
      assertEquals(inFlight.sentAt(number), twin.get(number) ?? -1);
      if (twin.delete(number)) inFlight.settle(number);
      for (const overdue of twin.keys()) {
        if (twin.get(overdue)! > now - 800) break;
        assertEquals(inFlight.oldestSentBy(now - 800), overdue);
        inFlight.settle(overdue);
        twin.delete(overdue);
      }
    }
    assertEquals(inFlight.size, twin.size);
  }
});
