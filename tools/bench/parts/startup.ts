/**
 * How long the program takes to start.
 *
 * @module
 */

import { output } from "../../../tests/support/machine.ts";
import { deno, here } from "../measure.ts";
import { interleave, resultTable, type Section } from "../report.ts";
import type { Servers } from "../servers.ts";

/** The most that the program may take beyond an empty one, in milliseconds. */
const MAX_EXTRA = 15;

/** Programs that do a part of a start each. */
const PROGRAMS = {
  empty: "",
  socket: "new WebSocket(Deno.args[0]);",
  timer: "setTimeout(() => {}, 1000); new WebSocket(Deno.args[0]);",
};

/** Measures the start of `--help` and `send` beside that of an empty program. */
export async function measureStartup(_servers: Servers, rounds: number): Promise<Section> {
  const folder = await Deno.makeTempDir();
  const main = here("../../main.ts");
  const measurements = {
    empty: () => timeToEnd(`${folder}/empty.js`),
    socket: () => timeToFirstByte((url) => [`${folder}/socket.js`, url]),
    timer: () => timeToFirstByte((url) => [`${folder}/timer.js`, url]),
    "--help": () => timeToEnd("--frozen", main, "--help"),
    send: () => timeToFirstByte((url) => ["--frozen", main, "send", "--url", url, "a"]),
  };
  try {
    for (const [name, program] of Object.entries(PROGRAMS)) {
      await Deno.writeTextFile(`${folder}/${name}.js`, program);
    }
    await interleave(2, measurements); // fills caches
    const measured = await interleave(3 * rounds, measurements);
    const goal = (name: string) => ({
      what: `\`asyncpkt ${name}\``,
      against: "`deno run` of an empty program",
      values: measured.get(name)!.map((value, round) => value - measured.get("empty")![round]!),
      atMost: MAX_EXTRA,
      digits: 1,
      unit: " ms more",
    });
    return {
      title: "Start",
      text:
        "From the start of the process to its end; for `send`, to its first byte on the wire. Two small " +
        "programs show parts of a start: `socket` only connects, `timer` sets a timer first.",
      goals: [goal("--help"), goal("send")],
      table: resultTable(["", "ms"], measured, 1),
    };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function timeToEnd(...args: readonly string[]): Promise<number> {
  const from = performance.now();
  await output(deno(...args));
  return performance.now() - from;
}

/** Returns milliseconds until a program that connects to a URL has its first byte on the wire. */
async function timeToFirstByte(argsFor: (url: string) => readonly string[]): Promise<number> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const url = `ws://127.0.0.1:${listener.addr.port}`;
  const [program, ...args] = deno("--allow-net=127.0.0.1", ...argsFor(url));
  const from = performance.now();
  const child = new Deno.Command(program!, { args, stdout: "null", stderr: "null" }).spawn();
  const connection = await Promise.race([listener.accept(), child.status]);
  if (!("read" in connection)) throw new Error(`${args.join(" ")} does not connect`);
  await connection.read(new Uint8Array(1));
  const took = performance.now() - from;
  connection.close();
  child.kill("SIGKILL");
  await child.status;
  return took;
}
