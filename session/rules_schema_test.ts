import { assertEquals } from "@std/assert";
import published from "../docs/rules.schema.json" with { type: "json" };
import { ERRORS } from "../protocol.ts";
import { Ajv2020, fc } from "../tests/support/npm_packages.ts";
import { FAULT_KINDS, lackingFor } from "./faults.ts";
import { Rules } from "./rules.ts";
import { checkMatch, checkRule, checkRules, type Rule, RULES_SCHEMA } from "./rules_schema.ts";

Deno.test("docs/rules.schema.json is the schema of rules", () => {
  assertEquals<unknown>(published, JSON.parse(JSON.stringify(RULES_SCHEMA)));
});

const kinds = "drop, error, duplicate, late, garbage, disconnect, stall, drip, split, badframe, " +
  "reset";
const kindsOrObject = `${kinds} or an object`;
const members = "match, delay, fault, error, answer, hold, then or times";

Deno.test("checkRules() reports the place of a mistake and what it expected there", async (t) => {
  const wrong: [rules: unknown, message: string][] = [
    [{ match: {} }, "rules: expected an array, got an object"],
    [null, "rules: expected an array, got null"],
    [["x"], 'rules[0]: expected an object, got "x"'],
    [[{}], "rules[0].match: expected an object, got none"],
    [[{ match: [] }], "rules[0].match: expected an object, got []"],
    [
      [{ macth: {} }],
      `rules[0].macth: unknown member; expected ${members}; did you mean match?`,
    ],
    [[{ match: {}, "a b": 1 }], `rules[0]["a b"]: unknown member; expected ${members}`],
    [
      [{ match: {} }, { match: { idd: 1 } }],
      "rules[1].match.idd: unknown member; expected id, data, entity, at, is, nth or connection; " +
      "did you mean id?",
    ],
    [
      JSON.parse('[{ "match": { "__proto__": 1 } }]'),
      "rules[0].match.__proto__: unknown member; expected id, data, entity, at, is, nth or connection",
    ],
    [
      [{ match: {} }, { match: {} }, { match: { nth: 0 } }],
      "rules[2].match.nth: expected an integer of at least 1, got 0",
    ],
    [
      [{ match: { connection: "1" } }],
      'rules[0].match.connection: expected an integer of at least 1, got "1"',
    ],
    [[{ match: { id: 1.5 } }], "rules[0].match.id: expected a string or an integer, got 1.5"],
    [[{ match: { data: 1 } }], "rules[0].match.data: expected a string, got 1"],
    [
      [{ match: { entity: "x".repeat(100) }, hold: "x".repeat(100) }],
      `rules[0].hold: expected a boolean, got "${"x".repeat(60)}…"`,
    ],
    [
      [{ match: {}, delay: -1 }],
      "rules[0].delay: expected a number from 0 to 86400 or a string, got -1",
    ],
    [
      [{ match: {}, delay: NaN }],
      "rules[0].delay: expected a number from 0 to 86400 or a string, got NaN",
    ],
    [
      [{ match: {}, fault: "dropp" }],
      `rules[0].fault: expected ${kindsOrObject}, got "dropp"; did you mean drop?`,
    ],
    [[{ match: {}, fault: 5 }], `rules[0].fault: expected ${kindsOrObject}, got 5`],
    [[{ match: {}, fault: {} }], "rules[0].fault: expected exactly one of late or drip, got none"],
    [
      [{ match: {}, fault: { late: 1, drip: 1 } }],
      "rules[0].fault: expected exactly one of late or drip, got late and drip",
    ],
    [
      [{ match: {}, fault: { drop: 1 } }],
      "rules[0].fault.drop: unknown member; expected late or drip; did you mean drip?",
    ],
    [
      [{ match: {}, fault: { late: 0 } }],
      "rules[0].fault.late: expected a number above 0 and up to 86400, got 0",
    ],
    [
      [{ match: {}, fault: { drip: 0.5 } }],
      "rules[0].fault.drip: expected a number of at least 1, got 0.5",
    ],
    [
      [{ match: {}, error: { code: "overload" } }],
      `rules[0].error.code: expected ${
        Object.keys(ERRORS).join(", ").replace(/, (\w+)$/, " or $1")
      }, ` +
      'got "overload"; did you mean overloaded?',
    ],
    [[{ match: {}, error: "internal" }], 'rules[0].error: expected an object, got "internal"'],
    [
      [{ match: {}, then: [] }],
      "rules[0].then: expected an array of 1 or more elements, got []",
    ],
    [
      [{ match: {}, then: [{}, { hold: 1 }] }],
      "rules[0].then[1].hold: expected a boolean, got 1",
    ],
    [
      [{ match: {}, then: [{ times: 1 }] }],
      "rules[0].then[0].times: unknown member; expected delay, fault, error, answer or hold",
    ],
    [[{ match: {}, times: 0 }], "rules[0].times: expected an integer of at least 1, got 0"],
  ];
  for (const [rules, message] of wrong) {
    await t.step(message, () => {
      assertEquals(errorOf(() => checkRules(rules)), message);
    });
  }
});

