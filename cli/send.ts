/**
 * `asyncpkt send`: sends packets and waits for the answers.
 *
 * @module
 */

import { Client, type Outcome, RequestError, type RequestInput } from "../client.ts";
import { encodeError, isErrorCode } from "../protocol.ts";
import type { Chart } from "./chart.ts";
import { chunksOf } from "./chunks.ts";
import { CommandError, Exit, type Streams, UsageError } from "./command.ts";
import { failToConnect } from "./connect_failure.ts";
import { escapeControls } from "./escape.ts";
import { flagHelp, integer, readFlags, seconds, text, toggle } from "./flags.ts";
import { readInput } from "./input.ts";
import { linesOf } from "./lines.ts";
import { openFile } from "./open_file.ts";
import type { Output } from "./output.ts";
import { progressLine } from "./progress.ts";
import { Summary } from "./summary.ts";

/** Up to this many requests need no progress. */
const HANDFUL = 5;

/** What it can be told. */
const FLAGS = {
  url: text("URL", "the server [ws://localhost:2707]", "ws://localhost:2707"),
  id: text("ID", "the request_id, if there is one request", undefined),
  file: text("PATH", "reads packets from a file, - for stdin", undefined),
  concurrency: integer("N", "requests in flight at once [100]", 100, 1),
  timeout: seconds("SECONDS", "how long to wait for each answer [10]", 10),
  ordered: toggle("answers in the order sent, not as they arrive"),
  chart: toggle("shows when each was sent and answered; on a terminal, while it happens"),
  json: toggle("the summary as one JSON object, the last line of stderr"),
  quiet: toggle("no progress and no summary"),
};

export { FLAGS as flags };

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
  seq 50 | asyncpkt send --chart > answers.txt
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
  // Input that may never end is not waited for once there is no connection.
  const lost = new AbortController();
  const lines = flags._.length > 0 ? flags._ : linesOf(chunksOf(
    readsStdin ? stdin.readable : await openFile(flags.file!),
    AbortSignal.any([signal, lost.signal]),
  ));

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
  void client.closed.then(() => lost.abort());

  const total = Array.isArray(lines) ? lines.length : undefined;
  const summary = new Summary();
  const chart = flags.chart ? await startChart(stderr) : undefined;
  let isRead = false;
  async function* inputs(): AsyncGenerator<RequestInput, void, void> {
    for await (const line of lines) {
      const { data, id } = readInput(line);
      chart?.sent(flags.id ?? id);
      yield { data, id: flags.id ?? id };
    }
    isRead = !lost.signal.aborted;
  }
  const outcomes = client.requests(inputs(), {
    window: flags.concurrency,
    ordered: flags.ordered,
    timeout: flags.timeout,
    signal,
  });
  const showsProgress = !flags.quiet && (total ?? Infinity) > HANDFUL;
  using _progress = stderr.keepBelow((size) => [
    ...chart?.live(size) ?? [],
    ...showsProgress ? [progressLine(summary.count, total, `${client.inFlight} in flight`)] : [],
  ]);
  for await (const outcome of outcomes) {
    summary.add(outcome);
    chart?.settled(outcome);
    print(outcome, streams);
    if (stdout.isBehind) await stdout.flush();
    if (stdout.isBroken) break;
  }
  const isCutOff = lost.signal.aborted && !isRead && !stdout.isBroken;
  await client.close();
  await stdout.flush();
  if (chart !== undefined) stderr.write(chart.final(stderr.size.columns));
  if (!flags.quiet) {
    stderr.write(flags.json ? escapeControls(JSON.stringify(summary)) + "\n" : `${summary}`);
  }
  if (signal.aborted) return Exit.interrupted;
  if (isCutOff) {
    throw new CommandError(Exit.noConnection, "the connection was lost before the input ended");
  }
  return summary.exit;
}

/** Only those who want a chart wait for what draws it. */
async function startChart(output: Output): Promise<Chart> {
  const { Chart } = await import("./chart.ts");
  return new Chart(output.hasColours);
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
