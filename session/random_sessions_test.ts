import { assertEquals, assertStrictEquals } from "@std/assert";
import { encodeCancel, encodeRequest } from "../protocol.ts";
import { fc } from "../tests/support/npm_packages.ts";
import { manualClock } from "./clock.ts";
import { delayPolicy } from "./delays.ts";
import { Journal } from "./journal.ts";
import { Rules } from "./rules.ts";
import type { Rule } from "./rules_schema.ts";
import type { Session } from "./session.ts";
import { Sessions } from "./sessions.ts";

/** What happens to requests whose id starts with this name, and how they end. */
const KINDS: Record<string, [effect: Omit<Rule, "match">, wait: number, outcome: string]> = {
  hold: [{ hold: true }, Infinity, "answered"],
  holdDrop: [{ hold: true, fault: "drop" }, Infinity, "dropped"],
  holdError: [{ hold: true, error: { code: "overloaded" } }, Infinity, "error:overloaded"],
  holdEnd: [{ hold: true, fault: "disconnect" }, Infinity, "dropped"],
  never: [{ delay: "never" }, Infinity, "never"],
  now: [{ delay: 0 }, 0, "answered"],
  nowAnswer: [{ delay: 0, answer: [1] }, 0, "answered"],
  nowDrop: [{ delay: 0, fault: "drop" }, 0, "dropped"],
  nowError: [{ error: { code: "internal" } }, 0, "error:internal"],
  nowEnd: [{ delay: 0, fault: "disconnect" }, 0, "dropped"],
  soon: [{ delay: 0.02 }, 20, "answered"],
  soonDouble: [{ delay: 0.02, fault: "duplicate" }, 20, "answered"],
  soonError: [{ delay: 0.03, error: { code: "cancelled" } }, 30, "error:cancelled"],
  soonEnd: [{ delay: 0.02, fault: "disconnect" }, 20, "dropped"],
  late: [{ delay: 0.01, fault: { late: 20 } }, 20_010, "answered"],
  plain: [{}, 50, "answered"],
};

const RULES: Rule[] = Object.entries(KINDS).map(([kind, [effect]]) => ({
  match: { id: `${kind} *` },
  ...effect,
}));

type Operation =
  | { send: string; to: number }
  | { cancel: string; to: number }
  | { release: string[] }
  | { wait: number }
  | { close: number }
  | { dropAll: true };

/** Sessions with a journal, and a list that says what the journal and the peers must have. */
class Twins {
  readonly clock = manualClock();
  readonly journal = new Journal(this.clock);
  readonly sessions: Sessions;
  readonly open: Session[] = [];
  /** The answers of each connection, as ids and what they are. */
  readonly sent: string[][] = [];
  readonly expected: { connection: number; id: string; outcome: string; ended: number | null }[] =
    [];
  readonly expectedSent: string[][] = [];
  /** Entries of `expected`, each with its due time. */
  readonly inFlight = new Map<number, number>();

  constructor() {
    this.sessions = new Sessions({
      delays: delayPolicy({ min: 0.05, max: 0.05 }),
      rules: new Rules(RULES),
      observer: this.journal,
    });
    for (let i = 0; i < 3; i++) this.openAt(i);
  }

  openAt(i: number): void {
    const sent: string[] = [];
    this.sent.push(sent);
    this.expectedSent.push([]);
    const send = (frame: string) => {
      for (const { request_id, error, data } of [JSON.parse(frame)].flat()) {
        sent.push(`${request_id} ${error?.code ?? JSON.stringify(data)}`);
      }
    };
    this.open[i] = this.sessions.open({ send }, i === 1);
  }

  do(operation: Operation): void {
    const { clock, sessions } = this;
    if ("send" in operation || "cancel" in operation) {
      const { connection } = this.open[operation.to]!;
      const id = "send" in operation ? operation.send : operation.cancel;
      const frame = "send" in operation ? encodeRequest(id, "a&&b&&c") : encodeCancel(id);
      this.open[operation.to]!.receive(frame, clock.now());
      sessions.flush();
      const found = this.find(connection, id);
      if ("send" in operation) this.expectSent(connection, id, found !== undefined);
      else if (found !== undefined) this.end(found, "cancelled", `${id} cancelled`);
    } else if ("release" in operation) {
      const held = [...sessions.held].filter(([, { forever }]) => !forever);
      for (const id of operation.release) {
        for (const [entry] of held) {
          if (!sessions.held.has(entry) || sessions.idOf(entry) !== JSON.stringify(id)) continue;
          const session = sessions.ownerOf(entry);
          const found = this.find(session.connection, id)!;
          session.release(entry, clock.now());
          this.answer(found);
        }
      }
      sessions.flush();
    } else if ("wait" in operation) {
      for (let i = 0; i < operation.wait; i++) {
        clock.advance(1);
        sessions.advance(clock.now());
        sessions.flush();
        for (const [i, due] of this.inFlight) if (due === clock.now()) this.answer(i);
      }
    } else if ("close" in operation) {
      const session = this.open[operation.close]!;
      sessions.close(session);
      for (const i of this.inFlight.keys()) {
        if (this.expected[i]!.connection === session.connection) this.end(i, "dropped");
      }
      this.openAt(operation.close);
    } else {
      sessions.dropAll();
      for (const i of this.inFlight.keys()) this.end(i, "dropped");
    }
    this.assertAgree();
  }

