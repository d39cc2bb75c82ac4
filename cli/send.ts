/**
 * `asyncpkt send`: sends packets and waits for the answers.
 *
 * @module
 */

import { Client, type ConnectOptions } from "../client.ts";
import { anySignal } from "../client/any_signal.ts";
import type { RequestId } from "../protocol.ts";
import { surviveLongTexts } from "../server/deno_workarounds.ts";
import {
  CLIENT_PROTOCOL_FLAGS,
  clientNeeds,
  readClientAccess,
  readClientProtocol,
  REQUEST_FLAGS,
  requireProtocol,
  SERVER_FLAGS,
} from "./client_flags.ts";
import { CommandError, Exit, messageOf, stopSignal, type Streams, UsageError } from "./command.ts";
import { counted } from "./figures.ts";
import * as flag from "./flags.ts";
import { type InputLine, readInput, readLines, shorten, type TextLine } from "./input.ts";
import { openFile } from "./files.ts";
import { OutcomeReporter } from "./outcome_reporter.ts";
import { requirePermissions } from "./permissions.ts";

/** The flags of `asyncpkt send`. */
export const flags = {
  ...flag.group("Requests", {
    ...REQUEST_FLAGS,
    id: flag.text("ID", "the request_id, if there is one request"),
    replay: flag.text("PATH", "sends the requests of a recording, each at its time"),
    speed: flag.value("N", "replays N times as fast [1]", parseSpeed),
    strict: flag.toggle("does not send JSON that is not a packet"),
  }),
  ...flag.group("Server", {
    ...SERVER_FLAGS,
    wait: flag.toggle("keeps trying to connect until --timeout"),
    "no-reconnect": flag.toggle("exits when the connection is lost"),
    "no-retry": flag.toggle("does not retry requests that the server refuses"),
  }),
  ...CLIENT_PROTOCOL_FLAGS,
  ...flag.group("Output", {
    ordered: flag.toggle("prints answers in the order sent, not as they arrive"),
    chart: flag.toggle("shows when each was sent and answered, as a chart"),
    json: flag.toggle("writes the summary as JSON, the last line of stderr"),
    quiet: flag.toggle("shows no progress and no summary"),
  }),
};

/** Returns the text of `asyncpkt send --help`. */
export const help = () =>
  `Sends packets and waits for the answers.

Usage: asyncpkt send [flags] [DATA…]

Each DATA is the data of one packet, or a whole packet as JSON, an object with "data". Without DATA,
packets are read from stdin or --file, one per line. Answers go to stdout, one JSON object per line;
all else goes to stderr. The command exits when every request has been answered or has failed. If
the connection is lost, it reconnects within --timeout and sends unanswered requests again.

${flag.flagHelp(flags)}

Input that begins with { or [ but is not a packet is sent as plain data, with a warning on stderr.
With --strict, it is not sent and counts as failed. An array of packets is not one packet: give each
packet as an argument or a line of its own. A line that is not valid UTF-8 or is longer than 64 MiB
is not sent and counts as failed. For the first five such inputs, stderr reports the number and the
reason.

With --protocol, each DATA or line is a whole message: of JSON-RPC 2.0; of JSON with an id; or any
text that the server echoes. An object without an id gets the number of its argument or line.
Answers are printed as they come. Messages may have side effects, so each is sent once: the command
does not reconnect, retry or cancel. An answer of json is an error if --error-at points to anything
but null, false or 0. Messages that answer no request go to stderr.

Exit codes: 0 all answered, 1 some answered with an error, some input not sent, or the output could
not be written, 2 wrong usage, 3 no connection, 4 some not answered in time, 130 interrupted.

Examples:
  asyncpkt send 'Hub&&name&&qwe&&id&&123&&%%Device&&name&&wqe&&id&&234&&'
  asyncpkt send --id 01 --url ws://127.0.0.1:2707 'Hub&&name&&qwe'
  asyncpkt send --ordered --concurrency 1000 < packets.txt
  asyncpkt send --strict --wait < packets.ndjson                # the server may start later
  seq 50 | asyncpkt send --chart > answers.txt                  # watch 50 requests at once
  asyncpkt send --replay recording.ndjson --speed 2             # from serve --record
  asyncpkt send --protocol jsonrpc '{"jsonrpc":"2.0","method":"ping"}'
`;

