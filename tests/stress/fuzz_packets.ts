/**
 * The fuzzer over packets: the program's core and the plain implementation must answer random, broken and
 * nearly valid frames alike, to the letter. fast-check makes the frames, and shrinks those that differ.
 *
 * @module
 */

import { encodeRequest } from "../../protocol.ts";
import { delayPolicy } from "../../session/delays.ts";
import { Sessions } from "../../session/sessions.ts";
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
import { Tally } from "./trial.ts";

/** Options for a fuzzer. Round i of seed N is the first round of seed N + i. */
export interface FuzzOptions {
  readonly seed: number;
  /** How long to go on, in milliseconds; there is at least one round. */
  readonly duration: number;
  /** Most rounds. @default {Infinity} */
  readonly rounds?: number;
}

/** A difference or a fault. */
export interface Finding {
  /** Its first round repeats the finding. */
  readonly seed: number;
  readonly what: string;
  /** What was sent, as JSON. */
  readonly input: unknown;
}

/** Result of a fuzzer. */
export interface FuzzResult {
  readonly rounds: number;
  /** Packets or connections. */
  readonly inputs: number;
  readonly tally: Tally;
  readonly findings: readonly Finding[];
}

/** After so many findings, more of them tell nothing new. */
export const MAX_FINDINGS = 3;

/** An implementation under test: returns the answers to a frame, errors first. */
export type Implementation = (frame: string) => string[];

/** An error. */
const REFUSAL = /^\{"request_id":.*,"error":\{"code":"\w+"\}\}$/s;

/** Frames in a round. */
const FRAMES = 200;

/** Frames of all sizes, since large ones are read in other ways than small ones. */
const anyFrame: fc.Arbitrary<string> = fc.oneof(
  { weight: 10, arbitrary: frameText },
  { weight: 10, arbitrary: faultyFrameText },
  { weight: 2, arbitrary: fc.oneof(anyText, tellingText, fc.json()) },
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

/** Fuzzes an implementation; each round makes a new one. */
export function fuzzPackets(
  { seed, duration, rounds = Infinity }: FuzzOptions,
  make: () => Implementation = coreOf,
): FuzzResult {
  const end = performance.now() + duration;
  const findings: Finding[] = [];
  const tally = new Tally();
  let inputs = 0;
  let round = 0;
  do {
    const implementation = make();
    const property = fc.property(anyFrame, (frame) => {
      const wanted = plainReplies(frame);
      inputs++;
      if (wanted.some((reply) => REFUSAL.test(reply))) tally.badInputs++;
      tally.requests += wanted.length;
      compare(wanted, implementation(frame).map(withoutMessage));
    });
    const roundSeed = seed + round++;
    const parameters = { seed: randomIntegers(roundSeed)(2 ** 31), numRuns: FRAMES };
    const { failed, counterexample, errorInstance } = fc.check(property, parameters);
    if (!failed) continue;
    const what = (errorInstance as Error).message;
    findings.push({ seed: roundSeed, what, input: counterexample![0] });
  } while (round < rounds && performance.now() < end && findings.length < MAX_FINDINGS);
  return { rounds: round, inputs, tally, findings };
}

/** Throws an Error that names the first difference. */
export function compare(wanted: readonly string[], answers: readonly string[]): void {
  const brief = (text = "none") =>
    text.length > 200 ? `${text.slice(0, 200)}… (${text.length} units)` : text;
  for (let i = 0; i < Math.max(wanted.length, answers.length); i++) {
    if (wanted[i] === answers[i]) continue;
    throw new Error(`answer ${i}: expected ${brief(wanted[i])}, got ${brief(answers[i])}`);
  }
}

/** Returns the core of the server, without the network. Each frame is the first of a session. */
function coreOf(): Implementation {
  const sessions = new Sessions({
    delays: delayPolicy({ min: 0.001, max: 0.001 }),
    limits: { maxPacketSize: Number.MAX_SAFE_INTEGER }, // the plain implementation has no limit
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
