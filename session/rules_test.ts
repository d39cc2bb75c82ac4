import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { convert, type RequestId } from "../protocol.ts";
import { fc } from "../tests/support/npm_packages.ts";
import { plainConvertToJson } from "../tests/support/plain.ts";
import { delayPolicy } from "./delays.ts";
import { faultPolicy } from "./fault_policy.ts";
import { lackingFor } from "./faults.ts";
import { type Plan, Planner } from "./plan.ts";
import { type ArrivedRequest, matchesId, matchesRequest, Rules } from "./rules.ts";
import type { Match, Rule } from "./rules_schema.ts";

const encoder = new TextEncoder();

function arrival(id: RequestId, data = "", nth = 1, connection = 1): ArrivedRequest {
  return { id: JSON.stringify(id), data, nth, connection, value: () => convert(data) };
}

Deno.test("matchesRequest() matches requests that have all members of the match", () => {
  const request = arrival("A1", "Hub&&name&&qwe%%Door&&id&&1%%Door&&id&&2", 5, 3);
  const matches: Match[] = [
    {},
    { id: "A1" },
    { id: "A*" },
    { data: "Hub&&*" },
    { data: "*Door*2" },
    { entity: "Hub" },
    { entity: "Door" },
    { nth: 5 },
    { connection: 3 },
    { id: "*1", data: "*", entity: "Hub", nth: 5, connection: 3 },
  ];
  const others: Match[] = [
    { id: "A" },
    { id: 1 },
    { data: "Hub" },
    { entity: "Window" },
    { entity: "D*" },
    { entity: "toString" },
    { entity: "__proto__" },
    { nth: 4 },
    { connection: 1 },
    { id: "A1", nth: 1 },
  ];
  for (const match of matches) assert(matchesRequest(match, request), JSON.stringify(match));
  for (const match of others) assert(!matchesRequest(match, request), JSON.stringify(match));
  assert(matchesRequest({ entity: "__proto__" }, arrival("1", "__proto__&&a&&b")));
});

Deno.test("matchesId() tells integers and strings apart", () => {
  const cases: [expected: RequestId, id: unknown, matches: boolean][] = [
    [1, 1, true],
    [1, "1", false],
    ["1", 1, false],
    ["*", 1, false],
    ["*", "1", true],
    ["*", null, false],
  ];
  for (const [expected, id, matches] of cases) assertStrictEquals(matchesId(expected, id), matches);
});

/** Rules as a plain list. */
class PlainRules {
  list: { number: number; rule: Rule; enabled: boolean; matched: number }[] = [];
  last = 0;

  activate(rule: Rule) {
    return { number: ++this.last, rule, enabled: true, matched: 0 };
  }

  /** The number of the rule that matches, and its effect. */
  follow(request: ArrivedRequest): [rule: number, delay: unknown] | undefined {
    const id = JSON.parse(request.id);
    for (const active of this.list) {
      const { match, times, then } = active.rule;
      if (!active.enabled || (times !== undefined && active.matched === times)) continue;
      if (match.id !== undefined && !isLike(match.id, id)) continue;
      if (match.data !== undefined && !isLike(match.data, request.data)) continue;
      if (match.entity !== undefined && !entitiesOf(request.data).includes(match.entity)) continue;
      if (match.nth !== undefined && match.nth !== request.nth) continue;
      if (match.connection !== undefined && match.connection !== request.connection) continue;
      const { delay } = then === undefined
        ? active.rule
        : then[active.matched] ?? then[then.length - 1]!;
      active.matched++;
      return [active.number, delay];
    }
    return undefined;
  }
}

function entitiesOf(data: string): string[] {
  return Object.keys(JSON.parse(plainConvertToJson(data)));
}

/** Whether a text is like a pattern with a star at its end. */
function isLike(pattern: RequestId, text: unknown): boolean {
  if (typeof pattern !== "string" || !pattern.endsWith("*")) return pattern === text;
  return typeof text === "string" && text.startsWith(pattern.slice(0, -1));
}

