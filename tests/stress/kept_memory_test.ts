import { assert } from "@std/assert";
import { output } from "../support/machine.ts";
import { startProgram } from "../support/program.ts";
import { COLLECTING, keptMemory } from "./kept_memory.ts";

/** Runs `script` to its end; returns what it then has resident, and what it keeps, in MiB. */
async function memoryAfter(script: string): Promise<{ resident: number; kept: number }> {
  const source = `${script}; console.log("done"); for await (const _ of Deno.stdin.readable);`;
  const url = `data:text/javascript,${encodeURIComponent(source)}`;
  await using program = startProgram(Deno.execPath(), ["run", ...COLLECTING, url]);
  await program.stdout.next();
  // Tests may not read /proc themselves.
  const memory = async () => {
    const status = await output(["cat", `/proc/${program.pid}/status`]);
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)![1]) / 1024;
  };
  const resident = await memory();
  const { kill, stdout, hasEnded } = program;
  return { resident, kept: await keptMemory({ kill, stdout, hasEnded, memory }) };
}

Deno.test("keptMemory() returns what is still in use, without V8's young generation", {
  ignore: Deno.build.os !== "linux",
}, async () => {
  const idle = await memoryAfter("");
  const garbage = await memoryAfter(
    "let last = []; for (let i = 0; i < 3e6; i++) last[i % 2e5] = { i }; last = []",
  );
  const used = await memoryAfter(
    "globalThis.used = Array.from({ length: 1e6 }, (_, i) => ({ i }))",
  );
  const figures = JSON.stringify({ idle, garbage, used });
  assert(garbage.resident > garbage.kept + 40, figures);
  assert(garbage.kept < idle.kept + 25, figures);
  assert(used.kept > idle.kept + 25, figures);
});
