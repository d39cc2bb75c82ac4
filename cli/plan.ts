/**
 * `asyncpkt plan`: what requests would meet, without a server.
 *
 * @module
 */

import type { RequestId } from "../protocol.ts";
import { packetWire } from "../protocol/packet_wire.ts";
import { parseJson } from "../protocol/parse_json.ts";
import { DEFAULT_DELAY, type Delay, delayPolicy, parseDelay } from "../session/delays.ts";
import { faultPolicy } from "../session/fault_policy.ts";
import { ENDING_FAULTS } from "../session/faults.ts";
import { type Plan, Planner } from "../session/plan.ts";
import { Rules } from "../session/rules.ts";
import type { Rule } from "../session/rules_schema.ts";
import { Exit, messageOf, stopSignal, type Streams, UsageError } from "./command.ts";
import * as flag from "./flags.ts";
import { type InputLine, readLines } from "./input.ts";
import { requirePermissions, toRead } from "./permissions.ts";
import { PLANNING_FLAGS, readRules, reasonOf } from "./planning.ts";

/** The most requests whose lines are aligned, so that memory is bounded. */
const MAX_ROWS = 1000;

/** The flags of `asyncpkt plan`. */
export const flags = {
  ...PLANNING_FLAGS,
  connection: flag.integer("the number of the connection, for rules [1]", 1, 1),
  json: flag.toggle("writes each plan as one JSON object"),
};

/** Returns the text of `asyncpkt plan --help`. */
export const help = () =>
  `Shows what requests would meet: delays, faults and rules, without a server.

Usage: asyncpkt plan [flags] [ID…]

Each ID is the id of a request, or a whole packet as JSON, whose data rules can match. Without ID,
they are read from stdin, one per line. A server with the same flags does the same if it receives
these requests in this order on one connection. An id that comes again counts as sent again after
its answer.

${flag.flagHelp(flags)}

Without --seed, chance decides, unless rules or a --delay of one value leave nothing to it. The ids
that send and Client choose are 1, 2, 3 and so on. Number N of a rule is its place in FILE, from 1.

Exit codes: 0 all planned, 1 some lines are no requests, or the output could not be written, 2 wrong
usage, 130 interrupted.

Examples:
  asyncpkt plan --seed 7 --fault drop=0.1 a b c
  asyncpkt plan --rules rules.json --delay 0 '{"request_id":"a","data":"Hub&&id&&1"}'
  seq 1000 | asyncpkt plan --seed 7 --json
`;

type Flags = flag.FlagValues<typeof flags>;

/** What a request meets. Times are in seconds after its arrival. */
interface PlannedRequest {
  readonly id: RequestId;
  /** Null if it is held or never answered. */
  readonly delay: number | null;
  /** Longer than the delay if it is late. */
  readonly due: number | null;
  readonly held: boolean;
  readonly rule: number | null;
  readonly fault: string | null;
  /** The rate of the fault `drip`, in bytes per second. */
  readonly rate?: number;
  readonly error: { readonly code: string; readonly message: string } | null;
  /** In place of the representation. */
  readonly answer?: unknown;
}

/** Plans each request. */
export async function run(args: string[], streams: Streams): Promise<number> {
  const { stdin, stdout, stderr, signal } = streams;
  const given = flag.readFlags(flags, args, "words");
  if (given._.length === 0 && stdin.isTerminal()) {
    stderr.write(help());
    return Exit.usage;
  }
  await requirePermissions("plan", args, toRead(given.rules));
  const plan = requestPlanner(
    given,
    given.rules === undefined ? [] : await readRules(given.rules),
  );
  const stop = stopSignal(streams);
  const [what, inputs] = given._.length > 0
    ? ["argument", given._.map((text, i): InputLine => ({ number: i + 1, text }))] as const
    : ["line", readLines(stdin.readable, stop)] as const;
  let rows: PlannedRequest[] = [];
  const writeRows = () => {
    for (const line of table(rows)) stdout.writeEscaped(line);
    rows = [];
  };
  let exit: number = Exit.ok;
  for await (const { number, text, problem } of inputs) {
    try {
      if (problem !== undefined) throw new RangeError(problem);
      const request = plan(text);
      if (given.json) stdout.writeEscaped(JSON.stringify(request));
      else if (rows.push(request) === MAX_ROWS) writeRows();
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      exit = Exit.failed;
      stderr.writeEscaped(`${what} ${number}: ${messageOf(error)}`);
    }
    if (stdout.isBehind) await stdout.flush();
    if (stderr.isBehind) await stderr.flush();
    if (stop.aborted) break;
  }
  writeRows();
  return signal.aborted ? Exit.interrupted : exit;
}

