/**
 * The servers that are compared: asyncpkt, and the peers in `peers/`.
 *
 * @module
 */

import { output, succeeds } from "../../tests/support/machine.ts";
import { deno, here, type Server } from "./measure.ts";

// Versions of the packages from npm.
const BUN = "1.4.5";
const WS = "8.23.0";

/** All servers. */
export interface Servers {
  readonly asyncpkt: Server;
  /** asyncpkt with its strict transport. */
  readonly asyncpktStrict: Server;
  /** asyncpkt with its line for each request. */
  readonly asyncpktLogging: Server;
  readonly echo: Server;
  readonly plainDeno: Server;
  readonly plainNode: Server;
  readonly plainBun: Server;
  /** Undefined if Python has no `websockets`. */
  readonly plainPython: Server | undefined;
  /** For measuring clients: does not convert. With delays, agrees to asyncpkt.v1 instead. */
  readonly fastAnswers: Server;
  /** Runtimes and libraries with their versions. */
  readonly versions: readonly string[];
}

/** Finds the servers, and installs those from npm into `folder`. */
export async function findServers(folder: string): Promise<Servers> {
  await output(["npm", "install", "--silent", "--prefix", folder, `bun@${BUN}`, `ws@${WS}`]);
  const bun = `${folder}/node_modules/.bin/bun`;
  const onDeno = (...args: string[]) => deno("--allow-net=127.0.0.1", ...args);
  const python = await findPython();
  const peer = (name: string, runner: readonly string[], file: string): Server => ({
    name,
    command: (port, delays) => [
      ...runner,
      here(`peers/${file}`),
      String(port),
      delays ? "delays" : "none",
      folder,
    ],
  });
  const asyncpkt = (name: string, ...flags: readonly string[]): Server => ({
    name,
    isSeeded: true,
    command: (port, delays) => [
      ...onDeno("--frozen", here("../../main.ts"), "serve", "--port", String(port)),
      ...["--delay", delays ? "1..5" : "0", "--seed", "1", "--max-in-flight", "1000000"],
      ...flags,
    ],
  });
  return {
    asyncpkt: asyncpkt("asyncpkt", "--quiet"),
    asyncpktStrict: asyncpkt("asyncpkt strict", "--quiet", "--websocket", "strict"),
    asyncpktLogging: asyncpkt("asyncpkt, logging"),
    echo: peer("bare Deno echo", onDeno("--no-config"), "echo_deno.js"),
    plainDeno: peer("plain on Deno", onDeno("--no-config"), "plain.mjs"),
    plainNode: peer("plain on Node, ws", ["node"], "plain.mjs"),
    plainBun: peer("plain on Bun", [bun], "plain.mjs"),
    plainPython: python && peer("plain on Python, websockets", [python.program], "plain_python.py"),
    fastAnswers: peer("answers without converting, on Bun", [bun], "fast_answers_bun.js"),
    versions: [
      `Deno ${Deno.version.deno}`,
      `Node ${(await output(["node", "--version"])).trim().slice(1)} with ws ${WS}`,
      `Bun ${(await output([bun, "--version"])).trim()}`,
      python?.version ?? "Python without websockets: not measured",
    ],
  };
}

async function findPython(): Promise<{ program: string; version: string } | undefined> {
  const script = "import platform, websockets.version as w; " +
    "print('Python', platform.python_version(), 'with websockets', w.version)";
  for (const program of ["python3", "/usr/bin/python3"]) {
    if (!await succeeds(program, ["-c", script])) continue;
    return { program, version: (await output([program, "-c", script])).trim() };
  }
  return undefined;
}
