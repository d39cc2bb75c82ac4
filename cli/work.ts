/**
 * `asyncpkt work`: converts requests for servers behind NATS.
 *
 * @module
 */

import { showServers } from "../cluster/nats/server_urls.ts";
import {
  aborted,
  CommandError,
  Exit,
  shutDownWithStdin,
  type Streams,
  UsageError,
} from "./command.ts";
import { flagHelp, readFlags } from "./flags.ts";
import { startLog } from "./log.ts";
import { exitWithStdin, logFormat, NATS_FLAGS, natsNeeds, openNats } from "./nats.ts";
import { requirePermissions } from "./permissions.ts";

/** The flags of `asyncpkt work`. */
export const flags = { ...NATS_FLAGS, "log-format": logFormat, "exit-with-stdin": exitWithStdin };

/** Returns the text of `asyncpkt work --help`. */
export const help = () =>
  `Converts requests for servers that were started with serve --nats.

Usage: asyncpkt work --nats URL [flags]

${flagHelp(flags)}

Start any number of workers, on any machine. Requests wait in NATS, not in a worker, so a worker may
end at any time. SIGINT or SIGTERM ends it in good order, and another worker takes over its requests
at once. If it dies, another one takes them over after two seconds.

Exit codes: 0 ended by a signal, 2 wrong usage, 3 no connection to NATS.

Examples:
  asyncpkt work --nats nats://127.0.0.1:4222
  asyncpkt work --nats tls://nats.example --nats-creds worker.creds
`;

/** Works until a signal arrives. */
export async function run(args: string[], streams: Streams): Promise<number> {
  const { stdout, signal } = streams;
  const given = readFlags(flags, args);
  if (given.nats.length === 0) {
    throw new UsageError("expected --nats, as in --nats nats://127.0.0.1:4222");
  }
  await requirePermissions("work", args, natsNeeds(given));
  using log = startLog(stdout, given["log-format"], "none");
  const { NatsWorker } = await import("../cluster/nats/nats_worker.ts");
  await using worker = await openNats(given, log, (options) => NatsWorker.open(options));
  log.working(showServers(given.nats));
  await stdout.flush();
  if (given["exit-with-stdin"]) void shutDownWithStdin(streams);
  const ended = worker.ended.then((reason) => reason ?? new Error("the connection was closed"));
  const reason = await Promise.race([aborted(signal), ended]);
  if (reason instanceof Error) {
    throw new CommandError(Exit.noConnection, `lost the connection to NATS: ${reason.message}`);
  }
  return Exit.ok;
}
