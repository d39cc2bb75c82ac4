/**
 * Writes a recording of a server.
 *
 * @module
 */

import type { Tap } from "../session/tap.ts";
import { recordTo } from "../session/recording.ts";
import { reportFailure, type Streams } from "./command.ts";
import { UsageError } from "./exit.ts";
import { formatCount } from "./figures.ts";
import { BufferedWriter } from "./buffered_writer.ts";

/** A recording that is being written. */
export interface Recording extends AsyncDisposable {
  /** What has to be told of the frames. */
  readonly tap: Tap;
  /** Writes what is still to be written; resolves to whether all has been. */
  isComplete(): Promise<boolean>;
}

/**
 * Begins a recording. If it cannot be written any more, one line on stderr reports it, and what follows
 * is not recorded.
 *
 * @param path of a file, which is made anew; `-` for stdout.
 * @throws {UsageError} that says why it cannot be written.
 */
export async function startRecording(
  path: string,
  { stdout, stderr }: Streams,
): Promise<Recording> {
  if (path === "-") return recordingTo(stdout);
  const file = await create(path);
  let size = 0;
  const output = new BufferedWriter({
    // In blocks, but at once: so nothing piles up, and nothing is lost when the process is made to end.
    write(bytes) {
      const written = file.writeSync(bytes);
      size += written;
      return Promise.resolve(written);
    },
    isTerminal: () => false,
  });
  const stopped = () =>
    `asyncpkt serve: stopped recording to ${path} after ${formatCount(size)} bytes`;
  reportFailure(output, stopped, stderr);
  const flush = () => void output.flush();
  globalThis.addEventListener("unload", flush);
  return recordingTo(output, () => {
    globalThis.removeEventListener("unload", flush);
    file.close();
  });
}

function recordingTo(output: BufferedWriter, close = () => {}): Recording {
  return {
    tap: recordTo((line) => output.writeLine(line)),
    async isComplete() {
      await output.flush();
      return output.failure === undefined;
    },
    async [Symbol.asyncDispose]() {
      await output.flush();
      close();
    },
  };
}

async function create(path: string): Promise<Deno.FsFile> {
  try {
    return await Deno.open(path, { write: true, create: true, truncate: true });
  } catch (error) {
    const reason = error instanceof Deno.errors.NotFound
      ? "there is no such folder"
      : reasonOf(error);
    throw new UsageError(`cannot write ${path}: ${reason}`);
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