const ids = fc.constantFrom<RequestId>("a", "ab", "b", 1, 2);
const data = fc.constantFrom("", "a&&x&&1", "b&&x&&1%%a&&x&&2", "b&&x");
const number = fc.integer({ min: 1, max: 3 });
const effect = fc.record({ delay: fc.integer({ min: 0, max: 99 }) });
const members = fc.record({
  id: fc.oneof(ids, fc.constantFrom<RequestId>("a*", "*")),
  data: fc.oneof(data, fc.constantFrom("a*", "b&&*")),
  entity: fc.constantFrom("a", "b"),
  nth: number,
  connection: number,
}, { requiredKeys: [] });
const match: fc.Arbitrary<Match> = fc.oneof(
  members,
  ...(["id", "data", "entity", "nth", "connection"] as const)
    .map((name) =>
      members.map(({ [name]: value }) => value === undefined ? {} : { [name]: value })
    ),
);
const rule: fc.Arbitrary<Rule> = fc.oneof(
  fc.record({ match, times: number, delay: effect.map(({ delay }) => delay) }, {
    requiredKeys: ["match", "delay"],
  }),
  fc.record({ match, times: number, then: fc.array(effect, { minLength: 1, maxLength: 3 }) }, {
    requiredKeys: ["match", "then"],
  }),
);
const request = fc.record({
  id: ids.map((id) => JSON.stringify(id)),
  data,
  nth: number,
  connection: number,
}).map((request) => ({ ...request, value: () => convert(request.data) }));
const rules = fc.array(rule, { maxLength: 4 });
const step = fc.oneof(
  { weight: 12, arbitrary: fc.record({ follow: request }) },
  { weight: 2, arbitrary: fc.record({ add: rule }) },
  fc.record({ addAll: rules }),
  fc.record({ replace: rules }),
  fc.record({ remove: fc.nat({ max: 20 }) }),
  fc.record({ enable: fc.nat({ max: 20 }), on: fc.boolean() }),
  fc.constant({ reset: true }),
  fc.constant({ reseed: true }),
);

Deno.test("Rules does the same as a plain list", () => {
  let followed = 0;
  fc.assert(
    fc.property(rules, fc.array(step, { maxLength: 60, size: "max" }), (atStart, steps) => {
      const subject = new Rules(atStart);
      const plain = new PlainRules();
      plain.list = atStart.map((rule) => plain.activate(rule));
      for (const step of steps) {
        if ("follow" in step) {
          const found = subject.follow(step.follow);
          followed += Number(found !== undefined);
          assertEquals(
            found && [found.rule, found.effect.delays!.maxDelay / 1000] as [number, unknown],
            plain.follow(step.follow),
          );
        } else if ("add" in step) {
          plain.list.unshift(plain.activate(step.add));
          assertStrictEquals(subject.add(step.add), plain.last);
        } else if ("addAll" in step) {
          subject.addAll(step.addAll);
          plain.list.unshift(...step.addAll.map((rule) => plain.activate(rule)));
        } else if ("replace" in step) {
          subject.replace(step.replace);
          plain.list = step.replace.map((rule) => plain.activate(rule));
        } else if ("remove" in step) {
          const left = plain.list.filter(({ number }) => number !== step.remove);
          assertStrictEquals(subject.remove(step.remove), left.length < plain.list.length);
          plain.list = left;
        } else if ("enable" in step) {
          const found = plain.list.find(({ number }) => number === step.enable);
          assertStrictEquals(subject.enable(step.enable, step.on), found !== undefined);
          if (found !== undefined) found.enabled = step.on;
        } else if ("reset" in step) {
          subject.reset();
          plain.list = atStart.map((rule) => plain.activate(rule));
        } else {
          subject.reseed(7);
        }
        assertEquals(subject.list(), plain.list);
        assertStrictEquals(subject.size, plain.list.length);
      }
    }),
    { seed: 7, numRuns: 300 },
  );
  assert(followed > 1000, `${followed}`);
});

Deno.test("Rules keeps its rules when others are wrong, or when the program changes its own", () => {
  const own = { match: { id: "a" }, then: [{ delay: 1 }], answer: undefined };
  const wrong = { match: {}, delay: "soon" };
  const atStart = [own];
  const subject = new Rules(atStart, undefined, lackingFor(false));
  const before = JSON.stringify(subject.list());
  let changes = 0;
  subject.onChange = () => changes++;
  for (
    const [change, message] of [
      [() => subject.replace([own, wrong]), "rules[1].delay: expected"],
      [() => subject.add(wrong), "rule.delay: expected"],
      [() => subject.addAll([own, wrong]), "rules[1].delay: expected"],
      [() => subject.add({ match: {}, fault: "drip" }), "rule.fault: drip needs the strict"],
      [() => subject.reload([wrong]), "rules[0].delay: expected"],
    ] as const
  ) {
    assertThrows(change, RangeError, message);
    assertStrictEquals(JSON.stringify(subject.list()), before);
  }
  assertStrictEquals(changes, 0);
  own.match.id = "b";
  own.then[0]!.delay = 2;
  atStart.length = 0;
  assertStrictEquals(JSON.stringify(subject.list()), before);
  subject.reset();
  assertEquals(subject.list().map(({ rule }) => rule), [{
    match: { id: "a" },
    then: [{ delay: 1 }],
  }]);
});

