/**
 * The program: picks the command, hands it the arguments and the streams, ends with its exit code.
 *
 * @module
 */

import { type Command, CommandError, Exit, type Streams } from "./cli/command.ts";
import { Output } from "./cli/output.ts";

/** Each is run only when it is asked for, so that starting costs little more than the command needs. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  serve: () => import("./cli/serve.ts"),
  work: () => import("./cli/work.ts"),
  send: () => import("./cli/send.ts"),
  convert: () => import("./cli/convert.ts"),
  bench: () => import("./cli/bench.ts"),
  demo: () => import("./cli/demo.ts"),
};

const HELP = `asyncpkt answers packets asynchronously: each after its own delay, all side by side.

Usage: asyncpkt COMMAND [flags]

  serve     starts the server
  work      converts requests for servers behind NATS
  send      sends packets and waits for the answers
  convert   converts packets' data offline, from stdin to stdout
  bench     puts a server under load and measures how it answers
  demo      shows both ends at work, for five seconds

asyncpkt COMMAND --help says more; asyncpkt --version says which version it is.
`;

/** Runs a command line; resolves to the exit code. */
export async function main(args: readonly string[], streams: Streams): Promise<number> {
  const { stdout, stderr } = streams;
  const [name, ...rest] = args;
  if (name === "--version") {
    const { default: project } = await import("./deno.json", { with: { type: "json" } });
    const { deno, v8 } = Deno.version;
    stdout.write(`asyncpkt ${project.version} (Deno ${deno}, V8 ${v8})\n`);
    return Exit.ok;
  }
  if (name === "--help" || name === "-h" || name === "help") {
    stdout.write(HELP);
    return Exit.ok;
  }
  if (name === undefined || !Object.hasOwn(COMMANDS, name)) {
    if (name !== undefined) stderr.write(`asyncpkt: there is no command ${JSON.stringify(name)}\n`);
    stderr.write(HELP);
    return Exit.usage;
  }
  const command = await COMMANDS[name]!();
  if (asksForHelp(rest)) {
    stdout.write(command.help);
    return Exit.ok;
  }
  try {
    return await command.run(rest, streams);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    stderr.write(`asyncpkt ${name}: ${error.message}\n`);
    return error.exit;
  }
}

function asksForHelp(args: readonly string[]): boolean {
  const end = args.indexOf("--");
  const flags = end < 0 ? args : args.slice(0, end);
  return flags.includes("--help") || flags.includes("-h");
}

/** The first signal asks for an end in good order, a second one ends at once. */
function listenForSignals(): AbortSignal {
  const abort = new AbortController();
  const codes = { SIGINT: 130, SIGTERM: 143 };
  for (const [name, code] of Object.entries(codes)) {
    Deno.addSignalListener(name as Deno.Signal, () => {
      if (abort.signal.aborted) Deno.exit(code);
      abort.abort(new Error(name));
    });
  }
  return abort.signal;
}

if (import.meta.main) {
  const stdout = new Output(Deno.stdout);
  const stderr = new Output(Deno.stderr);
  const code = await main(Deno.args, {
    stdin: Deno.stdin,
    stdout,
    stderr,
    signal: listenForSignals(),
  });
  await stdout.flush();
  await stderr.flush();
  Deno.exit(code);
}
