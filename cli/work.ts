/**
 * `asyncpkt work`: converts requests for servers behind NATS.
 *
 * @module
 */

import { showServers } from "../cluster/nats/server_urls.ts";
import { aborted, type Streams } from "./command.ts";
import { CommandError, Exit, UsageError } from "./exit.ts";
import { exitWithStdin, shutDownWithStdin } from "./exit_with_stdin.ts";
import { choice, flagHelp, readFlags } from "./flags.ts";
import { startLog } from "./log.ts";
import { NATS_FLAGS, natsNeeds, natsOptions, openNats } from "./nats.ts";
import { requirePermissions } from "./permissions.ts";

/** What it can be told. */
const FLAGS = {
  ...NATS_FLAGS,
  "log-format": choice("sentences, or one JSON object a line [text]", ["text", "json"]),
  "exit-with-stdin": exitWithStdin,
};

export { FLAGS as flags };

/** What `asyncpkt work --help` shows. */
export const help = `Converts requests for servers that were started with serve --nats.

Usage: asyncpkt work --nats URL [flags]

${flagHelp(FLAGS)}

Start as many as you like, on any machine. A request waits in NATS, not in a worker, so a worker may end
at any time: what it had in hand, another takes up after two seconds, or at once after SIGINT or SIGTERM,
which end it in good order, with 0. It ends with 3 when there is no connection to NATS.

Examples:
  asyncpkt work --nats nats://127.0.0.1:4222
  asyncpkt work --nats tls://nats.example --nats-creds worker.creds
`;

/** Works until a signal comes. */
export async function run(args: string[], streams: Streams): Promise<number> {
  const { stdout, signal } = streams;
  const flags = readFlags(FLAGS, args);
  if (flags._.length > 0) throw new UsageError(`work takes no ${JSON.stringify(flags._[0])}`);
  if (flags.nats.length === 0) throw new UsageError("--nats URL is missing");
  await requirePermissions("work", args, natsNeeds(flags));
  using log = startLog(stdout, flags["log-format"], false);
  const { NatsWorker } = await import("../cluster/nats/nats_worker.ts");
  const options = await natsOptions(flags, log);
  await using worker = await openNats(() => NatsWorker.open(options));
  log.working(showServers(flags.nats));
  await stdout.flush();
  if (flags["exit-with-stdin"]) void shutDownWithStdin(streams);
  const ended = worker.ended.then((reason) => reason ?? new Error("the connection was closed"));
  const reason = await Promise.race([aborted(signal), ended]);
  if (reason instanceof Error) {
    throw new CommandError(Exit.noConnection, `there is no more work: ${reason.message}`);
  }
  return Exit.ok;
}
