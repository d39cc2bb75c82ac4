/**
 * The servers that are compared: asyncpkt, and the peers in `peers/`.
 *
 * @module
 */

import { output, succeeds } from "../../tests/support/machine.ts";
import { here } from "./machine.ts";

/** Versions of what comes from npm. */
const BUN = "1.4.5";
const WS = "8.23.0";

/** A server that can be started. */
export interface Server {
  readonly name: string;
  /** Whether its delays are those of asyncpkt's seed 1, not the plain program's. */
  readonly isSeeded?: true;
  /** The command that starts it; `delays` says whether it delays by 1 to 5 s or answers at once. */
  command(port: number, delays: boolean): string[];
}

/** All of them. */
export interface Servers {
  readonly asyncpkt: Server;
  /** asyncpkt with the line for each request that it writes where nothing else is said. */
  readonly asyncpktLogging: Server;
  readonly echo: Server;
  readonly plainDeno: Server;
  readonly plainNode: Server;
  readonly plainBun: Server;
  /** Undefined where Python has no `websockets`. */
  readonly plainPython: Server | undefined;
  /** Answers without converting, for measuring clients: agrees to asyncpkt.v1 if told to delay. */
  readonly fastAnswers: Server;
  /** Runs a script on Bun. */
  readonly bun: string;
  /** What they run on, with versions. */
  readonly versions: readonly string[];
}

/** Finds the servers, and installs those that come from npm into `folder`. */
export async function findServers(folder: string): Promise<Servers> {
  await output(["npm", "install", "--silent", "--prefix", folder, `bun@${BUN}`, `ws@${WS}`]);
  const bun = `${folder}/node_modules/.bin/bun`;
  const deno = [Deno.execPath(), "run", "--quiet", "--allow-net=127.0.0.1"];
  const python = await findPython();
  const word = (delays: boolean) => delays ? "delays" : "none";
  const asyncpkt = (port: number, delays: boolean) => [
    ...deno,
    "--frozen",
    here("../../main.ts"),
    "serve",
    ...["--port", String(port), "--delay", delays ? "1..5" : "0", "--seed", "1"],
    ...["--max-in-flight", "1000000"],
  ];
  return {
    asyncpkt: {
      name: "asyncpkt",
      isSeeded: true,
      command: (port, delays) => [...asyncpkt(port, delays), "--quiet"],
    },
    asyncpktLogging: { name: "asyncpkt, logging", isSeeded: true, command: asyncpkt },
    echo: {
      name: "bare Deno echo",
      command: (port) => [...deno, "--no-config", here("peers/echo_deno.js"), String(port)],
    },
    plainDeno: {
      name: "plain on Deno",
      command: (port, delays) => [
        ...deno,
        "--no-config",
        here("peers/plain_deno.js"),
        String(port),
        word(delays),
      ],
    },
    plainNode: {
      name: "plain on Node, ws",
      command: (port, delays) => [
        "node",
        here("peers/plain_node.mjs"),
        String(port),
        word(delays),
        folder,
      ],
    },
    plainBun: {
      name: "plain on Bun",
      command: (port, delays) => [bun, here("peers/plain_bun.js"), String(port), word(delays)],
    },
    plainPython: python && {
      name: "plain on Python, websockets",
      command: (port, delays) => [
        python.program,
        here("peers/plain_python.py"),
        String(port),
        word(delays),
      ],
    },
    fastAnswers: {
      name: "answers without converting, on Bun",
      command: (port, delays) => [
        bun,
        here("peers/fast_answers_bun.js"),
        String(port),
        word(delays),
      ],
    },
    bun,
    versions: [
      `Deno ${Deno.version.deno}`,
      `Node ${(await output(["node", "--version"])).trim().slice(1)} with ws ${WS}`,
      `Bun ${(await output([bun, "--version"])).trim()}`,
      python?.version ?? "Python without websockets: not measured",
    ],
  };
}

async function findPython(): Promise<{ program: string; version: string } | undefined> {
  for (const program of ["python3", "/usr/bin/python3"]) {
    if (!await succeeds(program, ["-c", "import websockets"])) continue;
    const version = await output([
      program,
      "-c",
      "import platform, websockets.version as w; print('Python', platform.python_version(), 'with websockets', w.version)",
    ]);
    return { program, version: version.trim() };
  }
  return undefined;
}
