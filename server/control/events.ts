/**
 * The changes of a server as server-sent events.
 *
 * @module
 */

import { AnswerStream } from "../answer_stream.ts";
import type { Change, Steering } from "../steering.ts";

/** The most readers. */
export const MAX_READERS = 100;

/** What a reader may leave unread, in UTF-16 units. */
const MAX_UNREAD = 1 << 24;

/** Streams of events, one for each reader. Without readers, they cost nothing. */
export class EventStreams {
  readonly #steering: Steering;
  readonly #keepalive: number;
  readonly #streams = new Set<AnswerStream>();
  #stop = () => {};

  /** @param keepalive time between comments, in milliseconds, that show that a stream is alive. */
  constructor(steering: Steering, keepalive = 15_000) {
    this.#steering = steering;
    this.#keepalive = keepalive;
  }

  /** Returns a response with each change from now on; undefined if there are too many readers. */
  open(): Response | undefined {
    if (this.#streams.size === MAX_READERS) return undefined;
    const stream: AnswerStream = new AnswerStream(
      () => this.#remove(stream),
      (reason) => this.#cutOff(stream, reason),
    );
    if (this.#streams.size === 0) this.#start();
    this.#streams.add(stream);
    stream.write(": each change from now on\n\n");
    return new Response(stream.readable, { headers: { "content-type": "text/event-stream" } });
  }

  /** Ends all streams, after the events that were sent. */
  close(): void {
    for (const stream of this.#streams) {
      stream.end();
      this.#remove(stream);
    }
  }

  #start(): void {
    const { journal } = this.#steering;
    const stops = [
      journal.listen((entry) => this.#send("request", entry)),
      this.#steering.listen((change) => this.#send(change, this.#stateAfter(change))),
    ];
    const timer = setInterval(() => this.#write(":\n\n"), this.#keepalive);
    this.#stop = () => {
      clearInterval(timer);
      for (const stop of stops) stop();
    };
  }

  #stateAfter(change: Change): unknown {
    const { rules, settings, clockState } = this.#steering;
    return { rules: rules.list(), settings, clock: clockState, reset: {} }[change];
  }

  #send(event: string, data: unknown): void {
    this.#write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  #write(text: string): void {
    for (const stream of this.#streams) {
      if (stream.waiting > MAX_UNREAD) this.#cutOff(stream, "Too many events are unread");
      else stream.write(text);
    }
  }

  #cutOff(stream: AnswerStream, reason: string): void {
    stream.cutOff(reason);
    this.#remove(stream);
  }

  #remove(stream: AnswerStream): void {
    if (this.#streams.delete(stream) && this.#streams.size === 0) this.#stop();
  }
}
