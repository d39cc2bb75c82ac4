/**
 * The machine that is measured on: what it is, what a process uses of it, and how to run one.
 *
 * @module
 */

/** The memory that a process has resident, in bytes; NaN where the system does not say. */
export async function residentMemory(pid: number): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`).catch(() => "");
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
}

/** The processor time that a process has used, in seconds; NaN where the system does not say. */
export async function processorTime(pid: number): Promise<number> {
  const stat = await Deno.readTextFile(`/proc/${pid}/stat`).catch(() => "");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** How many files a process has open, sockets included; NaN where the system does not say. */
export async function openFiles(pid: number): Promise<number> {
  try {
    return (await Array.fromAsync(Deno.readDir(`/proc/${pid}/fd`))).length;
  } catch {
    return NaN;
  }
}

/** How many files a process may have open; NaN where the system does not say. */
export async function maxOpenFiles(pid: number): Promise<number> {
  const limits = await Deno.readTextFile(`/proc/${pid}/limits`).catch(() => "");
  return Number(/Max open files\s+(\d+)/.exec(limits)?.[1]);
}

/** A line that says what the machine is. */
export async function describeMachine(): Promise<string> {
  const cpuinfo = await Deno.readTextFile("/proc/cpuinfo").catch(() => "");
  const model = /model name\s*:\s*(.+)/.exec(cpuinfo)?.[1] ?? Deno.build.arch;
  const memory = Math.round(Deno.systemMemoryInfo().total / 2 ** 30);
  return `${model}, ${navigator.hardwareConcurrency} cores, ${memory} GiB, ${Deno.build.os}`;
}

/** Runs a command to its end; returns its output. */
export async function output(command: readonly string[]): Promise<string> {
  const [program, ...args] = command;
  const { success, stdout, stderr } = await new Deno.Command(program!, { args }).output();
  if (!success) throw new Error(`${command.join(" ")}: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}

/** Whether a command exists and ends well. */
export async function succeeds(program: string, args: string[]): Promise<boolean> {
  try {
    return (await new Deno.Command(program, { args, stdout: "null", stderr: "null" }).output())
      .success;
  } catch {
    return false;
  }
}
