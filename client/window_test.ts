import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertLessOrEqual,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import { fc } from "../tests/support/npm_packages.ts";
import { AbortError, ClientError } from "./errors.ts";
import { AnswerFrame, Reply } from "./reply.ts";
import { type Outcome, settleAll, type WindowOptions } from "./window.ts";

/** Replaces a client: keeps each request until the test settles it. */
class Sender {
  readonly inputs: number[] = [];
  readonly #settle = new Map<number, PromiseWithResolvers<Reply>>();

  send = (input: number, signal: AbortSignal): Promise<Reply> => {
    const settling = Promise.withResolvers<Reply>();
    this.inputs.push(input);
    this.#settle.set(input, settling);
    signal.addEventListener("abort", () => settling.reject(new AbortError(signal.reason)));
    return settling.promise;
  };

  get unsettled(): number[] {
    return [...this.#settle.keys()];
  }

  reply(input: number): void {
    this.#take(input).resolve(replyTo(input));
  }

  refuse(input: number, error: unknown): void {
    this.#take(input).reject(error);
  }

  #take(input: number): PromiseWithResolvers<Reply> {
    const settling = this.#settle.get(input)!;
    this.#settle.delete(input);
    return settling;
  }
}

function replyTo(input: number): Reply {
  return new Reply({ request_id: input, data: {} }, 1, new AnswerFrame(""), 0);
}

const DEFAULTS: WindowOptions = { window: 3, ordered: false, signal: undefined };

/** Lets pending tasks run. */
async function settled(): Promise<void> {
  for (let i = 0; i < 50; i++) await Promise.resolve();
}

function count(to: number): number[] {
  return Array.from({ length: to }, (_, i) => i);
}

/** Counts to `to`, and notes how far it was read and whether it was ended. */
function source(to: number, isAsync: boolean) {
  const notes = { given: 0, ended: 0 };
  function* numbers() {
    try {
      while (notes.given < to) yield notes.given++;
    } finally {
      notes.ended++;
    }
  }
  async function* asyncNumbers() {
    yield* numbers();
  }
  return { notes, numbers: isAsync ? asyncNumbers() : numbers() };
}

const indexOf = ({ index }: Outcome) => index;

for (const isAsync of [false, true]) {
  const kind = isAsync ? "an asynchronous source" : "a source";

  Deno.test(`settleAll() yields the outcomes of ${kind} as they arrive`, async () => {
    const sender = new Sender();
    const { numbers, notes } = source(5, isAsync);
    const outcomes = settleAll(numbers, sender.send, DEFAULTS);
    const next = () => outcomes.next().then(({ value }) => value && indexOf(value));
    const first = next();
    await settled();
    assertEquals(sender.inputs, [0, 1, 2]);
    sender.reply(1);
    assertStrictEquals(await first, 1);
    const second = next();
    await settled();
    assertEquals(sender.inputs, [0, 1, 2, 3]);
    sender.reply(3);
    sender.reply(0);
    assertStrictEquals(await second, 3);
    assertStrictEquals(await next(), 0);
    const last = next();
    await settled();
    assertEquals(sender.inputs, [0, 1, 2, 3, 4]);
    sender.reply(4);
    sender.reply(2);
    assertStrictEquals(await last, 4);
    assertStrictEquals(await next(), 2);
    assertStrictEquals(await next(), undefined);
    assertStrictEquals(notes.ended, 1);
  });

  Deno.test(`settleAll() yields the outcomes of ${kind} in order if ordered is true`, async () => {
    const sender = new Sender();
    const outcomes = settleAll(source(4, isAsync).numbers, sender.send, {
      ...DEFAULTS,
      ordered: true,
    });
    const all = Array.fromAsync(outcomes);
    await settled();
    sender.reply(2);
    sender.reply(1);
    await settled();
    // Outcomes that were not taken fill the window.
    assertEquals(sender.inputs, [0, 1, 2]);
    sender.reply(0);
    await settled();
    sender.reply(3);
    assertEquals((await all).map(indexOf), [0, 1, 2, 3]);
    assertEquals((await all).map(({ reply }) => reply?.requestId), [0, 1, 2, 3]);
  });

  Deno.test(`settleAll() reads ${kind} at most a window ahead`, async () => {
    const { numbers, notes } = source(Infinity, isAsync);
    const sender = new Sender();
    const outcomes = settleAll(numbers, sender.send, { ...DEFAULTS, window: 7 });
    assertStrictEquals(notes.given, 0);
    void outcomes.next();
    await settled();
    assertStrictEquals(notes.given, 7);
    for (const input of sender.unsettled) sender.reply(input);
    await settled();
    // One outcome was taken, but the next was not requested.
    assertStrictEquals(notes.given, 7);
    await outcomes.return();
    assertStrictEquals(notes.ended, 1);
  });

  Deno.test(`settleAll() ends ${kind} and cancels requests when the loop is left`, async () => {
    const { numbers, notes } = source(Infinity, isAsync);
    const sender = new Sender();
    const reasons: unknown[] = [];
    const send = (input: number, signal: AbortSignal) => {
      signal.addEventListener("abort", () => reasons.push(signal.reason));
      return sender.send(input, signal);
    };
    const left = (async () => {
      for await (const { index } of settleAll(numbers, send, DEFAULTS)) return index;
      return undefined;
    })();
    await settled();
    sender.reply(2);
    assertStrictEquals(await left, 2);
    assertStrictEquals(notes.ended, 1);
    assertStrictEquals(reasons.length, 3);
    assertInstanceOf(reasons[0], AbortError);
    await settled();
  });

  Deno.test(`settleAll() throws the error of ${kind} and cancels requests`, async () => {
    const sender = new Sender();
    const error = new Error("the source broke");
    const { numbers } = source(2, isAsync);
    async function* broken() {
      yield* numbers;
      throw error;
    }
    function* brokenAtOnce() {
      yield* numbers as Iterable<number>;
      throw error;
    }
    let aborted = 0;
    const send = (input: number, signal: AbortSignal) => {
      signal.addEventListener("abort", () => aborted++);
      return sender.send(input, signal);
    };
    const all = Array.fromAsync(settleAll(isAsync ? broken() : brokenAtOnce(), send, DEFAULTS));
    assertStrictEquals(await assertRejects(() => all), error);
    assertStrictEquals(aborted, 2);
  });
}