/**
 * Returns a function that plans the request of an argument or a line. It throws a RangeError if
 * there is none, and a UsageError if chance would decide.
 */
function requestPlanner(given: Flags, rules: readonly Rule[]): (text: string) => PlannedRequest {
  const { connection } = given;
  const { reader } = packetWire();
  const planner = plannerOf(given, rules);
  let nth = 0;
  return (text) => {
    const packet = /^\s*\{/.test(text) ? parsePacket(text) : { request_id: text };
    reader.read(JSON.stringify({ data: "", ...packet }), nth + 1);
    const error = reader.error(0);
    if (error !== undefined) throw new RangeError(error.message);
    if (reader.isCancel(0)) {
      throw new RangeError("expected a request, got one that cancels another");
    }
    const id = reader.idText(0);
    const data = reader.dataText(0);
    const arrival = { connection, nth: ++nth, id, data, value: reader.value(0, data) };
    const plan = planner.plan(reader.bytes, reader.idAt(0), reader.idEnd(0), arrival);
    const { fault, isSparedLater } = plan.replacement ?? {};
    if (isSparedLater && ENDING_FAULTS.has(fault?.kind)) planner.spareOnce(id);
    return describe(parseJson(id) as RequestId, plan);
  };
}

function parsePacket(text: string): object {
  try {
    return parseJson(text) as object;
  } catch (error) {
    throw new RangeError(`expected an id, or a packet as JSON: ${reasonOf(error as SyntaxError)}`);
  }
}

/** Returns a planner, which throws a UsageError where chance would decide. */
function plannerOf({ seed, delay = DEFAULT_DELAY, fault }: Flags, rules: readonly Rule[]): Planner {
  const delays = delayPolicy(delay, seed);
  const faults = fault && faultPolicy(fault, seed);
  const planned = new Rules(rules, seed);
  if (seed !== undefined) return new Planner(delays, faults, planned);
  const fail = (what: string) => () => {
    throw new UsageError(`expected --seed N, got none; without it, ${what}`);
  };
  const ofRules = rules.flatMap((rule) => [rule, ...rule.then ?? []]).map(({ delay }) => delay);
  const range = ofRules.find((delay) =>
    typeof delay === "string" && delay !== "never" && !isFixed(parseDelay(delay))
  );
  if (range !== undefined) fail(`the delay ${JSON.stringify(range)} of a rule is random`)();
  const delayOf = fail("delays are random, unless rules or a --delay of one value fix them");
  return new Planner(
    isFixed(delay) ? delays : { ...delays, delayOf },
    faults && { ...faults, faultFor: fail("it is random which requests meet a fault") },
    planned,
  );
}

function isFixed(delay: Delay): boolean {
  return typeof delay === "number" || ("min" in delay && delay.min === delay.max);
}

function describe(id: RequestId, plan: Readonly<Plan>): PlannedRequest {
  const { delay, wait, isHeld: held, replacement: { fault, error, answer } = {}, rule } = plan;
  const isTimed = wait < Infinity;
  return {
    id,
    delay: isTimed ? delay / 1000 : null,
    due: isTimed ? wait / 1000 : null,
    held,
    rule: rule ?? null,
    fault: fault?.kind ?? null,
    ...fault?.kind === "drip" ? { rate: fault.parameter! } : {},
    error: error ?? null,
    ...answer === undefined ? {} : { answer: parseJson(answer) },
  };
}

/** Returns a line for each request, in columns. */
function table(requests: readonly PlannedRequest[]): string[] {
  const times = requests.map(({ delay, held }) =>
    held ? "held" : delay === null ? "never" : `${delay.toFixed(3)} s`
  );
  const idWidth = Math.max(...requests.map(({ id }) => `${id}`.length));
  const timeWidth = Math.max(...times.map(({ length }) => length));
  return requests.map((request, i) => {
    const columns = [`${request.id}`.padEnd(idWidth), times[i]!.padStart(timeWidth)];
    return [...columns, effectsOf(request)].join("  ").trimEnd();
  });
}

/** Returns what else happens to a request, for people. */
function effectsOf({ delay, due, rule, fault, rate, error, ...request }: PlannedRequest): string {
  const late = fault === "late" && due !== null
    ? ` by ${Math.round(1000 * (due - delay!)) / 1000} s`
    : "";
  const effects = [
    fault && `${fault}${late}${rate === undefined ? "" : ` at ${rate} bytes/s`}`,
    error && `error ${error.code}`,
    "answer" in request && `answer ${JSON.stringify(request.answer)}`,
    rule && `rule ${rule}`,
  ];
  return effects.filter(Boolean).join(", ");
}
