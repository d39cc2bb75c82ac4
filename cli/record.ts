/**
 * Records the frames of a server.
 *
 * @module
 */

import type { Tap } from "../session/tap.ts";
import { recordTo } from "../session/recording.ts";
import { reportFailure, type Streams } from "./command.ts";
import { formatCount } from "./figures.ts";
import { BufferedWriter } from "./buffered_writer.ts";
import { createFile } from "./files.ts";

/** A recording that is being written. */
export interface Recording extends AsyncDisposable {
  /** Receives the frames. */
  readonly tap: Tap;
  /** Writes the rest; resolves to whether the recording is complete. */
  isComplete(): Promise<boolean>;
}

/**
 * Starts a recording. If a write fails, it reports that on stderr and stops.
 *
 * @param path of a file, which it creates or empties; `-` for stdout.
 * @throws {UsageError} if the file cannot be created.
 */
export async function startRecording(
  path: string,
  { stdout, stderr }: Streams,
): Promise<Recording> {
  if (path === "-") return recordingTo(stdout);
  const file = await createFile(path);
  let size = 0;
  const output = new BufferedWriter({
    // Synchronous, so that nothing piles up, or is lost when the process is made to end.
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
