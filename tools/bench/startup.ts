/**
 * How long a process takes until it has done what it was started for.
 *
 * @module
 */

import { output } from "../../tests/support/machine.ts";
import { here } from "./machine.ts";
import { interleave, type Rounds } from "./statistics.ts";

const DENO = [Deno.execPath(), "run", "--quiet"];
const MAIN = here("../../main.ts");

/** Milliseconds to the end of a command. */
async function toEnd(command: readonly string[]): Promise<number> {
  const from = performance.now();
  await output(command);
  return performance.now() - from;
}

/** Milliseconds until a program, whose last argument is a URL to connect to, has its first byte on the wire. */
async function toFirstByte(before: readonly string[], after: readonly string[]): Promise<number> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const url = `ws://127.0.0.1:${listener.addr.port}`;
  const from = performance.now();
  const child = new Deno.Command(DENO[0]!, {
    args: [...DENO.slice(1), "--allow-net=127.0.0.1", ...before, url, ...after],
    stdout: "null",
    stderr: "null",
  }).spawn();
  const connection = await Promise.race([listener.accept(), child.status]);
  if (!("read" in connection)) throw new Error(`${before.join(" ")} does not connect`);
  await connection.read(new Uint8Array(1));
  const took = performance.now() - from;
  connection.close();
  child.kill("SIGKILL");
  await child.status;
  return took;
}

/** Programs that show what a start is made of. */
const PROGRAMS = {
  empty: "",
  socket: "new WebSocket(Deno.args[0]);",
  timer: "setTimeout(() => {}, 1000); new WebSocket(Deno.args[0]);",
};

/**
 * Measures in rounds, in milliseconds: `empty` and `--help` to their end; `send`, and programs that have
 * only a `socket`, or a socket and a `timer`, to their first byte on the wire.
 */
export async function measureStartup(rounds: number): Promise<Rounds> {
  const folder = await Deno.makeTempDir();
  const program = (name: keyof typeof PROGRAMS) => `${folder}/${name}.js`;
  const measurements = {
    empty: () => toEnd([...DENO, program("empty")]),
    socket: () => toFirstByte([program("socket")], []),
    timer: () => toFirstByte([program("timer")], []),
    "--help": () => toEnd([...DENO, "--frozen", MAIN, "--help"]),
    send: () => toFirstByte(["--frozen", MAIN, "send", "--url"], ["a"]),
  };
  try {
    for (const [name, text] of Object.entries(PROGRAMS)) {
      await Deno.writeTextFile(program(name as keyof typeof PROGRAMS), text);
    }
    await interleave(2, measurements);
    return await interleave(rounds, measurements);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
