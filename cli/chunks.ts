/**
 * What people pipe in, until it ends, fails or is interrupted.
 *
 * @module
 */

import { UsageError } from "./command.ts";

/**
 * The chunks of a stream; none any more once `signal` is aborted, even while it waits for one.
 *
 * @throws {UsageError} if the stream cannot be read, as when it is a directory.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { chunksOf } from "./chunks.ts";
 *
 * const stream = new Blob(["one"]).stream();
 * const [chunk] = await Array.fromAsync(chunksOf(stream, new AbortController().signal));
 * assertEquals(new TextDecoder().decode(chunk), "one");
 * ```
 */
export async function* chunksOf(
  stream: ReadableStream<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, void> {
  try {
    yield* stream.pipeThrough(new TransformStream<Uint8Array, Uint8Array>(), { signal });
  } catch (error) {
    if (signal.aborted) return;
    const reason = error instanceof Error ? error.message : String(error);
    throw new UsageError(`cannot read the input: ${reason}`);
  }
}
