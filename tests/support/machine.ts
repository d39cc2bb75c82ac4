/**
 * The machine: what it is, which programs it has, and what a process uses. Values that the system does
 * not provide are NaN.
 *
 * @module
 */

/** Returns the resident memory of a process, in bytes. */
export async function residentMemory(pid: number): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`).catch(() => "");
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
}

/** Returns how many files a process has open, sockets included. */
export async function openFiles(pid: number): Promise<number> {
  try {
    return (await Array.fromAsync(Deno.readDir(`/proc/${pid}/fd`))).length;
  } catch {
    return NaN;
  }
}

/** Returns a port of 127.0.0.1 that was free a moment ago, for programs that cannot report theirs. */
export function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

/** Describes the machine in a line. */
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

/** Returns whether a command exists and exits with 0. */
export async function succeeds(program: string, args: string[]): Promise<boolean> {
  try {
    return (await new Deno.Command(program, { args, stdout: "null", stderr: "null" }).output())
      .success;
  } catch {
    return false;
  }
}

/** Returns the path of the first of some programs that is installed; undefined if none is. */
export function findProgram(...names: string[]): string | undefined {
  // Not everybody's PATH has the programs for root.
  const folders = [...Deno.env.get("PATH")?.split(":") ?? [], "/usr/sbin"];
  return names.flatMap((name) => folders.map((folder) => `${folder}/${name}`)).find((path) => {
    try {
      return Deno.statSync(path).isFile;
    } catch {
      return false;
    }
  });
}

/** For the names of tests that are ignored because {@linkcode findPython} finds none. */
export const NO_PYTHON = " (ignored: no python3 here has the package websockets)";

/** Returns the first Python that has the package websockets; undefined if none has. */
export async function findPython(): Promise<string | undefined> {
  for (const python of ["/usr/bin/python3", "python3"]) {
    if (await succeeds(python, ["-c", "import websockets"])) return python;
  }
  return undefined;
}
