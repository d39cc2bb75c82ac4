/**
 * Broken packets among the lines that `send` is given: with `--strict` none of them is sent, without they are
 * sent as data, and all good ones are answered either way.
 *
 * @module
 */

import { formatCount as count } from "../../cli/figures.ts";
import { BROKEN_FRAMES } from "../support/broken_json.ts";
import { startTask } from "../support/program.ts";
import { startServerProcess } from "../support/server_process.ts";
import { endedBadly } from "./left_behind.ts";
import type { Outcome } from "./trial.ts";

/** Those that look like JSON, fit in a line, and are not packets for want of an id that can be made up. */
const BROKEN = BROKEN_FRAMES.map(({ text }) => text).filter((text) =>
  /^\s*[[{]/.test(text) && !text.includes("\n") && !/"data":"x"\}$/.test(text)
);

/** What `send` must do with them. */
const WAYS = [
  { flags: ["--strict"], code: 1, sendsBroken: false, verdict: "not sent" },
  { flags: [], code: 0, sendsBroken: true, verdict: "sent as plain data" },
];

/** Gives broken packets to `send`, each between two good ones, over and over. */
export async function brokenInput(rounds = 20): Promise<Outcome> {
  const lines = Array(rounds).fill(BROKEN).flat().flatMap((broken, i) => [`Hub&&id&&${i}`, broken]);
  const good = lines.length / 2;
  const failures: string[] = [];
  let lost = 0;
  for (const { flags, code, sendsBroken, verdict } of WAYS) {
    const fail = (what: string) => failures.push(`send ${flags.join(" ")}: ${what}`);
    await using server = await startServerProcess(["--delay", "0", "--quiet"]);
    await using send = await startTask("send", "--url", server.url, "--json", ...flags);
    await send.write(lines.join("\n") + "\n");
    await send.endInput();
    const result = await send.result();
    const answered = new Set(
      result.stdout.flatMap((line) => /"Hub":\{"id":"\d+"/.exec(line) ?? []),
    );
    lost += good - answered.size;
    if (result.code !== code) fail(`it ended with ${result.code}, expected ${code}`);
    const sent = sendsBroken ? lines.length : good;
    if (result.stdout.length !== sent) fail(`${result.stdout.length} answers, expected ${sent}`);
    const said = result.stderr.trimEnd().split("\n");
    const { counts } = JSON.parse(said.pop()!);
    if (counts.answered !== sent) fail(`the summary has ${counts.answered} answers`);
    const reported = said.filter((line) => line.includes(`is not a packet: `));
    if (reported.some((line) => !line.includes(verdict))) fail(`it said ${reported}`);
    const more = Number(/^not shown: (\S+)/.exec(said.at(-1)!)?.[1]?.replaceAll(",", ""));
    if (reported.length + more !== good) fail(`${reported.length} and ${more} were reported`);
    failures.push(...endedBadly(await server.stop()));
  }
  return {
    extent:
      `${count(BROKEN.length)} kinds of broken packets, ${rounds} times each, between lines ` +
      "of plain data, with --strict and without",
    requests: WAYS.length * good,
    lost,
    badInputs: WAYS.length * good,
    failures,
  };
}
