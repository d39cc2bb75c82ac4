/**
 * `asyncpkt serve`: the server.
 *
 * @module
 */

import { DEFAULT_LIMITS } from "../conversation/conversations.ts";
import { DEFAULT_DELAY, parseDelay } from "../delay/policy.ts";
import { DEFAULT_PORT, serve, type ServeOptions, type Server } from "../server.ts";
import { CommandError, Exit, type Streams, UsageError } from "./command.ts";
import { choice, type Flag, flagHelp, integer, readFlags, size, text, toggle } from "./flags.ts";
import { startLog } from "./log.ts";

const delay: Flag<{ min: number; max: number }> = {
  placeholder: "A..B",
  help: "each request's delay in seconds: uniform, N for a fixed one, 0 for none [1..5]",
  default: DEFAULT_DELAY,
  parse: parseDelay,
};

const FLAGS = {
  port: integer("N", "the port; 0 takes a free one [2707]", DEFAULT_PORT, 0, 65_535),
  hostname: text("HOST", "the address to listen on [127.0.0.1]", "127.0.0.1"),
  delay,
  seed: integer("N", "makes each delay a function of N and of the request's id alone", undefined),
  quiet: toggle("no line for each request"),
  "log-format": choice("sentences, or one JSON object a line [text]", ["text", "json"]),
  "no-console": toggle("no page for browsers"),
  "max-packet-size": size("SIZE", "the longest frame [1MiB]", DEFAULT_LIMITS.packetSize),
  "max-in-flight": integer(
    "N",
    "requests in flight on one connection [10000]",
    DEFAULT_LIMITS.inFlight,
    1,
  ),
};

/** What `asyncpkt serve --help` shows. */
export const help = `Answers packets over WebSocket, each after its own delay.

Usage: asyncpkt serve [flags]

${flagHelp(FLAGS)}

One WebSocket endpoint at /, plain mode and asyncpkt.v1. POST / takes a packet, or an array of packets
that is answered line by line. A browser that opens / shows a console. GET /healthz says how it is.
SIGINT or SIGTERM drains: what is in flight is still answered; a second one ends it at once.

Examples:
  asyncpkt serve
  asyncpkt serve --delay 0.1..0.5 --seed 7 --quiet
  curl -N -d '[{"request_id":1,"data":"Hub&&name&&qwe"}]' http://127.0.0.1:2707
`;

/** Serves until a signal comes, then drains. */
export async function run(args: string[], { stdout, signal }: Streams): Promise<number> {
  const flags = readFlags(FLAGS, args);
  if (flags._.length > 0) throw new UsageError(`serve takes no ${JSON.stringify(flags._[0])}`);
  const log = await startLog(stdout, flags["log-format"], flags.quiet);
  const options: ServeOptions = {
    hostname: flags.hostname,
    port: flags.port,
    delay: flags.delay,
    limits: { packetSize: flags["max-packet-size"], inFlight: flags["max-in-flight"] },
    console: !flags["no-console"],
    events: log,
  };
  if (flags.seed !== undefined) options.seed = flags.seed;

  const server = listen(options);
  log.listening(server.url);
  await stdout.flush();
  await aborted(signal);
  log.draining(server.inFlight);
  await server.drain();
  return Exit.ok;
}

function listen(options: ServeOptions): Server {
  try {
    return serve(options);
  } catch (error) {
    const where = `${options.hostname}:${options.port}`;
    if (error instanceof Deno.errors.NotCapable) {
      throw new CommandError(
        Exit.noConnection,
        `no permission to listen on ${where}: run with --allow-net=${where}`,
      );
    }
    const reason = error instanceof Deno.errors.AddrInUse
      ? "the port is in use; --port 0 takes a free one"
      : error instanceof Deno.errors.PermissionDenied
      ? "the system does not allow it"
      : error instanceof Error
      ? error.message
      : String(error);
    throw new CommandError(Exit.noConnection, `cannot listen on ${where}: ${reason}`);
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (signal.aborted) resolve();
  else signal.addEventListener("abort", () => resolve(), { once: true });
  return promise;
}
