/**
 * `asyncpkt doctor`: what a report of a bug should say about a machine.
 *
 * @module
 */

import project from "../deno.json" with { type: "json" };
import { Exit, messageOf, type Streams } from "./command.ts";
import { flagHelp, readFlags } from "./flags.ts";
import { programName } from "./permissions.ts";

/** Where `asyncpkt serve` listens without flags. */
const ADDRESS = { hostname: "127.0.0.1", port: 2707 };

/** The flags of `asyncpkt doctor`. */
export const flags = {};

/** Returns the text of `asyncpkt doctor --help`. */
export const help = () =>
  `Shows the program, the platform and the permissions, such as for the report of a bug.

Usage: asyncpkt doctor

${flagHelp(flags)}

It never shows the token, only whether ASYNCPKT_TOKEN is set. It runs without any permission, and
says which facts it may not see.

Examples:
  asyncpkt doctor
`;

/** Shows a line for each fact. */
export function run(args: string[], { stdin, stdout, stderr }: Streams): Promise<number> {
  readFlags(flags, args);
  const { os, arch, standalone } = Deno.build;
  const streams = {
    stdin: stdin.isTerminal(),
    stdout: stdout.isTerminal,
    stderr: stderr.isTerminal,
  };
  const terminals = Object.entries(streams).filter(([, is]) => is).map(([name]) => name);
  const facts = {
    version: project.version,
    program: standalone ? "compiled" : programName(),
    deno: `${Deno.version.deno}, V8 ${Deno.version.v8}`,
    platform: `${os} ${arch}, ${navigator.hardwareConcurrency} cores`,
    terminal: `${terminals.join(", ") || "none"}; TERM ${variable("TERM", (value) => value)}`,
    permissions: grantedFlags().join(" ") || "none",
    token: `ASYNCPKT_TOKEN ${variable("ASYNCPKT_TOKEN", () => "is set")}`,
    port: `${ADDRESS.port} ${portState()}`,
  };
  for (const [name, fact] of Object.entries(facts)) {
    stdout.writeEscaped(`${`${name}:`.padEnd(14)}${fact}`);
  }
  return Promise.resolve(Exit.ok);
}

function isGranted(permission: Deno.PermissionDescriptor): boolean {
  return Deno.permissions.querySync(permission).state === "granted";
}

/** Returns what `show` makes of a variable, or why there is nothing to show. */
function variable(name: string, show: (value: string) => string): string {
  if (!isGranted({ name: "env", variable: name })) return "may not be read";
  const value = Deno.env.get(name);
  return value === undefined ? "is not set" : show(value);
}

/** Returns the flags of Deno that grant what is granted, as far as the program can use it. */
function grantedFlags(): string[] {
  const host = `${ADDRESS.hostname}:${ADDRESS.port}`;
  const variables = ["ASYNCPKT_TOKEN", "TERM"]
    .filter((variable) => isGranted({ name: "env", variable }));
  const narrow = {
    net: isGranted({ name: "net", host }) ? `=${host}` : undefined,
    env: variables.length > 0 ? `=${variables}` : undefined,
    read: undefined,
    write: undefined,
  };
  return (["net", "env", "read", "write"] as const).flatMap((name) => {
    const values = isGranted({ name }) ? "" : narrow[name];
    return values === undefined ? [] : [`--allow-${name}${values}`];
  });
}

/** Tries to listen on the port of the server. */
function portState(): string {
  const { hostname, port } = ADDRESS;
  if (!isGranted({ name: "net", host: `${hostname}:${port}` })) return "may not be tried";
  try {
    Deno.listen(ADDRESS).close();
    return "is free";
  } catch (error) {
    return error instanceof Deno.errors.AddrInUse ? "is in use" : `failed: ${messageOf(error)}`;
  }
}