type Flags = flag.FlagValues<typeof flags>;

function parseSpeed(text: string): number {
  const factor = /^\d+(\.\d+)?$/.test(text) ? Number(text) : NaN;
  if (factor > 0 && factor < Infinity) return factor;
  throw flag.unexpected("a factor, such as 2 or 0.5", text);
}

/** Sends all requests and prints their answers. */
export async function run(args: string[], streams: Streams): Promise<number> {
  const { stdin, stdout, stderr, signal } = streams;
  const given = flag.readFlags(flags, args, "words");
  checkUsage(given);
  const path = given.replay ?? given.file;
  const readsStdin = given._.length === 0 && (path === undefined || path === "-");
  if (readsStdin && path === undefined && stdin.isTerminal()) {
    stderr.write(help());
    return Exit.usage;
  }
  const wire = await readClientProtocol(given);
  await requirePermissions("send", args, clientNeeds(given, path));
  const access = await readClientAccess(given);
  const stop = stopSignal(streams);
  // Without a connection, input that may never end is not read to its end.
  const lost = new AbortController();
  const input = given._.length > 0
    ? given._.map((text, i): InputLine => ({ number: i + 1, text }))
    : readLines(
      readsStdin ? stdin.readable : await openFile(path!),
      anySignal(stop, lost.signal),
    );

  const { quiet, json, concurrency, timeout, ordered, speed = 1, url, protocol } = given;
  const total = Array.isArray(input) ? input.length : undefined;
  const chart = given.chart
    ? new (await import("./terminal/chart.ts")).Chart(stderr.hasColors)
    : undefined;
  const reporter = new OutcomeReporter(streams, {
    ...{ quiet, json, chart, total },
    input: total === undefined ? "line" : "argument",
  });
  async function* textLines(): AsyncGenerator<TextLine, void, void> {
    for await (const line of input) {
      if (line.problem === undefined) yield line;
      else reporter.refuse(line.number, line.problem);
    }
  }
  const connect = async () => {
    const options = { ...connectOptions(given, reporter), ...access, signal: stop };
    const client = await Client.connect(url, options);
    reporter.summary.begin();
    return client;
  };
  const fail = async (error: unknown) => {
    const { failToConnect } = await import("./connect_advice.ts");
    return await failToConnect(error, { url, protocol, access, signal });
  };

  if (given.replay !== undefined) {
    const { Replay } = await import("./replay.ts");
    const replay = new Replay(textLines(), {
      ...{ speed, timeout, ordered, connect, signal: stop },
      name: readsStdin ? "stdin" : given.replay,
      onSent: (id) => chart?.sent(id),
    });
    try {
      await reporter.report(replay.outcomes(), replay);
    } catch (error) {
      return await fail(error);
    }
    const exit = await reporter.end();
    const what = counted(replay.leftOut, "invalid line or packet", "invalid lines or packets");
    if (replay.leftOut > 0) reporter.warn(`left out: ${what}`);
    if (replay.error !== undefined) throw replay.error;
    return signal.aborted ? Exit.interrupted : exit;
  }

  let isRead = false;
  async function* inputs<T extends { readonly id?: RequestId | undefined }>(
    read: (line: TextLine) => T | undefined,
  ): AsyncGenerator<T, void, void> {
    for await (const line of textLines()) {
      const input = read(line);
      if (input === undefined) continue;
      chart?.sent(input.id);
      yield input;
    }
    isRead = !lost.signal.aborted;
  }
  const readPacket = ({ number, text }: TextLine) => {
    const { data, id, problem } = readInput(text);
    if (problem !== undefined && given.strict) {
      reporter.refuse(number, `${problem}; not sent, expected {"data": "…"} or plain data`);
      return undefined;
    }
    if (problem !== undefined) {
      reporter.warnOfInput(number, `${problem}; sent as plain data, which --strict refuses`);
    }
    return { data, id: given.id ?? id };
  };
  const options = { window: concurrency, ordered, timeout, signal: stop };
  const open = async () => {
    if (wire === undefined) {
      const client = await connect();
      return { client, outcomes: () => client.requests(inputs(readPacket), options) };
    }
    const { MessageClient } = await import("./message_client.ts");
    const client = await MessageClient.connect(url, {
      ...connectOptions(given, reporter),
      ...access,
      ...{ wire, signal: stop, subprotocol: given.subprotocol ?? "" },
      onUnmatched: (answer: string) => reporter.warn(`no request waits for ${answer}`),
    });
    reporter.summary.begin();
    const readMessage = ({ number, text }: TextLine) => {
      try {
        return wire.request(text, number);
      } catch (error) {
        reporter.refuse(number, `${shorten(text)}: ${messageOf(error)}; not sent`);
        return undefined;
      }
    };
    return { client, outcomes: () => client.requests(inputs(readMessage), options) };
  };

  let opened: Awaited<ReturnType<typeof open>>;
  try {
    opened = await open();
  } catch (error) {
    return await fail(error);
  }
  await using client = opened.client;
  void client.closed.then(() => lost.abort());
  let isTooLong = false;
  using _survival = surviveLongTexts(() => {
    isTooLong = true;
    void client.close();
  });

  await reporter.report(opened.outcomes(), client);
  const isCutOff = lost.signal.aborted && !isRead && !stdout.broken.aborted;
  await Promise.all([stdout.flush(), client.close()]); // the last answers do not wait for the close
  const exit = await reporter.end();
  if (signal.aborted) return Exit.interrupted;
  if (isTooLong) {
    throw new CommandError(Exit.noConnection, "the server sent a text of 512 MiB or more");
  }
  if (isCutOff) {
    throw new CommandError(Exit.noConnection, "the connection was lost before the input ended");
  }
  return exit;
}