Deno.test("Rules rejects effects that exclude each other, and delays that are none", async (t) => {
  const delays = '"never" or a delay of at most a day, such as "1..5", "500ms" or "normal:3,0.5"';
  const wrong: [rule: Partial<Rule>, message: string][] = [
    [{ hold: true, delay: 1 }, "delay: expected none beside hold, got 1"],
    [{ hold: true, fault: "late" }, 'fault: expected another than late beside hold, got "late"'],
    [
      { error: { code: "internal" }, fault: { late: 1 } },
      "fault: expected none beside error, got an object",
    ],
    [{ error: { code: "internal" }, answer: null }, "answer: expected none beside error, got null"],
    [
      { delay: "never", fault: "drop" },
      'fault: expected none beside the delay "never", got "drop"',
    ],
    [{ then: [{}], delay: 1 }, "delay: expected none beside then, got 1"],
    [{ then: [{}, { delay: "5..1" }] }, `then[1].delay: expected ${delays}, got "5..1"`],
    [{ delay: "nevr" }, `delay: expected ${delays}, got "nevr"`],
    [{ answer: () => 1 }, "answer: expected a JSON value, got a function"],
    [{ fault: "stall" }, "fault: stall needs the strict transport of WebSockets"],
    [
      { then: [{}, { fault: { drip: 1 } }] },
      "then[1].fault: drip needs the strict transport of WebSockets",
    ],
  ];
  const rules = new Rules([{ match: { id: "kept" } }], undefined, lackingFor(false));
  for (const [effect, message] of wrong) {
    await t.step(message, () => {
      const rule = { match: {}, ...effect };
      assertEquals(errorOf(() => rules.replace([{ match: {} }, rule])), `rules[1].${message}`);
      assertEquals(errorOf(() => rules.add(rule)), `rule.${message}`);
      assertEquals(rules.list().map(({ rule }) => rule.match), [{ id: "kept" }]);
    });
  }
});

Deno.test("Rules checks rules of programs without types", () => {
  const rule = { match: { nht: 1 } } as Rule;
  const message =
    "match.nht: unknown member; expected id, data, entity, at, is, nth or connection; " +
    "did you mean nth?";
  assertEquals(errorOf(() => new Rules([rule])), `rules[0].${message}`);
  assertEquals(errorOf(() => new Rules().add(rule)), `rule.${message}`);
  assertEquals(errorOf(() => checkMatch(rule.match)), message);
});

const junk = fc.oneof(
  {
    weight: 1,
    arbitrary: fc.constantFrom<unknown>(null, true, 0, -1, 1.5, 1e9, NaN, "", "x", [], {}),
  },
  { weight: 1, arbitrary: fc.jsonValue() },
);

/** Returns values that are mostly good, and junk otherwise. */
function mostly(good: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return fc.oneof({ weight: 12, arbitrary: good }, { weight: 1, arbitrary: junk });
}

/** Returns objects with some of these members, and rarely an unknown one. */
function some(members: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<unknown> {
  const unknown = fc.oneof(
    { weight: 15, arbitrary: fc.constant({}) },
    { weight: 1, arbitrary: fc.dictionary(fc.constantFrom("id", "late", "toString", "x"), junk) },
  );
  const known = Object.entries(members).map(([name, value]) => [name, mostly(value)]);
  return fc.tuple(fc.record(Object.fromEntries(known), { requiredKeys: [] }), unknown)
    .map(([known, unknown]) => ({ ...known, ...unknown }));
}

const positive = fc.integer({ min: 1, max: 9 });
const effects = {
  delay: fc.oneof(fc.double({ min: 0, max: 86_400, noNaN: true }), fc.constant("1..5")),
  fault: fc.oneof(
    fc.constantFrom(...FAULT_KINDS),
    some({ late: fc.double({ min: 0, max: 86_400 }) }),
    some({ drip: positive }),
  ),
  error: some({ code: fc.constantFrom(...Object.keys(ERRORS)), message: fc.string() }),
  answer: fc.jsonValue(),
  hold: fc.boolean(),
};
const anyRule = fc.tuple(
  some({
    id: fc.oneof(fc.string(), fc.integer()),
    data: fc.string(),
    entity: fc.string(),
    nth: positive,
    connection: positive,
  }),
  some({ ...effects, then: fc.array(mostly(some(effects)), { maxLength: 3 }), times: positive }),
).map(([match, rest]) => ({ match, ...rest as object }));
const anyRules = fc.array(mostly(anyRule), { maxLength: 3 });

Deno.test("checkRules() agrees with Ajv", () => {
  const isValid = new Ajv2020({ strict: true }).compile(RULES_SCHEMA);
  const verdicts = { valid: 0, invalid: 0 };
  const property = fc.property(anyRules, (rules) => {
    const error = errorOf(() => checkRules(rules));
    verdicts[error === undefined ? "valid" : "invalid"]++;
    assertEquals(error === undefined, isValid(rules), error);
    assertEquals(error?.includes("\n"), error && false);
  });
  fc.assert(property, { seed: 1, numRuns: 3000 });
  // The inputs would prove little if nearly all had the same verdict.
  for (const [verdict, count] of Object.entries(verdicts)) {
    assertEquals(count > 500, true, `${count} ${verdict}`);
  }
});

Deno.test("checkRule() returns the rule", () => {
  const rule = { match: { id: "a*", data: "*", entity: "E", nth: 1, connection: 2 }, times: 1 };
  assertEquals(checkRule(rule), rule);
});

function errorOf(run: () => unknown): string | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    if (error instanceof RangeError) return error.message;
    throw error;
  }
}
