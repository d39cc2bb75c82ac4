import { assertEquals } from "@std/assert";
import { encodeCancel } from "../../protocol.ts";
import { manualClock } from "../../session/clock.ts";
import { Journal } from "../../session/journal.ts";
import { Rules } from "../../session/rules.ts";
import type { Rule } from "../../session/rules_schema.ts";
import { Harness, type Published } from "../../tests/support/fake_stream.ts";
import { fc } from "../../tests/support/npm_packages.ts";

const RESPONSE = { request_id: "x", data: { y: 1 } };

/** A harness with a journal and rules, the first of which holds the id "x". */
function steered(effect: Partial<Rule> = { hold: true }, batched = false) {
  const journal = new Journal(manualClock());
  const rules = new Rules([{ match: { id: "x" }, ...effect }]);
  const it = new Harness(0, { rules, observer: journal }, batched);
  const release = (now: number) => {
    const [entry] = [...it.sessions.held.keys()];
    it.session.release(entry!, it.now = now);
    it.sessions.flush();
  };
  return { it, release, outcomes: () => journal.list().map(({ outcome }) => outcome) };
}

Deno.test("RemoteResponder keeps the answer of a held request until its release", async () => {
  const { it, release, outcomes } = steered({ hold: true }, true);
  const request = it.ask("x");
  await it.acknowledge(request, 7);
  it.convert(request);
  it.until(1000);
  assertEquals([it.sent, outcomes(), it.deleted], [[], ["held"], []]);
  release(1500);
  assertEquals([it.sent, outcomes()], [[{ ...RESPONSE, delay: 1.5 }], ["answered"]]);
});

Deno.test("RemoteResponder sends the answer of a released request when it has it", async () => {
  for (const isAcknowledged of [true, false]) {
    const { it, release, outcomes } = steered({ hold: true }, true);
    const request = it.ask("x");
    if (isAcknowledged) await it.acknowledge(request, 7);
    release(1500);
    assertEquals([it.sent, outcomes()], [[], ["in_flight"]]);
    it.now = 2000;
    it.convert(request);
    it.sessions.flush();
    assertEquals([it.sent, outcomes()], [[{ ...RESPONSE, delay: 1.5 }], ["answered"]]);
    const { lateness, delays } = it.sessions.counters;
    const count = delays.counts.reduce((sum, count) => sum + count);
    assertEquals([lateness.sum, delays.sum, count], [500, 1500, 1]);
  }
});

Deno.test("RemoteResponder deletes requests whose response is replaced, or that are dropped", async () => {
  const cases: [effect: Partial<Rule>, sent: unknown[], outcome: string][] = [
    [{ delay: 0, answer: { y: 1 } }, [RESPONSE], "answered"],
    [{ delay: 1, answer: { y: 1 } }, [RESPONSE], "answered"],
    [{ delay: 1, error: { code: "internal", message: "x" } }, [
      { request_id: "x", error: { code: "internal", message: "x" } },
    ], "error:internal"],
    [{ delay: 1, answer: { y: 1 }, fault: "drop" }, [], "dropped"],
    [{ delay: "never" }, [], "dropped"],
    [{ hold: true }, [], "dropped"],
  ];
  for (const [effect, sent, outcome] of cases) {
    for (const isAcknowledged of [true, false]) {
      const { it, outcomes } = steered(effect);
      const request = it.ask("x");
      if (isAcknowledged) await it.acknowledge(request, 7);
      it.until(1000);
      it.sessions.dropAll();
      assertEquals([it.sent, outcomes()], [sent, [outcome]], JSON.stringify(effect));
      await it.acknowledge(request, 7);
      assertEquals([it.deleted, it.sessions.inFlight], [[7], 0], JSON.stringify(effect));
    }
  }
});

const RULES: Rule[] = [
  { match: { id: "h*" }, hold: true },
  { match: { id: "e*" }, hold: true, error: { code: "internal" } },
  { match: { id: "n*" }, delay: "never" },
  { match: { id: "a*" }, delay: 0, answer: {} },
  { match: { id: "d*" }, delay: 1, fault: "drop" },
  { match: { id: "2*" }, delay: 1, fault: "duplicate" },
];

type Step =
  | { ask: string }
  | { cancel: string }
  | { acknowledge: number; hasRoom: boolean }
  | { convert: number; fails: boolean }
  | { release: number }
  | { wait: number }
  | { dropAll: true };

const id = fc.constantFrom("h1", "h2", "e1", "n1", "a1", "d1", "21", "t1", "t2");
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ ask: id }) },
  { weight: 4, arbitrary: fc.record({ acknowledge: fc.nat(), hasRoom: fc.boolean() }) },
  { weight: 6, arbitrary: fc.record({ convert: fc.nat(), fails: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ release: fc.nat() }) },
  fc.record({ cancel: id }),
  fc.record({ wait: fc.constantFrom(0, 500, 1000, 2000) }),
  { weight: 1, arbitrary: fc.constant<Step>({ dropAll: true }) },
);

Deno.test("whatever happens to a gateway, each request ends once, and none stays in the stream", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60, size: "max" }), async (steps) => {
      const journal = new Journal(manualClock());
      const it = new Harness(2, { rules: new Rules(RULES), observer: journal });
      const acknowledged = new Map<Published, number>();
      const acknowledge = async (published: Published, hasRoom: boolean) => {
        if (acknowledged.has(published)) return;
        const sequence = acknowledged.size + 1;
        acknowledged.set(published, hasRoom ? sequence : 0);
        await it.acknowledge(published, hasRoom ? sequence : undefined);
      };
      const converted = new Set<Published>();
      const convert = (published: Published, fails: boolean) => {
        converted.add(published);
        if (fails) it.take({ key: published.key, error: "it failed" });
        else it.convert(published);
      };
      for (const step of [...steps, { dropAll: true } as const]) {
        const pick = (n: number) => it.published[n % it.published.length]!;
        if ("ask" in step) it.ask(step.ask);
        else if ("cancel" in step) it.session.receive(encodeCancel(step.cancel), it.now);
        else if ("wait" in step) it.until(it.now + step.wait);
        else if ("dropAll" in step) it.sessions.dropAll();
        else if ("release" in step) {
          const held = [...it.sessions.held].filter(([, { forever }]) => !forever);
          const [entry] = held[step.release % held.length] ?? [];
          if (entry !== undefined) it.session.release(entry, it.now);
        } else if (it.published.length === 0) continue;
        else if ("acknowledge" in step) await acknowledge(pick(step.acknowledge), step.hasRoom);
        else convert(pick(step.convert), step.fails);
        it.sessions.flush();
      }
      for (const published of it.published) await acknowledge(published, true);
      const ended = journal.list();
      assertEquals(ended.filter(({ ended }) => ended === null), []);
      const expected = ended.flatMap(({ id, outcome, fault }) => {
        if (outcome === "dropped") return [];
        const answer = `${id} ${outcome.replace("error:", "")}`;
        return fault === "duplicate" && outcome === "answered" ? [answer, answer] : [answer];
      });
      const sent = it.sent as { request_id: string; error?: { code: string } }[];
      const answers = sent.map(({ request_id, error }) =>
        `${request_id} ${error?.code ?? "answered"}`
      );
      assertEquals(answers.sort(), expected.sort());
      const left = it.published.filter((published) =>
        acknowledged.get(published)! > 0 && !converted.has(published) &&
        !it.deleted.includes(acknowledged.get(published)!)
      );
      assertEquals(left, []);
    }),
    { seed: 7, numRuns: 300 },
  );
});
