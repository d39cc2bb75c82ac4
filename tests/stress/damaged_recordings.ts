/**
 * Recordings whose times are damaged: `send --replay` names the line, and ends in time with the answers
 * to what comes before it.
 *
 * @module
 */

import { startTask } from "../support/program.ts";
import { startServerProcess } from "../support/server_process.ts";
import type { Outcome } from "./trial.ts";

const BAD_TIMES = ["1e300", "1e999", "31622401", "-1e-9", "-1e300", "0.0999999"];

/** How many requests come before the damage. */
const BEFORE = 20;

/** Replays recordings that are damaged at their end. */
export async function damagedRecordings(): Promise<Outcome> {
  await using server = await startServerProcess(["--quiet", "--delay", "0.1"]);
  const failures: string[] = [];
  let lost = 0;
  for (const time of BAD_TIMES) {
    const lines = Array.from({ length: BEFORE }, (_, i) => lineOf("0.1", i));
    lines.push(lineOf(time, BEFORE), lineOf("0.2", BEFORE + 1), "");
    await using send = await startTask("send", "--quiet", "--url", server.url, "--replay", "-");
    await send.write(lines.join("\n"));
    await send.endInput();
    const { code, stderr, stdout } = await send.result();
    lost += BEFORE - stdout.filter((line) => line.includes('"data":{')).length;
    const said = `stdin, line ${BEFORE + 1}: expected a time from 0.1`;
    if (code !== 2 || !stderr.includes(`${said}, `)) {
      failures.push(`the time ${time}: exit code ${code}, ${stderr}`);
    }
  }
  return {
    extent: `${BAD_TIMES.length} times behind ${BEFORE} requests: ${BAD_TIMES.join(", ")}`,
    requests: BAD_TIMES.length * BEFORE,
    lost,
    badInputs: BAD_TIMES.length,
    failures,
  };
}

function lineOf(time: string, id: number): string {
  const frame = JSON.stringify(`{"request_id":${id},"data":""}`);
  return `{"time":${time},"connection":1,"event":"in","frame":${frame}}`;
}
