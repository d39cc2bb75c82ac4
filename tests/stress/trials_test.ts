import { assert, assertEquals } from "@std/assert";
import { accounting } from "./accounting.ts";
import { brokenInput } from "./broken_input.ts";
import { fullDisk, oddLines, oddTerminals } from "./command_line.ts";
import { descriptors } from "./descriptors.ts";
import { draining } from "./draining.ts";
import { escapedNames } from "./escaped_names.ts";
import { frameLimits } from "./frame_limits.ts";
import { measureFlood } from "./flood.ts";
import { lateServers } from "./late_servers.ts";
import { limits } from "./limits.ts";
import { longTexts } from "./long_texts.ts";
import { slowReaders } from "./slow_readers.ts";
import { strangers } from "./unauthorized.ts";
import { throws } from "./throws.ts";
import type { Outcome } from "./trial.ts";
import { vanishing } from "./vanishing.ts";

/** The trials in little, those aside that have tests of their own. */
const TRIALS: Record<string, () => Promise<Outcome>> = {
  "slow readers": () => slowReaders(0),
  "names with escapes": () => escapedNames(7, 50),
  "texts that are too long": () => longTexts(1),
  "running out of file descriptors": () => descriptors(1),
  "a full disk": () => fullDisk(10),
  "odd lines": () => oddLines(100, 65),
  "odd terminals": () => oddTerminals(10),
  "clients that vanish": () => vanishing(1, 0),
  "draining under load": () => draining(1),
  "strangers": () => strangers(),
  "throwing": () => throws(7, 5000),
  "requests that it leaves unanswered": () => accounting(100),
  "clients that wait for it": () => lateServers(7, 1),
  "broken packets among the input of send": () => brokenInput(1),
  "requests in frames that are too long for it": () => frameLimits([500, 1 << 16]),
  "its limits": () =>
    limits({
      maxPacketSize: 100_000,
      maxInFlight: 2500,
      maxInFlightTotal: 6000,
      maxConsecutiveErrors: 20,
      maxConnectionsPerAddress: 20,
    }),
};

for (const [what, run] of Object.entries(TRIALS)) {
  // Much of what they look at only Linux shows.
  Deno.test(`serve, as a process, comes through ${what}`, {
    ignore: Deno.build.os !== "linux",
  }, async () => {
    const { lost, failures } = await run();
    assertEquals([lost, failures], [0, []]);
  });
}

Deno.test("serve, as a process, answers others while a client floods it", async () => {
  const { sent, answered, p95, flooded } = await measureFlood(2000, 10);
  assertEquals(answered, sent);
  // Without turns, nothing was answered before the flood was over. This is for machines under load;
  // the trial says how late it is on others.
  assert(p95 < 5000 && flooded > 10_000, `${p95} ms beside ${flooded} packets`);
});
