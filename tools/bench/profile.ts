/**
 * Where a running Deno program spends its time, by module: V8's sampling profiler, asked through Deno's
 * inspector.
 *
 * @module
 */

import { delay, here } from "./machine.ts";

/** How often the profiler looks, in microseconds. */
const INTERVAL = 200;

/** The parts of V8's profile that are used. */
interface Profile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string };
  }[];
  readonly samples: readonly number[];
}

/** A `deno run` command that lets itself be profiled on `port`. */
export function profiled(command: readonly string[], port: number): string[] {
  const run = command.indexOf("run");
  return command.toSpliced(run + 1, 0, `--inspect=127.0.0.1:${port}`);
}

/**
 * Profiles the program that listens on the inspector's `port`; returns each module's share of the time in
 * which it was busy, the greatest first. What is not of this project counts by its kind.
 */
export async function profile(port: number, seconds: number): Promise<Map<string, number>> {
  const [target] = await (await fetch(`http://127.0.0.1:${port}/json/list`)).json();
  const socket = new WebSocket(target.webSocketDebuggerUrl);
  await new Promise((resolve) => socket.onopen = resolve);
  const call = (id: number, method: string, params = {}) => {
    socket.send(JSON.stringify({ id, method, params }));
    return new Promise<{ profile: Profile }>((resolve) => {
      socket.addEventListener("message", function listen({ data }) {
        const answer = JSON.parse(data);
        if (answer.id !== id) return;
        socket.removeEventListener("message", listen);
        resolve(answer.result);
      });
    });
  };
  await call(1, "Profiler.enable");
  await call(2, "Profiler.setSamplingInterval", { interval: INTERVAL });
  await call(3, "Profiler.start");
  await delay(1000 * seconds);
  const { profile } = await call(4, "Profiler.stop");
  const closed = new Promise((resolve) => socket.onclose = resolve);
  socket.close();
  await closed;
  return sharesOf(profile);
}

function sharesOf({ nodes, samples }: Profile): Map<string, number> {
  const places = new Map(nodes.map(({ id, callFrame }) => [id, placeOf(callFrame)]));
  const counts = new Map<string, number>();
  let busy = 0;
  for (const sample of samples) {
    const place = places.get(sample)!;
    if (place === IDLE) continue;
    counts.set(place, (counts.get(place) ?? 0) + 1);
    busy++;
  }
  return new Map(
    [...counts].map(([place, count]): [string, number] => [place, count / busy])
      .sort((a, b) => b[1] - a[1]),
  );
}

const IDLE = "idle";
const PROJECT = new URL("..", `file://${here("./")}`).href;

function placeOf({ functionName, url }: { functionName: string; url: string }): string {
  if (functionName === "(idle)") return IDLE;
  if (functionName === "(garbage collector)") return "garbage collector";
  if (url.startsWith(PROJECT)) return url.slice(PROJECT.length);
  if (url === "") return "system calls, Deno's native code, the engine's built-ins";
  return "Deno's JavaScript";
}
