// Tests what the documentation of @std says, so the real packages pass too.
import {
  assert,
  assertEquals,
  assertExists,
  assertGreater,
  assertGreaterOrEqual,
  assertInstanceOf,
  AssertionError,
  assertLess,
  assertLessOrEqual,
  assertMatch,
  assertNotEquals,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
  fail,
} from "@std/assert";
import { deadline } from "@std/async/deadline";
import { delay } from "@std/async/delay";
import { parseArgs, type ParseOptions } from "@std/cli/parse-args";
import { setImmediate } from "node:timers/promises";
import { FakeTime } from "../tests/support/fake_time.ts";

class Point {
  constructor(public x: number) {}
}
class OtherPoint {
  constructor(public x: number) {}
}
class Hidden {
  #value: number;
  constructor(value: number) {
    this.#value = value;
  }
  get value() {
    return this.#value;
  }
}
const cycle = (name: string) => {
  const object: Record<string, unknown> = { name };
  object["self"] = object;
  return object;
};

const equalPairs: [string, unknown, unknown][] = [
  ["numbers", 1, 1],
  ["NaN", NaN, NaN],
  ["0 and -0", { a: [0] }, { a: [-0] }],
  ["objects in another key order", { a: 1, b: [2] }, { b: [2], a: 1 }],
  ["an object without prototype and an ordinary one", { __proto__: null, a: 1 }, { a: 1 }],
  ["the same, nested", [{ a: { b: 1 } }], [{ a: { __proto__: null, b: 1 } }]],
  ["instances of one class", new Point(1), new Point(1)],
  ["instances with the same hidden value", new Hidden(1), new Hidden(1)],
  ["dates", new Date(5), new Date(5)],
  ["patterns", /a/g, /a/g],
  ["addresses", new URL("https://a.test/"), new URL("https://a.test")],
  ["bytes", new Uint8Array([1, 2]), new Uint8Array([1, 2])],
  ["sets in another order", new Set([1, { a: 2 }]), new Set([{ a: 2 }, 1])],
  ["maps in another order", new Map([["a", [1]], ["b", []]]), new Map([["b", []], ["a", [1]]])],
  ["cycles", cycle("a"), cycle("a")],
];

const differentPairs: [string, unknown, unknown][] = [
  ["a number and its text", 1, "1"],
  ["null and undefined", null, undefined],
  ["a missing key and one with undefined", {}, { a: undefined }],
  ["lists in another order", [1, 2], [2, 1]],
  ["instances of two classes", new Point(1), new OtherPoint(1)],
  ["an instance and an ordinary object", new Point(1), { x: 1 }],
  ["instances with another hidden value", new Hidden(1), new Hidden(2)],
  ["a list and an object", [], {}],
  ["dates", new Date(5), new Date(6)],
  ["patterns", /a/g, /a/i],
  ["addresses", new URL("https://a.test/"), new URL("https://b.test/")],
  ["bytes", new Uint8Array([1, 2]), new Uint8Array([1, 3])],
  ["sets", new Set([{ a: 1 }]), new Set([{ a: 2 }])],
  ["maps", new Map([["a", 1]]), new Map([["a", 2]])],
  ["functions", () => 1, () => 1],
  ["cycles", cycle("a"), cycle("b")],
];

for (const [what, a, b] of equalPairs) {
  Deno.test(`assertEquals accepts ${what}`, () => {
    assertEquals(a, b);
    assertEquals(b, a);
    assertThrows(() => assertNotEquals(a, b), AssertionError);
  });
}

for (const [what, a, b] of differentPairs) {
  Deno.test(`assertEquals refuses different ${what}`, () => {
    assertThrows(() => assertEquals(a, b, "my hint"), AssertionError, "my hint");
    assertThrows(() => assertEquals(b, a), AssertionError);
    assertNotEquals(a, b);
  });
}

const boom = () => {
  throw new RangeError("out of reach");
};

