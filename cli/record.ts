/**
 * Records the frames of a server.
 *
 * @module
 */

import { recordTo } from "../session/recording.ts";
import { reportFailure, type Streams } from "./command.ts";
import { formatCount } from "./figures.ts";
import { BufferedWriter } from "./buffered_writer.ts";
import { createFile } from "./files.ts";

/**
 * Starts a recording. If a write fails, it reports that on stderr and stops.
 *
 * @param path of a file, which it creates or empties; `-` for stdout.
 * @returns the tap that receives the frames, and `isComplete()`, which writes the rest and resolves to
 * whether the recording is complete.
 * @throws {UsageError} if the file cannot be created.
 */
export async function startRecording(path: string, { stdout, stderr }: Streams) {
  const file = path === "-" ? undefined : await createFile(path);
  const output = file === undefined ? stdout : writerOf(file, path, stderr);
  const flush = () => output.flush();
  if (file !== undefined) globalThis.addEventListener("unload", flush);
  return {
    tap: recordTo((line) => output.writeLine(line)),
    async isComplete(): Promise<boolean> {
      await flush();
      return output.failure === undefined;
    },
    async [Symbol.asyncDispose](): Promise<void> {
      await flush();
      globalThis.removeEventListener("unload", flush);
      file?.close();
    },
  };
}

function writerOf(file: Deno.FsFile, path: string, stderr: BufferedWriter): BufferedWriter {
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
  return output;
}