Deno.test("settleAll() ends at once with an empty source", async () => {
  for (const isAsync of [false, true]) {
    const sender = new Sender();
    const all = await Array.fromAsync(settleAll(source(0, isAsync).numbers, sender.send, DEFAULTS));
    assertEquals(all, []);
  }
});

Deno.test("settleAll() yields the client's errors as outcomes", async () => {
  const sender = new Sender();
  const outcomes = settleAll(count(3), sender.send, { ...DEFAULTS, ordered: true });
  const all = Array.fromAsync(outcomes);
  await settled();
  const error = new ClientError("overloaded", "no room");
  sender.refuse(1, error);
  sender.reply(0);
  sender.reply(2);
  const [first, second, third] = await all;
  assertStrictEquals(first!.error, undefined);
  assertStrictEquals(second!.error, error);
  assertStrictEquals(second!.reply, undefined);
  assertStrictEquals(third!.reply!.requestId, 2);
});

Deno.test("settleAll() throws other errors", async () => {
  const sender = new Sender();
  const error = new TypeError("a mistake");
  const all = Array.fromAsync(settleAll(count(3), sender.send, DEFAULTS));
  await settled();
  sender.refuse(1, error);
  assertStrictEquals(await assertRejects(() => all), error);
});

Deno.test("settleAll() cancels requests in flight on abort, and sends no more", async () => {
  for (const isAsync of [false, true]) {
    const sender = new Sender();
    const abort = new AbortController();
    const { numbers, notes } = source(Infinity, isAsync);
    const outcomes = settleAll(numbers, sender.send, { ...DEFAULTS, signal: abort.signal });
    const all = Array.fromAsync(outcomes);
    await settled();
    sender.reply(1);
    await settled();
    const reason = new Error("enough");
    abort.abort(reason);
    const given = await all;
    assertEquals(given.map(indexOf), [1, 0, 2, 3]);
    for (const { error } of given.slice(1)) {
      assertInstanceOf(error, AbortError);
      assertStrictEquals(error.cause, reason);
    }
    assertLessOrEqual(sender.inputs.length, 4);
    assertStrictEquals(notes.ended, 1);
  }
});

Deno.test("settleAll() sends nothing if the signal is aborted", async () => {
  const sender = new Sender();
  const options = { ...DEFAULTS, signal: AbortSignal.abort(new Error("enough")) };
  for (const isAsync of [false, true]) {
    const { numbers } = source(5, isAsync);
    assertEquals(await Array.fromAsync(settleAll(numbers, sender.send, options)), []);
  }
  assertEquals(sender.inputs, []);
});

Deno.test("settleAll() does not wait for a busy source", async () => {
  const sender = new Sender();
  const never = Promise.withResolvers<void>();
  async function* slow() {
    yield 0;
    await never.promise;
    yield 1;
  }
  const abort = new AbortController();
  const outcomes = settleAll(slow(), sender.send, { ...DEFAULTS, signal: abort.signal });
  const first = outcomes.next();
  await settled();
  sender.reply(0);
  assertStrictEquals((await first).value?.index, 0);
  const second = outcomes.next();
  await settled();
  abort.abort();
  assert((await second).done);

  const left = settleAll(slow(), sender.send, DEFAULTS);
  const one = left.next();
  await settled();
  sender.reply(0);
  await one;
  await left.return();
  never.resolve();
  await settled();
  assertEquals(sender.inputs, [0, 0]);
});

Deno.test("settleAll() yields every outcome once if requests settle in random order", async () => {
  const order = fc.array(fc.nat(), { minLength: 1, maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(
      order,
      fc.integer({ min: 1, max: 20 }),
      fc.boolean(),
      fc.boolean(),
      async (order, window, ordered, isAsync) => {
        const sender = new Sender();
        const { numbers } = source(order.length, isAsync);
        const options = { window, ordered, signal: undefined };
        const all = Array.fromAsync(settleAll(numbers, sender.send, options));
        for (const choice of order) {
          await settled();
          const { unsettled } = sender;
          assertLessOrEqual(unsettled.length, window);
          const input = unsettled[choice % unsettled.length]!;
          if (choice % 5 === 0) sender.refuse(input, new ClientError("timed_out", ""));
          else sender.reply(input);
        }
        const indexes = (await all).map(indexOf);
        if (!ordered) indexes.sort((a, b) => a - b);
        assertEquals(indexes, count(order.length));
        for (const { index, reply } of await all) {
          if (reply !== undefined) assertStrictEquals(reply.requestId, index);
        }
      },
    ),
    { numRuns: 150 },
  );
});
