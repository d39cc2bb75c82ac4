/**
 * How long a process takes until it has done what it was started for.
 *
 * @module
 */

import { here, output } from "./machine.ts";
import { interleave, type Rounds } from "./statistics.ts";

const DENO = [Deno.execPath(), "run", "--quiet"];
const MAIN = here("../main.ts");

/** Milliseconds to the end of a command. */
async function toEnd(command: readonly string[]): Promise<number> {
  const from = performance.now();
  await output(command);
  return performance.now() - from;
}

/** Milliseconds until `asyncpkt send` has its first byte on the wire. */
async function toFirstByte(): Promise<number> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const url = `ws://127.0.0.1:${listener.addr.port}`;
  const from = performance.now();
  const child = new Deno.Command(DENO[0]!, {
    args: [...DENO.slice(1), "--frozen", "--allow-net=127.0.0.1", MAIN, "send", "--url", url, "a"],
    stdout: "null",
    stderr: "null",
  }).spawn();
  using connection = await listener.accept();
  await connection.read(new Uint8Array(1));
  const took = performance.now() - from;
  child.kill("SIGKILL");
  await child.status;
  return took;
}

/** Measures in rounds: `empty`, `--help`, `send`, in milliseconds. */
export async function measureStartup(rounds: number): Promise<Rounds> {
  const empty = await Deno.makeTempFile({ suffix: ".ts" });
  const measurements = {
    empty: () => toEnd([...DENO, empty]),
    "--help": () => toEnd([...DENO, "--frozen", MAIN, "--help"]),
    send: toFirstByte,
  };
  try {
    await interleave(2, measurements);
    return await interleave(rounds, measurements);
  } finally {
    await Deno.remove(empty);
  }
}
