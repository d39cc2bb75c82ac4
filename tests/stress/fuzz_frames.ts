/**
 * The fuzzer over WebSocket frames. Half of its clients keep to the rules in odd ways, and must be answered
 * in full; the others break the rules. Meanwhile a healthy connection must be answered, and at the end
 * nothing may be left of them.
 *
 * @module
 */

import { type BrowserSocket, openBrowserSocket } from "../support/browser_socket.ts";
import { startServerProcess, type Target } from "../support/program.ts";
import { type Finding, type FuzzOptions, type FuzzResult, MAX_FINDINGS } from "./fuzz_packets.ts";
import { RawClient, READS_AFTER_HALF_CLOSE } from "./raw_client.ts";
import { frame, type Script, scriptOf } from "./raw_frames.ts";
import { ask, leftBehind, Tally, type Transport } from "./trial.ts";

/** Clients at a time. */
const AT_ONCE = 16;

/** Rounds on one server. */
const PER_SERVER = 1000;

/** Starts a server to fuzz. */
export function startFuzzed(transport: Transport): Promise<Target> {
  return startServerProcess(["--delay", "0..0.02", "--quiet", "--websocket", transport]);
}

/** Fuzzes servers that `start` starts, one after the other. */
export async function fuzzFrames(
  { seed, duration, rounds = Infinity }: FuzzOptions,
  transport: Transport,
  start: () => Promise<Target> = () => startFuzzed(transport),
): Promise<FuzzResult> {
  const end = performance.now() + duration;
  const tally = new Tally();
  const findings: Finding[] = [];
  let round = 0;
  const goesOn = () => round < rounds && performance.now() < end && findings.length < MAX_FINDINGS;
  do {
    await using target = await start();
    await play(target.port, scriptOf(seed), transport); // opens the files that a server opens once
    const files = await target.files();
    const first = seed + round;
    {
      await using healthy = await openBrowserSocket(target.url);
      do {
        const length = Math.min(AT_ONCE, rounds - round);
        const seeds = Array.from({ length }, () => seed + round++);
        findings.push(...await playTogether(target, healthy, seeds, tally, transport));
        if (target.hasEnded) findings.push(...await blame(start, seeds, transport));
      } while (!target.hasEnded && goesOn() && seed + round < first + PER_SERVER);
    }
    for (const left of target.hasEnded ? [] : await leftBehind(target, files + 1)) {
      const what = `${left} after the rounds of the seeds ${first} to ${seed + round - 1}`;
      findings.push({ seed: first, what, input: null });
    }
  } while (goesOn());
  return { rounds: round, inputs: round, tally, findings };
}

async function playTogether(
  target: Target,
  healthy: BrowserSocket,
  seeds: readonly number[],
  tally: Tally,
  transport: Transport,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  const { lost } = tally;
  const asking = ask(healthy, tally);
  await Promise.all(seeds.map(async (seed) => {
    const script = scriptOf(seed);
    if (script.wanted === undefined) tally.badInputs++;
    else tally.requests += script.wanted.length;
    const what = await play(target.port, script, transport);
    if (what !== undefined && !target.hasEnded) findings.push({ seed, what, input: script });
  }));
  await asking;
  if (tally.lost > lost && !target.hasEnded) {
    const what = "a healthy connection was not answered";
    findings.push({ seed: seeds[0]!, what, input: seeds.map(scriptOf) });
  }
  return findings;
}

/** Finds the script that ended the server, each on a server of its own. */
async function blame(
  start: () => Promise<Target>,
  seeds: readonly number[],
  transport: Transport,
): Promise<Finding[]> {
  for (const seed of seeds) {
    await using target = await start();
    const input = scriptOf(seed);
    await play(target.port, input, transport);
    const isAlive = await target.health().then(() => true, () => false);
    if (!isAlive) return [{ seed, what: "the server's process ended", input }];
  }
  const what = `the server's process ended, by these ${seeds.length} together`;
  return [{ seed: seeds[0]!, what, input: seeds.map(scriptOf) }];
}

/**
 * Plays a script; returns what is wrong with the answers, if it expects any, or with the end of a
 * connection that breaks the rules of a strict server.
 */
export async function play(
  port: number,
  { handshake, pieces, leaving, wanted, code }: Script,
  transport: Transport,
): Promise<string | undefined> {
  const client = new RawClient(port);
  let failure = "";
  try {
    await client.write(handshake);
    if (handshake !== "") await client.upgraded;
    for (const piece of pieces) await client.write(piece);
    if (wanted === undefined) {
      const isDeaf = leaving === "reset" || leaving === "half-close" && !READS_AFTER_HALF_CLOSE;
      if (transport === "deno" || code === undefined || isDeaf) {
        return void await client.leave(leaving);
      }
      if (leaving === "half-close") await client.leave(leaving);
      await client.ended;
      const { closeCode } = client;
      return closeCode === code ? undefined : `expected close code ${code}, got ${closeCode}`;
    }
    await client.received(wanted.length);
    await client.write(frame(() => 0, 8, "\x03\xe8"));
    await client.ended;
  } catch (error) {
    failure = `${error instanceof Error ? error.message : error}; `;
  } finally {
    client.destroy();
  }
  if (wanted === undefined) return failure === "" || code === undefined ? undefined : failure;
  const [got, want] = [client.answers.toSorted(), wanted.toSorted()];
  for (let i = 0; i < Math.max(got.length, want.length); i++) {
    if (want[i] === got[i]) continue;
    return `${failure}expected ${want[i]?.slice(0, 200)}, got ${got[i]?.slice(0, 200)}`;
  }
  return failure === "" ? undefined : failure;
}
