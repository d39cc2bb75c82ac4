/**
 * Servers that take only short frames: requests that were made at once, and so share longer ones, are
 * answered once each, and only a request that is too large by itself fails.
 *
 * @module
 */

import { formatCount as count } from "../../cli/figures.ts";
import { Client } from "../../client.ts";
import { startProgram, taskArgs } from "../support/program.ts";
import { listening } from "../support/server_process.ts";
import { endedBadly } from "./left_behind.ts";
import type { Outcome } from "./trial.ts";

/** The longest frames that servers take, in bytes. */
const SIZES = [500, 1 << 10, 1 << 16, 1 << 18];

/** How many requests are made at once. */
const REQUESTS = 2000;

/** Sends requests to servers with small limits, in one thread and in several. */
export async function frameLimits(sizes: readonly number[] = SIZES): Promise<Outcome> {
  const sum = { requests: 0, lost: 0, badInputs: 0 };
  const failures: string[] = [];
  for (const task of ["serve", "serve:workers"]) {
    for (const size of sizes) {
      const result = await tryLimit(task, size);
      sum.requests += REQUESTS + 1;
      sum.lost += result.lost;
      sum.badInputs += result.refused;
      for (const what of result.failures) failures.push(`${task}, ${size} bytes: ${what}`);
    }
  }
  return {
    ...sum,
    extent: `${count(REQUESTS)} requests at once and one that is too large, to servers that take ` +
      `frames of ${sizes.map(count).join(", ")} bytes, in one thread and in several`,
    seen: `${count(sum.badInputs)} frames were refused, and their requests sent again`,
    failures,
  };
}

async function tryLimit(task: string, size: number) {
  const flags = ["--port", "0", "--quiet", "--delay", "0..0.2", "--max-packet-size", `${size}`];
  await using server = await listening(
    startProgram(Deno.execPath(), [...await taskArgs(task), ...flags]),
  );
  let unmatched = 0;
  const client = await Client.connect(server.url, { onUnmatched: () => unmatched++ });
  const requests = Array.from({ length: REQUESTS }, async (_, i) => {
    const { data } = await client.request(`Hub&&id&&${i}&&name&&${"é".repeat(i % 100)}`);
    if ((data["Hub"] as { id: string }).id !== `${i}`) throw new Error("the answer is another's");
  });
  const tooLarge = client.request("x".repeat(size)).then(() => "", ({ code }) => code);
  const outcomes = await Promise.allSettled(requests);
  const failures: string[] = [];
  const code = await tooLarge;
  if (code !== "packet_too_large") failures.push(`what is too large ended with ${code}`);
  if (unmatched > 0) failures.push(`${unmatched} answers to no request`);
  const { retried: refused } = client.repairs;
  await client.close();
  failures.push(...endedBadly(await server.stop()));
  const lost = outcomes.filter(({ status }) => status === "rejected").length;
  return { lost, refused, failures };
}