// For each assertion, a call that passes and one that fails.
const assertions: [string, () => void, () => void][] = [
  ["assert", () => assert("a"), () => assert("", "my hint")],
  ["fail", () => {}, () => fail("my hint")],
  ["assertExists", () => assertExists(0), () => assertExists(null, "my hint")],
  ["assertStrictEquals", () => assertStrictEquals(NaN, NaN), () => {
    assertStrictEquals({ a: 1 }, { a: 1 }, "my hint");
  }],
  ["assertMatch", () => assertMatch("abc", /b/), () => assertMatch("abc", /x/, "my hint")],
  ["assertStringIncludes", () => assertStringIncludes("abc", "bc"), () => {
    assertStringIncludes("abc", "cb", "my hint");
  }],
  ["assertInstanceOf", () => assertInstanceOf(new Point(1), Point), () => {
    assertInstanceOf(new Point(1), OtherPoint, "my hint");
  }],
  ["assertGreater", () => assertGreater(2, 1), () => assertGreater(1, 1, "my hint")],
  ["assertGreaterOrEqual", () => assertGreaterOrEqual(1, 1), () => {
    assertGreaterOrEqual(0, 1, "my hint");
  }],
  ["assertLess", () => assertLess(1, 2), () => assertLess(1, 1, "my hint")],
  ["assertLessOrEqual", () => assertLessOrEqual(1, 1), () => assertLessOrEqual(2, 1, "my hint")],
  ["assertThrows", () => assertThrows(boom, Error, "reach"), () => {
    assertThrows(() => {}, "my hint");
  }],
  ["assertThrows with a class", () => assertThrows(boom, RangeError), () => {
    assertThrows(boom, TypeError, undefined, "my hint");
  }],
  ["assertThrows with a message", () => assertThrows(boom), () => {
    assertThrows(boom, RangeError, "within reach", "my hint");
  }],
];

for (const [name, passes, fails] of assertions) {
  Deno.test(`${name} passes or throws an AssertionError`, () => {
    passes();
    assertThrows(fails, AssertionError, "my hint");
  });
}

Deno.test("assertThrows returns the thrown value", () => {
  assertEquals(assertThrows(boom, RangeError).message, "out of reach");
  assertEquals(
    assertThrows(() => {
      throw 7;
    }),
    7,
  );
});

const rejecting: [string, () => Promise<unknown>][] = [
  ["a promise that resolves", () => assertRejects(() => Promise.resolve())],
  ["a function that throws", () => assertRejects(boom)],
  ["an error of another class", () => assertRejects(() => Promise.reject(new Error()), TypeError)],
  ["a value that is no Error", () => assertRejects(() => Promise.reject(7), Error)],
  ["another message", () => assertRejects(() => Promise.reject(new Error("a")), Error, "b")],
];

for (const [what, run] of rejecting) {
  Deno.test(`assertRejects refuses ${what}`, async () => {
    await assertRejects(run, AssertionError);
  });
}

Deno.test("assertRejects returns the error", async () => {
  const error = await assertRejects(() => Promise.reject(new RangeError("no")), RangeError, "n");
  assertEquals(error.message, "no");
});

Deno.test("delay waits", async () => {
  const start = performance.now();
  await delay(20);
  assertGreaterOrEqual(performance.now() - start, 15);
  // Next to a wait that keeps the process alive, as this one does not.
  await Promise.all([delay(20), delay(1, { persistent: false })]);
});

Deno.test("delay() cuts off a fraction of a millisecond", async () => {
  for (const [ms, whole] of [[99.9, 99], [0.9, 0], [-1, 0], [NaN, 0]] as const) {
    using time = new FakeTime();
    let isOver = false;
    const waiting = delay(ms).then(() => isOver = true);
    time.pass(Math.max(whole - 1, 0));
    await setImmediate();
    assertEquals(isOver, whole === 0, `${ms}`);
    time.pass(1);
    await waiting;
  }
});

Deno.test("delay rejects with the reason of its signal", async () => {
  const before = await assertRejects(() => delay(9999, { signal: AbortSignal.abort() }));
  assertInstanceOf(before, DOMException);
  assertEquals(before.name, "AbortError");

  const controller = new AbortController();
  const waiting = delay(2 ** 40, { signal: controller.signal });
  controller.abort(new RangeError("enough"));
  await assertRejects(() => waiting, RangeError, "enough");
});

Deno.test("deadline settles as a promise that is in time", async () => {
  assertEquals(await deadline(Promise.resolve(1), 1000), 1);
  await assertRejects(() => deadline(Promise.reject(new RangeError("no")), 1000), RangeError);
});

