/**
 * Writes a recording of a server.
 *
 * @module
 */

import type { Tap } from "../conversation/tap.ts";
import { recordTo } from "../recording/format.ts";
import { type Streams, UsageError } from "./command.ts";
import { Output } from "./output.ts";

/** A recording that is being written; disposed of, it is complete. */
export interface Recording extends AsyncDisposable {
  /** What has to be told of the frames. */
  readonly tap: Tap;
}

/**
 * Begins a recording.
 *
 * @param path of a file, which is made anew; `-` for stdout.
 * @throws {UsageError} that says why it cannot be written.
 */
export async function startRecording(path: string, streams: Streams): Promise<Recording> {
  const { stdout, stderr } = streams;
  if (path === "-") {
    return {
      tap: recordTo((line) => stdout.write(line)),
      [Symbol.asyncDispose]: () => stdout.flush(),
    };
  }
  const file = await create(path);
  const output = new Output({
    // In blocks, but at once: so nothing piles up, and nothing is lost when the process is made to end.
    write: (bytes) => {
      try {
        return Promise.resolve(file.writeSync(bytes));
      } catch (error) {
        stderr.write(`asyncpkt serve: no more is recorded: ${reasonOf(error)}\n`);
        throw error;
      }
    },
    isTerminal: () => false,
  });
  const flush = () => void output.flush();
  globalThis.addEventListener("unload", flush);
  return {
    tap: recordTo((line) => output.write(line)),
    async [Symbol.asyncDispose]() {
      globalThis.removeEventListener("unload", flush);
      await output.flush();
      file.close();
    },
  };
}

async function create(path: string): Promise<Deno.FsFile> {
  try {
    return await Deno.open(path, { write: true, create: true, truncate: true });
  } catch (error) {
    const reason = error instanceof Deno.errors.NotCapable
      ? `no permission: run with --allow-write=${path}, or write --record - > ${path}`
      : error instanceof Deno.errors.NotFound
      ? "there is no such folder"
      : reasonOf(error);
    throw new UsageError(`cannot write ${path}: ${reason}`);
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
