/**
 * `asyncpkt send`: sends packets and waits for the answers.
 *
 * @module
 */

import { Client, type RequestInput } from "../client.ts";
import type { RequestId } from "../protocol.ts";
import { surviveLongTexts } from "../server/deno_workarounds.ts";
import { CLIENT_ACCESS, clientNeeds, readClientAccess } from "./auth.ts";
import { stopSignal, type Streams } from "./command.ts";
import { CommandError, Exit, UsageError } from "./exit.ts";
import { counted } from "./figures.ts";
import { type Flag, flagHelp, integer, readFlags, seconds, text, toggle } from "./flags.ts";
import { readInput } from "./input.ts";
import { type InputLine, readLines, type TextLine } from "./lines.ts";
import { openFile } from "./files.ts";
import { Outcomes } from "./outcomes.ts";
import { requirePermissions, toRead } from "./permissions.ts";

const speed: Flag<number | undefined> = {
  placeholder: "N",
  help: "replays N times as fast [1]",
  default: undefined,
  parse: (given) => {
    const value = /^\d+(\.\d+)?$/.test(given) ? Number(given) : NaN;
    if (value > 0 && value < Infinity) return value;
    throw new RangeError(`want a factor, such as 2 or 0.5, got ${JSON.stringify(given)}`);
  },
};

/** What it can be told. */
const FLAGS = {
  url: text("URL", "the server [ws://localhost:2707]", "ws://localhost:2707"),
  id: text("ID", "the request_id, if there is one request", undefined),
  file: text("PATH", "reads packets from a file, - for stdin", undefined),
  replay: text("PATH", "sends the requests of a recording again, each at its time", undefined),
  speed,
  concurrency: integer("N", "requests in flight at once [100]", 100, 1),
  timeout: seconds("SECONDS", "how long to wait for each answer [10]", 10),
  ordered: toggle("answers in the order sent, not as they arrive"),
  strict: toggle("refuses input that looks like JSON but is not a packet, and sends the rest"),
  wait: toggle("keeps trying to connect until --timeout: the server may start later"),
  "no-reconnect": toggle("ends when the connection is lost"),
  "no-retry": toggle("does not try again what is refused as overloaded or shutting_down"),
  chart: toggle("shows when each was sent and answered; on a terminal, while it happens"),
  json: toggle("the summary as one JSON object, the last line of stderr"),
  quiet: toggle("no progress and no summary"),
  ...CLIENT_ACCESS,
};

export { FLAGS as flags };