Deno.test("deadline rejects with a TimeoutError when the time is over", async () => {
  const error = await assertRejects(() => deadline(new Promise(() => {}), 5), DOMException);
  assertEquals(error.name, "TimeoutError");
});

Deno.test("deadline rejects when its signal is aborted", async () => {
  const controller = new AbortController();
  const limited = deadline(new Promise(() => {}), 1000, { signal: controller.signal });
  controller.abort();
  assertEquals((await assertRejects(() => limited, DOMException)).name, "AbortError");
});

const lines: [string, string[], ParseOptions, Record<string, unknown>][] = [
  ["nothing", [], {}, { _: [] }],
  ["a flag without value", ["--all"], {}, { all: true, _: [] }],
  ["a value after a space", ["--name", "demo"], {}, { name: "demo", _: [] }],
  ["a value after =", ["--name=a=b"], {}, { name: "a=b", _: [] }],
  ["numbers", ["--n", "5", "-m=0.5", "7", "x1"], {}, { n: 5, m: 0.5, _: [7, "x1"] }],
  ["numbers kept as text", ["--n=05", "7"], { string: ["n", "_"] }, { n: "05", _: ["7"] }],
  ["a text flag without value", ["--name"], { string: ["name"] }, { name: "", _: [] }],
  ["a text flag before a flag", ["--a", "--b"], { string: "a" }, { a: "", b: true, _: [] }],
  ["a value that starts with -", ["--n", "-1"], { string: "n" }, { n: "", 1: true, _: [] }],
  ["the same after =", ["--n=-1"], {}, { n: -1, _: [] }],
  ["an empty argument", ["--n", ""], { string: "n" }, { n: "", _: [""] }],
  ["- after a short flag and alone", ["-f", "-", "-"], {}, { f: "-", _: ["-"] }],
  ["the last of several values", ["--v", "a", "--v", "b"], {}, { v: "b", _: [] }],
  ["a flag that is not given", [], { boolean: "a", string: "b" }, { a: false, _: [] }],
  ["a boolean flag before a word", ["--a", "x"], { boolean: ["a"] }, { a: true, _: ["x"] }],
  ["a boolean flag with a value", ["--a=false", "-b", "true"], { boolean: ["a", "b"] }, {
    a: false,
    b: true,
    _: [],
  }],
  ["short flags in a group", ["-abc", "5"], {}, { a: true, b: true, c: 5, _: [] }],
  ["a number right after a short flag", ["-n5", "-m-5"], {}, { n: 5, m: -5, _: [] }],
  ["a short flag with = and -", ["-n=-5", "--last"], {}, { n: -5, last: true, _: [] }],
  ["a sign at the end of a group", ["-a/"], {}, { a: true, "/": true, _: [] }],
  ["a path right after a short flag", ["-I/usr/lib"], {}, { I: "/usr/lib", _: [] }],
  ["- right after a short flag", ["-o-", "--last"], {}, { o: "-", last: true, _: [] }],
  ["collected values", ["--a=1", "--a", "x"], { collect: ["a"] }, { a: [1, "x"], _: [] }],
  ["collected flags not given", [], { collect: ["a"], string: ["a"] }, { a: [], _: [] }],
  ["--no- before a flag", ["--no-b"], {}, { "no-b": true, _: [] }],
  ["the end of the flags", ["--a", "--", "--b", "7"], {}, { a: true, _: ["--b", "7"] }],
];

for (const [what, args, options, result] of lines) {
  Deno.test(`parseArgs reads ${what}`, () =>
    assertEquals<unknown>(parseArgs(args, options), result));
}

Deno.test("parseArgs passes unknown arguments to `unknown`", () => {
  const calls: unknown[][] = [];
  const result = parseArgs(["add", "--x=1", "-y", "--name", "n", "--x", "2", "-b", "--", "--z"], {
    string: ["name"],
    boolean: ["b"],
    unknown: (...call) => {
      calls.push(call);
      return false;
    },
  });
  assertEquals(result, { name: "n", b: true, _: ["--z"] });
  assertEquals(calls, [
    ["add"],
    ["--x=1", "x", "1"],
    ["-y", "y", true],
    ["--x", "x", "2"],
  ]);
});

Deno.test("parseArgs keeps arguments for which `unknown` does not return false", () => {
  assertEquals(parseArgs(["a", "--b"], { unknown: () => {} }), { b: true, _: ["a"] });
});
