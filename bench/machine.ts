/**
 * The machine that is measured on: processes on cores of their own, what they use, what it is.
 *
 * @module
 */

/** A process under measurement. */
export interface Running extends AsyncDisposable {
  readonly pid: number;
}

const hasTaskset = await succeeds("taskset", ["--version"]);
const cores = navigator.hardwareConcurrency;

/** The command, on a core of its own where that is possible. */
export function pinned(core: number, command: readonly string[]): string[] {
  return hasTaskset && cores > 1 ? ["taskset", "-c", String(core), ...command] : [...command];
}

/** Starts a process and waits until it accepts connections on `port`. */
export async function start(command: readonly string[], port: number): Promise<Running> {
  const [program, ...args] = command;
  const child = new Deno.Command(program!, { args, stdout: "null", stderr: "null" }).spawn();
  const status = child.status;
  for (let tries = 0; !await accepts(port); tries++) {
    const ended = await Promise.race([status, delay(50)]);
    if (ended !== undefined || tries > 200) throw new Error(`${command.join(" ")} does not listen`);
  }
  return {
    pid: child.pid,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await status;
    },
  };
}

/** A path in this folder. */
export function here(path: string): string {
  return decodeURIComponent(new URL(path, import.meta.url).pathname);
}

/** A port that was free a moment ago. */
export function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  return port;
}

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

/** A line that says what the machine is. */
export async function describeMachine(): Promise<string> {
  const cpuinfo = await Deno.readTextFile("/proc/cpuinfo").catch(() => "");
  const model = /model name\s*:\s*(.+)/.exec(cpuinfo)?.[1] ?? Deno.build.arch;
  const memory = Math.round(Deno.systemMemoryInfo().total / 2 ** 30);
  const placing = hasTaskset && cores > 1
    ? "server and load each pinned to a core"
    : "nothing pinned to a core";
  return `${model}, ${cores} cores, ${memory} GiB, ${Deno.build.os}; ${placing}`;
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

/** Resolves after a time in milliseconds. */
export function delay(milliseconds: number): Promise<undefined> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds, undefined));
}

async function accepts(port: number): Promise<boolean> {
  try {
    (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    return true;
  } catch {
    return false;
  }
}
