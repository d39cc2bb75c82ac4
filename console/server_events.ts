/**
 * Server-sent events over `fetch`, since an `EventSource` cannot send a token.
 *
 * @module
 */

/** An event. */
export interface ServerSentEvent {
  readonly name: string;
  readonly data: string;
}

/** Reads the events of a stream. Lines must end with LF or CRLF. */
export async function* readEvents(stream: ReadableStream<Uint8Array>): AsyncGenerator<
  ServerSentEvent
> {
  const decoder = new TextDecoder();
  const reader = stream.getReader(); // not all browsers iterate over streams
  let text = "";
  let name = "message";
  let data: string[] = [];
  try {
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      const lines = (text + decoder.decode(read.value, { stream: true })).split("\n");
      text = lines.pop()!;
      for (const line of lines.map((line) => line.replace(/\r$/, ""))) {
        if (line === "") {
          if (data.length > 0) yield { name, data: data.join("\n") };
          name = "message";
          data = [];
        }
        const [, field, value] = /^(event|data): ?(.*)$/.exec(line) ?? [];
        if (field === "event") name = value!;
        else if (field === "data") data.push(value!);
      }
    }
  } finally {
    await reader.cancel();
  }
}
