/**
 * The program: picks the command, hands it the arguments and the streams, ends with its exit code.
 *
 * @module
 */

import { type Commands, reportFailure, type Streams } from "./cli/command.ts";
import { CommandError, Exit } from "./cli/exit.ts";
import { escapeControls } from "./cli/terminal/escape.ts";
import { isDumbTerminal } from "./cli/terminal/status_lines.ts";
import { closestString } from "./cli/closest_string.ts";
import { BufferedWriter } from "./cli/buffered_writer.ts";
import { Shutdown } from "./cli/shutdown.ts";

/** What there is; each is loaded only when it is asked for, so that starting costs little more than that. */
const COMMANDS: Commands = {
  serve: { about: "starts the server", load: () => import("./cli/serve.ts") },
  work: {
    about: "converts requests for servers behind NATS",
    load: () => import("./cli/work.ts"),
  },
  send: { about: "sends packets and waits for the answers", load: () => import("./cli/send.ts") },
  convert: {
    about: "converts packets' data offline, from stdin to stdout",
    load: () => import("./cli/convert.ts"),
  },
  bench: {
    about: "puts a server under load and measures how it answers",
    load: () => import("./cli/bench.ts"),
  },
  demo: {
    about: "shows both ends at work, for five seconds",
    load: () => import("./cli/demo.ts"),
  },
  completions: {
    about: "writes what makes a shell complete all this",
    load: async () => (await import("./cli/completions.ts")).completions(COMMANDS),
  },
};

const HELP = `asyncpkt answers packets asynchronously: each after its own delay, all side by side.

Usage: asyncpkt COMMAND [flags]

${Object.entries(COMMANDS).map(([name, { about }]) => `  ${name.padEnd(13)}${about}`).join("\n")}

asyncpkt COMMAND --help says more; asyncpkt --version says which version it is, and on what it runs.

Examples:
  asyncpkt demo
  asyncpkt serve --port 2707
  asyncpkt send --chart 'Hub&&name&&qwe&&id&&123&&' 'Device&&name&&wqe&&id&&234&&'
`;

/**
 * Runs a command line; resolves to the exit code once all output is written.
 *
 * @internal
 */
export async function main(args: readonly string[], streams: Streams): Promise<number> {
  const { stdout, stderr } = streams;
  const [name, ...rest] = args;
  const isCommand = name !== undefined && Object.hasOwn(COMMANDS, name);
  const program = isCommand ? `asyncpkt ${name}` : "asyncpkt";
  reportFailure(stdout, () => `${program}: cannot write to stdout`, stderr);
  let code: number;
  try {
    code = isCommand ? await runCommand(COMMANDS[name]!, rest, streams) : await run(name, streams);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    stderr.write(escapeControls(`${program}: ${error.message}`) + "\n");
    if (error.remedy !== undefined) stderr.write(`${error.remedy}\n`);
    code = error.exit;
  }
  await stdout.flush();
  await stderr.flush();
  const isWritten = stdout.failure === undefined && stderr.failure === undefined;
  return code === Exit.ok && !isWritten ? Exit.failed : code;
}

/** Does what a command line without a command asks for. */
async function run(name: string | undefined, { stdout, stderr }: Streams): Promise<number> {
  if (name === "--version") {
    const { default: project } = await import("./deno.json", { with: { type: "json" } });
    const { deno, v8 } = Deno.version;
    stdout.write(`asyncpkt ${project.version} (Deno ${deno}, V8 ${v8})\n`);
    return Exit.ok;
  }
  if (name === "--help" || name === "-h" || name === "help") {
    await stdout.flush(HELP);
    return Exit.ok;
  }
  if (name !== undefined) {
    const meant = closestString(name, Object.keys(COMMANDS));
    const hint = meant === undefined ? "" : `; did you mean ${meant}?`;
    const problem = `asyncpkt: there is no command ${JSON.stringify(name)}${hint}`;
    stderr.write(escapeControls(problem) + "\n");
  }
  stderr.write(HELP);
  return Exit.usage;
}

async function runCommand(
  { load }: Commands[string],
  args: string[],
  streams: Streams,
): Promise<number> {
  const command = await load();
  if (!asksForHelp(args)) return await command.run(args, streams);
  await streams.stdout.flush(command.help);
  return Exit.ok;
}

function asksForHelp(args: readonly string[]): boolean {
  const end = args.indexOf("--");
  const flags = end < 0 ? args : args.slice(0, end);
  return flags.includes("--help") || flags.includes("-h");
}

/**
 * Whether stdout and stderr go to the same terminal. They are then one output, as what is drawn there
 * would be in the way of the other.
 */
async function isOneTerminal(): Promise<boolean> {
  if (!Deno.stdout.isTerminal() || !Deno.stderr.isTerminal()) return false;
  const { fstatSync } = await import("node:fs");
  return fstatSync(1).rdev === fstatSync(2).rdev;
}

if (import.meta.main) {
  const options = { isDumb: isDumbTerminal() };
  const stdout = new BufferedWriter(Deno.stdout, options);
  const stderr = await isOneTerminal() ? stdout : new BufferedWriter(Deno.stderr, options);
  const shutdown = new Shutdown();
  shutdown.listen();
  const code = await main(Deno.args, {
    stdin: Deno.stdin,
    stdout,
    stderr,
    signal: shutdown.signal,
    shutDown: (reason) => shutdown.request(reason),
  });
  Deno.exit(code);
}
