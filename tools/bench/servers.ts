/**
 * The servers that are compared: asyncpkt, and the peers in `peers/`.
 *
 * @module
 */

import { findPython, output } from "../../tests/support/machine.ts";
import { deno, here, type Server } from "./measure.ts";

// Versions of the packages from npm.
const BUN = "1.4.5";
const WS = "8.23.0";

const PYTHON_VERSIONS = "import platform, websockets.version as w; " +
  "print('Python', platform.python_version(), 'with websockets', w.version)";

/** All servers, and the runtimes and libraries with their versions. */
export type Servers = Awaited<ReturnType<typeof findServers>>;

/** Finds the servers, and installs those from npm into `folder`. */
export async function findServers(folder: string) {
  await output(["npm", "install", "--silent", "--prefix", folder, `bun@${BUN}`, `ws@${WS}`]);
  const bun = `${folder}/node_modules/.bin/bun`;
  const onDeno = (...args: string[]) => deno("--allow-net=127.0.0.1", ...args);
  const python = await findPython();
  const versionOf = async (...command: string[]) => (await output(command)).trim();
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
    // Logs a line for each request.
    asyncpktLogging: asyncpkt("asyncpkt, logging"),
    echo: peer("bare Deno echo", onDeno("--no-config"), "echo_deno.js"),
    plainDeno: peer("plain on Deno", onDeno("--no-config"), "plain.mjs"),
    plainNode: peer("plain on Node, ws", ["node"], "plain.mjs"),
    plainBun: peer("plain on Bun", [bun], "plain.mjs"),
    plainPython: python === undefined
      ? undefined
      : peer("plain on Python, websockets", [python], "plain_python.py"),
    // For measuring clients: does not convert. With delays, agrees to asyncpkt.v1 instead.
    fastAnswers: peer("answers without converting, on Bun", [bun], "fast_answers_bun.js"),
    versions: [
      `Deno ${Deno.version.deno}`,
      `Node ${(await versionOf("node", "--version")).slice(1)} with ws ${WS}`,
      `Bun ${await versionOf(bun, "--version")}`,
      python ? await versionOf(python, "-c", PYTHON_VERSIONS) : "no Python with websockets",
    ],
  };
}
