/**
 * Records `asyncpkt send --chart` on a terminal, and draws docs/demo.svg from it.
 *
 * Usage: deno task picture
 *
 * @module
 */

import { serve } from "../../server.ts";
import { startOnTerminal } from "../../tests/support/on_terminal.ts";
import { taskArgs } from "../../tests/support/program.ts";
import { framesOf, type Output, terminalSvg } from "./terminal_svg.ts";

const TARGET = new URL("../../docs/demo.svg", import.meta.url);
const SIZE = { columns: 80, rows: 26 };
const PROMPT = "$ ";
const COMMAND = "asyncpkt send --chart < packets.txt";

/** With this seed, the answers come in an order that is far from that of the requests. */
const SEED = 42;

/** Times in milliseconds. */
const TYPING = { begin: 400, key: 35 };
const INTERVAL = 200;
const REST = 3500;

const PACKETS = [
  "Hub&&name&&hall&&id&&1",
  "Lamp&&name&&desk&&state&&on",
  "Door&&name&&front&&state&&shut",
  "Lamp&&name&&stairs&&state&&off",
  "Meter&&name&&power&&watts&&230",
  "Door&&name&&garage&&state&&open",
  "Hub&&name&&attic&&id&&2",
  "Fan&&name&&bath&&speed&&3",
  "Meter&&name&&water&&liters&&12",
];

/** Returns the output of the command, and of the shell that it is typed into. */
async function record(): Promise<Output[]> {
  await using server = serve({ port: 0, seed: SEED });
  const packets = PACKETS.map((data, i) => JSON.stringify({ request_id: `0${i + 1}`, data }));
  const outputs: Output[] = [{ at: 0, text: PROMPT }];
  for (const [i, text] of [...COMMAND].entries()) {
    outputs.push({ at: TYPING.begin + i * TYPING.key, text });
  }
  const begin = outputs.at(-1)!.at + 300;
  outputs.push({ at: begin, text: "\n" });
  let startedAt: number | undefined;
  const file = await Deno.makeTempFile();
  await Deno.writeTextFile(file, packets.join("\n"));
  const send = [Deno.execPath(), ...await taskArgs("send"), "--chart", "--url", server.url];
  const args = ["-c", `exec "$@" < ${file}`, "sh", ...send];
  await using running = startOnTerminal("/bin/sh", args, {
    ...SIZE,
    onOutput(text) {
      startedAt ??= performance.now(); // leaves out the start of the program
      outputs.push({ at: begin + performance.now() - startedAt, text });
    },
  });
  const { code, text } = await running.result();
  if (code !== 0) throw new Error(`expected that send exits with 0, got ${code}:\n${text}`);
  await Deno.remove(file);
  outputs.push({ at: outputs.at(-1)!.at, text: PROMPT });
  return outputs;
}

const outputs = await record();
const frames = await framesOf(outputs, SIZE, INTERVAL);
await Deno.writeTextFile(
  TARGET,
  terminalSvg(frames, {
    ...SIZE,
    duration: Math.round(frames.at(-1)!.at) + REST,
    title: `${PROMPT}${COMMAND}`,
    description:
      `A terminal sends ${PACKETS.length} packets. A bar for each grows until its answer ` +
      "arrives, after its own delay, so the answers come out of order. A summary follows.",
  }),
);
