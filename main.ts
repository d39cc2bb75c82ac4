/**
 * The program: picks the command, passes it the arguments and the streams, and exits with its code.
 *
 * Usage: deno run --allow-net --allow-env=ASYNCPKT_TOKEN,TERM jsr:@asyncpkt/asyncpkt/cli help
 *
 * @module
 */

import {
  type Command,
  CommandError,
  type Commands,
  createShutdown,
  Exit,
  reportFailure,
  type Streams,
  UsageError,
} from "./cli/command.ts";
import { closestString } from "./session/closest_string.ts";
import { BufferedWriter, isDumbTerminal } from "./cli/buffered_writer.ts";

/** All commands. Each is loaded only if it is asked for, so that the program starts soon. */
const COMMANDS: Commands = {
  serve: ["starts the server", () => import("./cli/serve.ts")],
  work: ["converts requests for servers behind NATS", () => import("./cli/work.ts")],
  send: ["sends packets and waits for the answers", () => import("./cli/send.ts")],
  convert: [
    "converts packets' data offline, from stdin to stdout",
    () => import("./cli/convert.ts"),
  ],
  plan: ["shows what requests would meet, without a server", () => import("./cli/plan.ts")],
  bench: ["puts a server under load and measures how it answers", () => import("./cli/bench.ts")],
  demo: ["shows a server and a client at work, for five seconds", () => import("./cli/demo.ts")],
  health: ["asks a server for its health", () => import("./cli/health.ts")],
  doctor: ["shows the program, the platform and its permissions", () => import("./cli/doctor.ts")],
  completions: [
    "writes a script that makes a shell complete commands and flags",
    async () => (await import("./cli/completions.ts")).completions(COMMANDS),
  ],
  help: ["shows the help of a command", () => Promise.resolve(HELP_COMMAND)],
};

const HELP = `asyncpkt answers packets asynchronously: each after its own delay, all side by side.

Usage: asyncpkt COMMAND [flags]

${Object.entries(COMMANDS).map(([name, [about]]) => `  ${name.padEnd(13)}${about}`).join("\n")}

  -h, --help   shows this help, or after a COMMAND the help of that command
  --version    shows the versions of asyncpkt and Deno

Examples:
  asyncpkt demo
  asyncpkt serve --port 2707
  asyncpkt send --chart 'Hub&&name&&qwe&&id&&123&&' 'Device&&name&&wqe&&id&&234&&'
  asyncpkt help send
`;

const HELP_COMMAND: Command = {
  help: () => HELP,
  flags: {},
  words: Object.keys(COMMANDS),
  async run([name, more], { stdout }) {
    if (more !== undefined) {
      throw new UsageError(`expected one command, got ${JSON.stringify(more)} too`);
    }
    await stdout.flush(name === undefined ? HELP : (await load(name)).help());
    return Exit.ok;
  },
};

/**
 * Runs a command line; resolves to the exit code once all output is written.
 *
 * @internal
 */
export async function main(args: readonly string[], streams: Streams): Promise<number> {
  const { stdout, stderr } = streams;
  const program = Object.hasOwn(COMMANDS, args[0] ?? "") ? `asyncpkt ${args[0]}` : "asyncpkt";
  reportFailure(stdout, () => `${program}: cannot write to stdout`, stderr);
  let code: number;
  try {
    code = await run(args, streams);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    stderr.writeEscaped(`${program}: ${error.message}`);
    if (error.remedy !== undefined) stderr.write(`${error.remedy}\n`);
    code = error.exit;
  }
  await stdout.flush();
  await stderr.flush();
  const isWritten = stdout.failure === undefined && stderr.failure === undefined;
  return code === Exit.ok && !isWritten ? Exit.failed : code;
}

async function run([name, ...args]: readonly string[], streams: Streams): Promise<number> {
  const { stdout, stderr } = streams;
  if (name === undefined) {
    stderr.write(HELP);
    return Exit.usage;
  }
  if (name === "--version") {
    const { default: project } = await import("./deno.json", { with: { type: "json" } });
    const { deno, v8 } = Deno.version;
    stdout.write(`asyncpkt ${project.version} (Deno ${deno}, V8 ${v8})\n`);
    return Exit.ok;
  }
  const isHelp = name === "--help" || name === "-h";
  const command = await load(isHelp ? "help" : name);
  if (!isHelp && !asksForHelp(args)) return await command.run(args, streams);
  await stdout.flush(command.help());
  return Exit.ok;
}

/** @throws {UsageError} if there is no such command. */
function load(name: string): Promise<Command> {
  if (Object.hasOwn(COMMANDS, name)) return COMMANDS[name]![1]();
  const meant = closestString(name, Object.keys(COMMANDS));
  const hint = meant ? `did you mean ${meant}?` : '"asyncpkt help" lists all commands';
  throw new UsageError(`unknown command ${JSON.stringify(name)}; ${hint}`);
}

function asksForHelp(args: readonly string[]): boolean {
  const flags = args.slice(0, [...args, "--"].indexOf("--"));
  return flags.includes("--help") || flags.includes("-h");
}

/** Whether stdout and stderr are the same terminal. They then share a writer, which draws below both. */
async function isOneTerminal(): Promise<boolean> {
  if (!Deno.stdout.isTerminal() || !Deno.stderr.isTerminal()) return false;
  const { fstatSync } = await import("node:fs");
  return fstatSync(1).rdev === fstatSync(2).rdev;
}

if (import.meta.main) {
  const options = { isDumb: isDumbTerminal() };
  const stdout = new BufferedWriter(Deno.stdout, options);
  const stderr = await isOneTerminal() ? stdout : new BufferedWriter(Deno.stderr, options);
  const { signal, shutDown, receive } = createShutdown();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(name, () => receive(name));
  }
  Deno.exit(await main(Deno.args, { stdin: Deno.stdin, stdout, stderr, signal, shutDown }));
}