/** What `asyncpkt send --help` shows. */
export const help = `Sends packets and waits for the answers.

Usage: asyncpkt send [flags] [DATA…]

Each DATA is the data of one packet, or a whole packet as JSON, an object with "data". Without any, they
are read from stdin or --file, one a line. A line of more than 64 MiB, or one that is not valid UTF-8, is
not sent and counts as failed; stderr reports its number. Answers go to stdout, one JSON object a line;
all else goes to stderr. It ends when every request has been answered or given up. A connection that is
lost is made again, for as long as an answer may take, and what has no answer is sent again.

Input that begins with { or [ and is not a packet is sent as plain data, with a warning on stderr. With
--strict it is not sent and counts as failed, and the rest is sent. So an array of packets is not one
packet: give each as an argument or line of its own. Of all inputs with a fault, stderr shows the first
five, and in the end how many more there were.

${flagHelp(FLAGS)}

Exit codes: 0 all answered, 1 some answered with an error, some input refused, or the output could not
be written, 2 wrong usage, 3 no connection, 4 some not answered in time, 130 interrupted.

Examples:
  asyncpkt send 'Hub&&name&&qwe&&id&&123&&%%Device&&name&&wqe&&id&&234&&'
  asyncpkt send --id 01 --url ws://127.0.0.1:2707 'Hub&&name&&qwe'
  asyncpkt send --ordered --concurrency 1000 < packets.txt
  asyncpkt send --strict --wait < packets.ndjson
  asyncpkt send --replay recording.ndjson --speed 2
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
  const path = flags.replay ?? flags.file;
  if ([flags.replay, flags.file, flags._[0]].filter((source) => source !== undefined).length > 1) {
    throw new UsageError("packets come from --file, from --replay or from the command line");
  }
  if (flags.speed !== undefined && flags.replay === undefined) {
    throw new UsageError("--speed is for --replay");
  }
  if (flags.strict && flags.replay !== undefined) {
    throw new UsageError("--strict is for packets, not for the frames of --replay");
  }
  const readsStdin = flags._.length === 0 && (path === undefined || path === "-");
  if (readsStdin && path === undefined && stdin.isTerminal()) {
    stderr.write(help);
    return Exit.usage;
  }
  await requirePermissions("send", args, [
    ...clientNeeds(flags.url, flags),
    ...toRead(path === "-" ? undefined : path),
  ]);
  const access = await readClientAccess(flags);
  const stop = stopSignal(streams);
  // Input that may never end is not waited for once there is no connection.
  const lost = new AbortController();
  const input = flags._.length > 0
    ? flags._.map((text, i): InputLine => ({ number: i + 1, text }))
    : readLines(readsStdin ? stdin.readable : await openFile(path!), {
      signal: AbortSignal.any([stop, lost.signal]),
    });

  const { quiet, json, chart } = flags;
  const total = Array.isArray(input) ? input.length : undefined;
  const outcomes = await Outcomes.start(streams, {
    ...{ quiet, json, chart, total },
    input: total === undefined ? "line" : "argument",
  });
  async function* textLines(): AsyncGenerator<TextLine, void, void> {
    for await (const line of input) {
      if (line.fault === undefined) yield line;
      else outcomes.refuse(line.number, line.fault);
    }
  }
  let isWaiting = false;
  const connect = async () => {
    const client = await Client.connect(flags.url, {
      signal: stop,
      timeout: flags.timeout,
      wait: flags.wait ? flags.timeout : 0,
      ...access,
      reconnect: flags["no-reconnect"] ? false : flags.timeout,
      retry: !flags["no-retry"],
      onUnmatched: (answer) => outcomes.warn(`no request waits for ${JSON.stringify(answer)}`),
      onInvalidFrame: (frame) => outcomes.warn(`not an answer: ${frame}`),
      onDisconnect: ({ code, message }, wait) => {
        const isFirst = code === "connection_failed";
        if (isFirst && isWaiting) return;
        isWaiting = isFirst;
        const next = isFirst
          ? `waiting for it, for ${flags.timeout / 1000} s at most`
          : `trying again in ${(wait / 1000).toFixed(1)} s`;
        outcomes.tell(`${message}; ${next}`);
      },
      onReconnect: () => outcomes.tell("connected again"),
    });
    outcomes.connected();
    return client;
  };

  const fail = async (error: unknown) => {
    const { failToConnect } = await import("./connect_advice.ts");
    return await failToConnect(error, { url: flags.url, access, signal });
  };
  if (flags.replay !== undefined) {
    const { Replay } = await import("./replay.ts");
    const { speed = 1, timeout, ordered } = flags;
    const name = readsStdin ? "stdin" : flags.replay;
    const onSent = (id: RequestId) => outcomes.sent(id);
    const replay = new Replay(textLines(), {
      name,
      speed,
      timeout,
      ordered,
      signal: stop,
      connect,
      onSent,
    });
    try {
      await outcomes.show(replay.outcomes(), replay);
    } catch (error) {
      return await fail(error);
    }
    const exit = await outcomes.end();
    if (replay.leftOut > 0) {
      outcomes.warn(
        `left out: ${
          counted(replay.leftOut, "invalid line or packet", "invalid lines or packets")
        }`,
      );
    }
    if (replay.error !== undefined) throw replay.error;
    return signal.aborted ? Exit.interrupted : exit;
  }

  let client: Client;
  try {
    client = await connect();
  } catch (error) {
    return await fail(error);
  }
  await using _ = client;
  void client.closed.then(() => lost.abort());
  let isTooLong = false;
  using _survival = surviveLongTexts(() => {
    isTooLong = true;
    void client.close();
  });

  let isRead = false;
  async function* inputs(): AsyncGenerator<RequestInput, void, void> {
    for await (const { number, text } of textLines()) {
      const { data, id, fault } = readInput(text);
      if (fault !== undefined && flags.strict) {
        outcomes.refuse(number, `${fault}; not sent, expected {"data": "…"} or plain data`);
        continue;
      }
      if (fault !== undefined) {
        outcomes.doubt(number, `${fault}; sent as plain data, which --strict refuses`);
      }
      outcomes.sent(flags.id ?? id);
      yield { data, id: flags.id ?? id };
    }
    isRead = !lost.signal.aborted;
  }
  const { concurrency: window, ordered, timeout } = flags;
  const options = { window, ordered, timeout, signal: stop };
  await outcomes.show(client.requests(inputs(), options), client);
  const isCutOff = lost.signal.aborted && !isRead && !stdout.isBroken;
  await client.close();
  const exit = await outcomes.end();
  if (signal.aborted) return Exit.interrupted;
  if (isTooLong) {
    throw new CommandError(Exit.noConnection, "the server sent a text of 512 MiB or more");
  }
  if (isCutOff) {
    throw new CommandError(Exit.noConnection, "the connection was lost before the input ended");
  }
  return exit;
}
