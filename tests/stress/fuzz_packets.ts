/**
 * The fuzzer over packets: random frames, valid ones, broken ones and nearly valid ones, go to the program's
 * core and to its plain twin, and what the two say must be the same to the letter. fast-check makes the
 * frames, and shrinks those on which they differ.
 *
 * @module
 */

import { Sessions } from "../../session/sessions.ts";
import { uniformDelay } from "../../session/delays.ts";
import { encodeRequest } from "../../protocol.ts";
import {
  anyData,
  anyText,
  faultyFrameText,
  frameText,
  packetText,
  shapelyData,
  tellingText,
} from "../support/arbitraries.ts";
import { fc } from "../support/npm_packages.ts";
import { plainReplies, withoutMessage } from "../support/plain.ts";
import { randomIntegers } from "../support/random.ts";
import { ENOUGH, type Finding, type FuzzOptions, type FuzzResult } from "./fuzzing.ts";

/** What is fuzzed: makes of a frame the answers to it, errors first. */
export type Implementation = (frame: string) => string[];

/** A reply that refuses. */
const REFUSAL = /^\{"request_id":.*,"error":\{"code":"\w+"\}\}$/s;

/** How many frames a round tries on one server. */
const FRAMES = 200;

/** The frames: of all sizes, as what is quick for the small may go wrong with the large. */
const anyFrame: fc.Arbitrary<string> = fc.oneof(
  { weight: 10, arbitrary: frameText },
  { weight: 10, arbitrary: faultyFrameText },
  { weight: 2, arbitrary: fc.oneof(anyText, tellingText, fc.json()) },
  // Past the length at which a frame is read in another way.
  {
    weight: 1,
    arbitrary: fc.tuple(anyData, fc.constantFrom("x", "é", "a&&b&&c%%", '"'), fc.nat(30_000)).map((
      [data, unit, length],
    ) => encodeRequest(1, data + unit.repeat(Math.ceil(length / unit.length)) + data)),
  },
  // So many names that they are found by a hash.
  {
    weight: 1,
    arbitrary: fc.array(shapelyData, { minLength: 10, maxLength: 60, size: "max" }).map((datas) =>
      encodeRequest("many", datas.join("%%"))
    ),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.array(packetText, { minLength: 1, maxLength: 5 }), fc.nat(1002)).map((
      [texts, count],
    ) => `[${Array.from({ length: count }, (_, i) => texts[i % texts.length])}]`),
  },
);

/** Fuzzes an implementation; each round has a new one. */
export function fuzzPackets(
  { seed, duration, rounds = Infinity }: FuzzOptions,
  make: () => Implementation = coreOf,
): FuzzResult {
  const end = performance.now() + duration;
  const findings: Finding[] = [];
  const counts = { inputs: 0, badInputs: 0, requests: 0 };
  let round = 0;
  do {
    const finding = tryRound(seed + round++, make(), counts);
    if (finding !== undefined) findings.push(finding);
  } while (round < rounds && performance.now() < end && findings.length < ENOUGH);
  return { rounds: round, ...counts, findings };
}

function tryRound(
  seed: number,
  implementation: Implementation,
  counts: { inputs: number; badInputs: number; requests: number },
): Finding | undefined {
  const property = fc.property(anyFrame, (frame) => {
    const wanted = plainReplies(frame);
    counts.inputs++;
    if (wanted.some((reply) => REFUSAL.test(reply))) counts.badInputs++;
    counts.requests += wanted.length;
    const difference = differenceOn(frame, wanted, implementation);
    if (difference !== undefined) throw new Error(difference);
  });
  const parameters = { seed: randomIntegers(seed)(2 ** 31), numRuns: FRAMES };
  const { failed, counterexample, errorInstance } = fc.check(property, parameters);
  if (!failed) return undefined;
  return { seed, what: (errorInstance as Error).message, input: counterexample![0] };
}

/** What is wrong with the answers to a frame. */
function differenceOn(
  frame: string,
  wanted: readonly string[],
  implementation: Implementation,
): string | undefined {
  let answers: string[];
  try {
    answers = implementation(frame).map(withoutMessage);
  } catch (error) {
    return `thrown: ${error instanceof Error ? error.message : error}`;
  }
  const i = wanted.findIndex((text, i) => text !== answers[i]);
  if (i >= 0) return `answer ${i}: want ${brief(wanted[i])}, got ${brief(answers[i])}`;
  if (answers.length > wanted.length) {
    return `one answer too many: ${brief(answers[wanted.length])}`;
  }
}

function brief(text = "none"): string {
  return text.length > 200 ? `${text.slice(0, 200)}… (${text.length} units)` : text;
}

/** The core of the server: all of it but the network. Every frame is a session's first. */
function coreOf(): Implementation {
  const sessions = new Sessions({
    delays: uniformDelay({ min: 0.001, max: 0.001 }),
    limits: { maxPacketSize: Number.MAX_SAFE_INTEGER }, // the plain twin has none
  });
  let now = 0;
  return (frame) => {
    const answers: string[] = [];
    const session = sessions.open({ send: (answer) => answers.push(answer) });
    session.receive(frame, now);
    sessions.advance(now += 1);
    const left = session.inFlight;
    sessions.close(session);
    if (left > 0) throw new Error(`${left} requests left in flight`);
    return answers;
  };
}
