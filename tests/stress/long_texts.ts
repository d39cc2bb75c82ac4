/**
 * Texts that are too long for a string, in fragments: they end their connection, and nothing else.
 *
 * @module
 */

import { openRawSocket, writeLongText } from "../support/raw_tcp.ts";
import { startServerProcess } from "../support/server_process.ts";
import { besideBystander } from "./bystander.ts";
import { endedBadly, leftBehind } from "./left_behind.ts";
import type { Outcome } from "./trial.ts";

/** In mebibytes: V8 has no string of 512 or more. */
const LENGTH = 520;

const ROUNDS = 3;

/** What the server says of each. */
const SAID = [
  /^a fault of the server's own: .*failed to allocate string/,
  /^Closed a connection of 127\.0\.0\.1 with 1009/,
];

/** Sends a server texts that are too long. */
export async function longTexts(rounds = ROUNDS): Promise<Outcome> {
  await using server = await startServerProcess(["--delay", "0", "--quiet"]);
  const failures: string[] = [];
  const files = await server.files();
  const { requests, lost } = await besideBystander(server.url, async () => {
    for (let round = 0; round < rounds; round++) {
      using long = await openRawSocket(server.port);
      await writeLongText(long, LENGTH);
      const frame = new Uint8Array(125);
      const length = await long.read(frame);
      const code = frame[2]! << 8 | frame[3]!;
      if (length === null || frame[0] !== 0x88 || code !== 1009) {
        failures.push(`text ${round} was not answered by closing with 1009, but by ${code}`);
      }
    }
  });
  failures.push(...await leftBehind(server, files));
  const result = await server.stop();
  failures.push(...endedBadly(result));
  for (const pattern of SAID) {
    if (!result.stdout.some((line) => pattern.test(line))) {
      failures.push(`it never said ${pattern}`);
    }
  }
  return {
    extent: `${rounds} texts of ${LENGTH} MiB in fragments`,
    requests,
    lost,
    badInputs: rounds,
    failures,
  };
}
