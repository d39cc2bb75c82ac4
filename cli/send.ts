/**
 * `asyncpkt send`: sends packets and waits for the answers.
 *
 * @module
 */

import { Client, ClientError, ConnectionError, type Outcome, RequestError } from "../client.ts";
import { encodeError, isErrorCode } from "../protocol.ts";
import { CommandError, Exit, type Streams, UsageError } from "./command.ts";
import { escapeControls } from "./escape.ts";
import { flagHelp, integer, readFlags, seconds, text, toggle } from "./flags.ts";
import { readInput } from "./input.ts";
import { linesOf } from "./lines.ts";
import { Progress } from "./progress.ts";
import { Summary } from "./summary.ts";

/** Up to this many requests need no progress. */
const HANDFUL = 5;

const FLAGS = {
  url: text("URL", "the server [ws://localhost:2707]", "ws://localhost:2707"),
  id: text("ID", "the request_id, if there is one request", undefined),
  file: text("PATH", "reads packets from a file, - for stdin", undefined),
  concurrency: integer("N", "requests in flight at once [100]", 100, 1),
  timeout: seconds("SECONDS", "how long to wait for each answer [10]", 10),
  ordered: toggle("answers in the order sent, not as they arrive"),
  quiet: toggle("no progress and no summary"),
};

/** What `asyncpkt send --help` shows. */
export const help = `Sends packets and waits for the answers.

Usage: asyncpkt send [flags] [DATA…]

Each DATA is the data of one packet, or a whole packet as JSON, an object with "data". Without any, they
are read from stdin or --file, one a line. Answers go to stdout, one JSON object a line; all else goes
to stderr. It ends when every request has been answered or given up.

${flagHelp(FLAGS)}

Exit codes: 0 all answered, 1 some answered with an error, 2 wrong usage, 3 no connection,
4 some not answered in time, 130 interrupted.

Examples:
  asyncpkt send 'Hub&&name&&qwe&&id&&123&&%%Device&&name&&wqe&&id&&234&&'
  asyncpkt send --id 01 --url ws://127.0.0.1:2707 'Hub&&name&&qwe'
  asyncpkt send --ordered --concurrency 1000 < packets.txt
`;

/** Sends everything, prints the answers, ends when all have settled. */
export async function run(args: string[], streams: Streams): Promise<number> {
  const { stdin, stdout, stderr, signal } = streams;
  const flags = readFlags(FLAGS, args);
  if (flags.id !== undefined && flags._.length !== 1) {
    throw new UsageError(
      `--id names one request, but there are ${flags._.length || "lines of them"}`,
    );
  }
  if (flags.file !== undefined && flags._.length > 0) {
    throw new UsageError("packets come from --file or from the command line, not from both");
  }
  const readsStdin = flags._.length === 0 && (flags.file === undefined || flags.file === "-");
  if (readsStdin && flags.file === undefined && stdin.isTerminal()) {
    stderr.write(help);
    return Exit.usage;
  }
  const lines = flags._.length > 0
    ? flags._
    : linesOf(readsStdin ? stdin.readable : await open(flags.file!));

  let client: Client;
  try {
    client = await Client.connect(flags.url, {
      signal,
      timeout: flags.timeout,
      onUnmatched: (answer) =>
        stderr.write(escapeControls(`no request waits for ${JSON.stringify(answer)}`) + "\n"),
      onGarbage: (frame) => stderr.write(escapeControls(`not an answer: ${frame}`) + "\n"),
    });
  } catch (error) {
    return failToConnect(error, flags.url, signal);
  }

  const total = Array.isArray(lines) ? lines.length : undefined;
  const progress = new Progress(stderr);
  const summary = new Summary();
  const outcomes = client.requests(inputs(lines, flags.id), {
    window: flags.concurrency,
    ordered: flags.ordered,
    timeout: flags.timeout,
    signal,
  });
  for await (const outcome of outcomes) {
    summary.add(outcome);
    progress.clear();
    print(outcome, streams);
    if (!flags.quiet && (total ?? Infinity) > HANDFUL) {
      progress.draw(summary.count, total, `${client.inFlight} in flight`);
    }
    if (stdout.isBehind) await stdout.flush();
    if (stdout.isBroken) break;
  }
  progress.clear();
  await client.close();
  await stdout.flush();
  if (!flags.quiet) stderr.write(summary.toString());
  return signal.aborted ? Exit.interrupted : summary.exit;
}

async function* inputs(
  lines: Iterable<string> | AsyncIterable<string>,
  id: string | undefined,
): AsyncGenerator<{ id: ReturnType<typeof readInput>["id"]; data: string }, void, void> {
  for await (const line of lines) {
    const input = readInput(line);
    yield { data: input.data, id: id ?? input.id };
  }
}

/** An answer goes to stdout, error or not; that there was none goes to stderr. */
function print({ reply, error }: Outcome, { stdout, stderr, signal }: Streams): void {
  if (reply !== undefined) return stdout.write(escapeControls(reply.json) + "\n");
  if (error === undefined || signal.aborted) return;
  const id = JSON.stringify(error.request_id);
  const { code, message } = error;
  if (error instanceof RequestError && isErrorCode(code)) {
    stdout.write(escapeControls(encodeError(id, { code, message })) + "\n");
  } else {
    stderr.write(escapeControls(`${id}: ${code}: ${message}`) + "\n");
  }
}

async function open(path: string): Promise<ReadableStream<Uint8Array>> {
  try {
    return (await Deno.open(path)).readable;
  } catch (error) {
    const reason = error instanceof Deno.errors.NotFound
      ? "there is no such file"
      : error instanceof Deno.errors.NotCapable
      ? `no permission: run with --allow-read=${path}, or give it as stdin`
      : error instanceof Error
      ? error.message
      : String(error);
    throw new UsageError(`cannot read ${path}: ${reason}`);
  }
}

function failToConnect(error: unknown, url: string, signal: AbortSignal): number {
  if (signal.aborted) return Exit.interrupted;
  if (error instanceof SyntaxError) throw new UsageError(`--url: ${error.message}`);
  if (error instanceof Deno.errors.NotCapable) {
    const { host } = new URL(url);
    throw new CommandError(
      Exit.noConnection,
      `no permission to connect to ${url}: run with --allow-net=${host}`,
    );
  }
  if (error instanceof ConnectionError || error instanceof ClientError) {
    throw new CommandError(Exit.noConnection, escapeControls(error.message));
  }
  throw error;
}