Deno.test("reload() makes its rules those to which reset() returns", () => {
  const subject = new Rules([{ match: { id: "a" } }]);
  subject.reload([{ match: { id: "b" } }]);
  subject.replace([]);
  subject.reset();
  assertEquals(subject.list().map(({ rule }) => rule), [{ match: { id: "b" } }]);
});

/** Returns the plan of a request with rules, the delay 2, and the fault `drop` for all. */
function planOf(rules: Rule[], id: RequestId, seed?: number): Plan {
  const delays = delayPolicy({ min: 2, max: 2 }, seed);
  const planner = new Planner(delays, faultPolicy({ drop: 1 }), new Rules(rules, seed));
  const bytes = encoder.encode(JSON.stringify(id));
  return { ...planner.plan(bytes, 0, bytes.length, arrival(id)) };
}

const INFINITE = { delay: 0, wait: Infinity, isHeld: false, replacement: undefined };

Deno.test("Planner plans a request by its rule alone, or by delay and fault", () => {
  const none = { error: undefined, answer: undefined, fault: undefined };
  const overloaded = { code: "overloaded", message: "later" } as const;
  const cases: [effect: Omit<Rule, "match">, plan: Partial<Plan>][] = [
    [{}, { delay: 2000, wait: 2000, replacement: undefined }],
    [{ delay: 0 }, { delay: 0, wait: 0 }],
    [{ delay: 0.5 }, { delay: 500, wait: 500 }],
    [{ delay: "1500ms" }, { delay: 1500, wait: 1500 }],
    [{ delay: "never" }, INFINITE],
    [{ hold: true }, { ...INFINITE, isHeld: true }],
    [{ hold: true, answer: null }, {
      ...{ ...INFINITE, isHeld: true },
      replacement: { ...none, answer: "null" },
    }],
    [{ fault: "drop" }, {
      ...{ delay: 2000, wait: 2000 },
      replacement: { ...none, fault: { kind: "drop", parameter: undefined } },
    }],
    [{ fault: { late: 5 }, delay: 1 }, {
      ...{ delay: 1000, wait: 6000 },
      replacement: { ...none, fault: { kind: "late", parameter: 5000 } },
    }],
    [{ error: overloaded }, { delay: 0, wait: 0, replacement: { ...none, error: overloaded } }],
    [{ error: overloaded, delay: 1 }, {
      ...{ delay: 1000, wait: 1000 },
      replacement: { ...none, error: overloaded },
    }],
    [{ answer: { a: [1] }, fault: "duplicate" }, {
      ...{ delay: 2000, wait: 2000 },
      replacement: {
        ...{ ...none, answer: '{"a":[1]}' },
        fault: { kind: "duplicate", parameter: undefined },
      },
    }],
  ];
  for (const [effect, plan] of cases) {
    assertEquals(
      planOf([{ match: { id: "a" }, ...effect }], "a"),
      { isHeld: false, replacement: undefined, rule: 1, ...plan } as Plan,
      JSON.stringify(effect),
    );
  }
  const other = planOf([{ match: { id: "a" }, hold: true }], "b");
  assertEquals([other.rule, other.wait, other.replacement?.fault?.kind], [undefined, 2000, "drop"]);
});

Deno.test("the delays of rules depend on the seed and the id alone", () => {
  const rules: Rule[] = [{ match: {}, delay: "0..100" }];
  const delays = ["a", "b", "c"].map((id) => planOf(rules, id, 7).delay);
  assertEquals(["a", "b", "c"].map((id) => planOf(rules, id, 7).delay), delays);
  assert(["a", "b", "c"].some((id, i) => planOf(rules, id, 8).delay !== delays[i]));
  const subject = new Rules(rules, 8);
  subject.reseed(7);
  const bytes = encoder.encode('"a"');
  const { effect } = subject.follow(arrival("a"))!;
  assertStrictEquals(effect.delays!.delayOf(bytes, 0, bytes.length), delays[0]);
});

Deno.test("Rules refuses pointers and templates that are wrong, with their place", () => {
  const cases: [rule: Rule, message: string][] = [
    [{ match: { at: "x" } }, 'rule.match.at: expected a JSON Pointer, such as /params/0, got "x"'],
    [{ match: { is: 1 } }, "rule.match.is: expected none without at, got 1"],
    [{ match: {}, answer: ["{{x}}"] }, "rule.answer: "],
  ];
  for (const [rule, message] of cases) {
    assertThrows(() => new Rules().add(rule), RangeError, message);
  }
});