  find(connection: number, id: string): number | undefined {
    return [...this.inFlight.keys()].find((i) => {
      const entry = this.expected[i]!;
      return entry.connection === connection && entry.id === id;
    });
  }

  expectSent(connection: number, id: string, isDuplicate: boolean): void {
    if (this.isEnded(connection)) return;
    const [, wait] = KINDS[id.split(" ")[0]!]!;
    const i = this.expected.push({ connection, id, outcome: "in_flight", ended: null }) - 1;
    if (isDuplicate) this.end(i, "error:duplicate_request_id", `${id} duplicate_request_id`);
    else if (wait === 0) this.answer(i);
    else {
      this.inFlight.set(i, this.clock.now() + wait);
      if (id.startsWith("hold")) this.expected[i]!.outcome = "held";
    }
  }

  /** Whether a fault has ended the connection. */
  isEnded(connection: number): boolean {
    return this.expectedSent[connection - 1]!.at(-1) === "ended";
  }

  answer(i: number): void {
    const { connection, id } = this.expected[i]!;
    const kind = id.split(" ")[0]!;
    const [effect, , outcome] = KINDS[kind]!;
    const response = `${id} ${effect.answer ? "[1]" : '{"a":{"b":"c"}}'}`;
    const answers = outcome === "answered" ? [response] : [];
    if (kind === "soonDouble") answers.push(response);
    if (outcome.startsWith("error:")) answers.push(`${id} ${outcome.slice(6)}`);
    this.end(i, outcome, ...answers);
    if (!kind.endsWith("End")) return;
    for (const j of this.inFlight.keys()) {
      if (this.expected[j]!.connection === connection) this.end(j, "dropped");
    }
    this.expectedSent[connection - 1]!.push("ended");
  }

  end(i: number, outcome: string, ...answers: string[]): void {
    const entry = this.expected[i]!;
    this.inFlight.delete(i);
    this.expectedSent[entry.connection - 1]!.push(...answers);
    entry.outcome = outcome;
    entry.ended = this.clock.now() / 1000;
  }

  assertAgree(): void {
    const list = this.journal.list()
      .map(({ connection, id, outcome, ended }) => ({ connection, id, outcome, ended }));
    assertEquals(list, this.expected as unknown as typeof list);
    const expectedSent = this.expectedSent.map((sent) => sent.filter((text) => text !== "ended"));
    assertEquals(this.sent, expectedSent);
    assertStrictEquals(this.sessions.inFlight, this.inFlight.size);
    const held = [...this.inFlight.values()].filter((due) => due === Infinity);
    assertStrictEquals(this.sessions.held.size, held.length);
  }
}

const id = fc.tuple(fc.constantFrom(...Object.keys(KINDS)), fc.constantFrom("1", "2"))
  .map((parts) => parts.join(" "));
const to = fc.nat({ max: 2 });
const operation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ send: id, to }) },
  { weight: 2, arbitrary: fc.record({ cancel: id, to }) },
  { weight: 4, arbitrary: fc.record({ release: fc.array(id, { maxLength: 40 }) }) },
  { weight: 4, arbitrary: fc.record({ wait: fc.constantFrom(0, 1, 19, 30, 20_000) }) },
  { weight: 2, arbitrary: fc.record({ close: to }) },
  { weight: 1, arbitrary: fc.constant<Operation>({ dropAll: true }) },
);

Deno.test("whatever happens, each request ends once in the journal, and has its answers", () => {
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 80, size: "max" }), (operations) => {
      const twins = new Twins();
      for (const operation of operations) twins.do(operation);
      twins.do({ dropAll: true });
      const unended = twins.journal.list().filter(({ ended }) => ended === null);
      assertEquals(unended, []);
    }),
    { seed: 7, numRuns: 150 },
  );
});