/** @throws {UsageError} if the flags do not fit together. */
function checkUsage(given: Flags): void {
  const { _: { length }, id, file, replay, speed, strict, protocol } = given;
  const isReplay = replay !== undefined;
  requireProtocol(protocol, ["packets"], {
    "--id": id !== undefined,
    "--replay": isReplay,
    "--strict": strict,
    "--no-reconnect": given["no-reconnect"],
    "--no-retry": given["no-retry"],
  });
  flag.exclude({ "--file": file !== undefined, "--replay": isReplay, DATA: length > 0 });
  flag.exclude({ "--strict": strict, "--replay": isReplay });
  if (id !== undefined && length !== 1) {
    throw new UsageError(`--id: expected one DATA, got ${length || "none"}; put ids into packets`);
  }
  if (speed !== undefined && !isReplay) {
    throw new UsageError("--speed: expected --replay too; only a recording has times");
  }
}

/** Options of the connection, which reports its events to `reporter`. */
function connectOptions(flags: Flags, reporter: OutcomeReporter) {
  const { timeout } = flags;
  let isWaiting = false;
  return {
    timeout,
    wait: flags.wait ? timeout : 0,
    reconnect: flags["no-reconnect"] ? false : timeout,
    retry: !flags["no-retry"],
    onUnmatched: (answer) => reporter.warn(`no request waits for ${JSON.stringify(answer)}`),
    onInvalidFrame: (frame: unknown) => reporter.warn(`not an answer: ${frame}`),
    onDisconnect: ({ code, message }, wait) => {
      const isFirst = code === "connection_failed";
      if (isFirst && isWaiting) return;
      isWaiting = isFirst;
      const again = `trying again in ${(wait / 1000).toFixed(1)} s`;
      const first = `waiting for the server, for ${timeout / 1000} s at most`;
      reporter.info(`${message}; ${isFirst ? first : again}`);
    },
    onReconnect: () => reporter.info("reconnected"),
  } satisfies ConnectOptions;
}
