/**
 * A WebSocket on an open stream of bytes, for both roles (RFC 6455, sections 5.5 and 7): reads and writes
 * frames, answers pings, closes within a deadline, and reads nothing while the peer does not read.
 *
 * @module
 */

import { FrameDecoder, type FrameHandlers } from "./decoder.ts";
import { FrameEncoder } from "./encoder.ts";
import type { AsciiText } from "./read_buffer.ts";
import type { ReadBudget } from "./read_budget.ts";
import { type ByteStream, closeQuietly } from "./streams.ts";
import {
  Bits,
  buildFrame,
  closePayload,
  FrameError,
  Opcode,
  parseClose,
  tooLong,
} from "./frames.ts";

/** Status code when the peer ends the stream without a Close frame (section 7.1.5). */
const ABNORMAL = 1006;

/** The most pieces per second of a message that is sent slowly. */
const MAX_PIECES = 20;

/** Options for {@linkcode WebSocketConnection}. */
export interface ConnectionOptions {
  readonly role: "client" | "server";
  /** Longest message to accept, in bytes. @default {64 MiB} */
  readonly maxMessage?: number;
  /** Nothing is read while more bytes than this wait to be written. @default {256 KiB} */
  readonly maxBacklog?: number;
  /** Time for the peer to close, and to read what was sent before, in milliseconds. @default {2000} */
  readonly closeTimeout?: number;
  /** What it may read, together with others. @default {without limit} */
  readonly budget?: ReadBudget | undefined;
}

/** Events of a connection. */
export interface ConnectionEvents {
  /** The connection starts to read. */
  onOpen?(): void;
  /** A message came, as text or bytes. Bytes are only valid during the call. */
  onMessage(message: string | Uint8Array): void;
  /** A text message in ASCII came. It is only valid during the call. @default {onMessage} */
  onAscii?(text: AsciiText): void;
  /** See `FrameHandlers.onTooLong`. */
  onTooLong?(head: Uint8Array, size: number): void;
  /** The connection has ended, with the status code that the peer sent, or that it was sent. */
  onEnd(code: number, reason: string): void;
}

/** Nobody listens yet. */
const NO_EVENTS: ConnectionEvents = { onMessage() {}, onEnd() {} };

/** A WebSocket that is open, or has been. */
export class WebSocketConnection implements FrameHandlers {
  onAscii: FrameHandlers["onAscii"];

  readonly #stream: ByteStream;
  readonly #maxBacklog: number;
  readonly #closeTimeout: number;
  readonly #budget: ReadBudget | undefined;
  readonly #role: "client" | "server";
  readonly #encoder: FrameEncoder;
  readonly #decoder: FrameDecoder;
  #events = NO_EVENTS;
  /** Stalled: silent on purpose. Closing: a Close frame was sent. Ended: the stream is closed. */
  #state: "open" | "stalled" | "closing" | "ended" = "open";
  /** What {@linkcode ConnectionEvents.onEnd} will report. */
  #end: { code: number; reason: string } = { code: ABNORMAL, reason: "" };
  /** Bytes that a write under way has not written. */
  #writing = 0;
  #willFlush = false;
  /** Messages that are sent slowly, one after the other, and how many: the rest has to wait. */
  #drips: Promise<void> | undefined;
  /** Their bytes that are not written, and those of the messages between them. */
  #held = 0;
  #dripping = 0;
  /** Ends the pause between two pieces of such a message. */
  #endPause: (() => void) | undefined;
  #flushed: PromiseWithResolvers<void> | undefined;
  /** How often {@linkcode WebSocketConnection.checkAlive} was called since something came. */
  #silence = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param stream an open stream on which the handshake is over, or will be before it runs. */
  constructor(stream: ByteStream, options: ConnectionOptions) {
    const { role, maxMessage, maxBacklog = 1 << 18, closeTimeout = 2000 } = options;
    this.#stream = stream;
    this.#role = role;
    this.#maxBacklog = maxBacklog;
    this.#closeTimeout = closeTimeout;
    this.#budget = options.budget;
    this.#encoder = new FrameEncoder(role);
    this.#decoder = new FrameDecoder(role, this, maxMessage);
  }

  /** Bytes that wait to be written. */
  get unsent(): number {
    return this.#encoder.length + this.#writing + this.#held;
  }

  /** Reports what happens from now on. */
  listen(events: ConnectionEvents): void {
    this.#events = events;
    if (events.onAscii !== undefined) this.onAscii = this.#onAscii;
  }

  /**
   * Reads until the connection ends. Call it once.
   *
   * @param surplus bytes that came with the handshake.
   */
  async run(surplus: Uint8Array): Promise<void> {
    try {
      this.#events.onOpen?.();
      this.#decoder.write(surplus);
      while (this.#state !== "ended") {
        let count: number | null;
        try {
          count = await this.#stream.read(this.#decoder.space);
        } catch {
          break; // as at the end of the stream
        }
        if (count === null) break;
        this.#silence = 0;
        this.#decoder.decode(count);
        const renewed = this.#budget?.spend(count);
        if (renewed !== undefined) await renewed;
        if (this.unsent > this.#maxBacklog) await this.#flush();
      }
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      await this.#fail(error.code, error.message);
    } finally {
      this.abort();
    }
  }

  /** Sends a text message by the end of the current task, unless the connection is closing. */
  send(text: string): void {
    if (this.#state !== "open") return;
    this.#encoder.text(text);
    this.#flushSoon();
  }

  /** Sends a binary message by the end of the current task, unless the connection is closing. */
  sendBinary(bytes: Uint8Array): void {
    this.frame(Opcode.binary, bytes);
  }

  /** Sends `bytes[at .. end]`, which are ASCII, as a text message; see {@linkcode send}. */
  sendAscii(bytes: Uint8Array, at: number, end: number): void {
    if (this.#state !== "open") return;
    this.#encoder.ascii(bytes, at, end);
    this.#flushSoon();
  }

  /** Sends a frame by the end of the current task, unless the connection is closing. */
  frame(opcode: number, payload: Uint8Array, isFinal = true): void {
    if (this.#state !== "open") return;
    this.#encoder.frame(opcode, payload, isFinal);
    this.#flushSoon();
  }

  /**
   * Sends a message at a rate, in bytes per second: whatever is sent later waits for its end.
   */
  drip(message: string | Uint8Array, rate: number): void {
    if (this.#state !== "open") return;
    const before = this.#drips;
    const first = Bits.final | (typeof message === "string" ? Opcode.text : Opcode.binary);
    const frame = buildFrame(message, { first });
    this.#held += this.#encoder.length + frame.length;
    const sent: Uint8Array[] = [];
    while (this.#encoder.length > 0) sent.push(this.#encoder.take());
    this.#dripping++;
    this.#drips = (async () => {
      await before;
      if (this.#writing > 0) await (this.#flushed ??= Promise.withResolvers()).promise;
      for (const bytes of sent) await this.#writeSlowly(bytes, Infinity);
      await this.#writeSlowly(frame, rate);
      this.#dripping--;
      this.#flushSoon();
    })();
  }

  /** Sends nothing any more, and ignores what the peer sends, until that ends the connection. */
  stall(): void {
    if (this.#state === "open") this.#state = "stalled";
  }

  /** Starts the closing handshake (section 7.1.2), which has a deadline. */
  close(code: number, reason = ""): void {
    if (this.#state !== "open") return;
    this.#end = { code, reason };
    this.#sendClose(closePayload(code, reason));
  }

  /** Ends the connection at once. */
  abort(): void {
    if (this.#state === "ended") return;
    this.#state = "ended";
    clearTimeout(this.#timer);
    this.#endPause?.();
    closeQuietly(this.#stream);
    this.#flushed?.resolve();
    this.#events.onEnd(this.#end.code, this.#end.reason);
  }

  /** Resets the TCP connection at once; returns whether its stream can. */
  reset(): boolean {
    if (this.#stream.reset === undefined) return false;
    this.#stream.reset();
    this.abort();
    return true;
  }

  /**
   * Sends a ping if nothing has come since the last call, and closes the connection with 1001 if nothing
   * has come since the ping. Call it at regular intervals.
   */
  checkAlive(): void {
    this.#silence++;
    if (this.#silence === 2) this.frame(Opcode.ping, new Uint8Array());
    if (this.#silence === 3) this.close(1001, "No answer to a ping");
  }

  /** Called by the decoder, as are the methods below. */
  onText(text: string): void {
    if (this.#state === "open") this.#events.onMessage(text);
  }

  #onAscii(text: AsciiText): void {
    if (this.#state === "open") this.#events.onAscii!(text);
  }

  onBinary(payload: Uint8Array): void {
    if (this.#state === "open") this.#events.onMessage(payload);
  }

  onTooLong(head: Uint8Array, size: number): void {
    if (this.#state !== "open") return;
    if (this.#events.onTooLong === undefined) throw tooLong(size);
    this.#events.onTooLong(head, size);
  }

  onPing(payload: Uint8Array): void {
    this.frame(Opcode.pong, payload);
  }

  onClose(payload: Uint8Array): void {
    if (this.#state === "stalled") return;
    const isAnswer = this.#state === "closing";
    if (!isAnswer) {
      this.#end = parseClose(payload);
      this.#sendClose(payload.subarray(0, 2));
    }
    // The server ends the stream first (section 7.1.1); the deadline ends that of a server that does not.
    if (this.#role === "server") void this.#flush().then(() => this.abort());
  }

  #sendClose(payload: Uint8Array): void {
    this.frame(Opcode.close, payload);
    this.#state = "closing";
    this.#timer = setTimeout(() => this.abort(), this.#closeTimeout);
  }

  /** Says why, then waits for the peer to read that: ending the stream at once could take it back. */
  async #fail(code: number, message: string): Promise<void> {
    this.close(code, message);
    await this.#flush();
    const scratch = new Uint8Array(1 << 14);
    try {
      if (this.#state !== "ended") await this.#stream.closeWrite();
      while (this.#state !== "ended" && await this.#stream.read(scratch) !== null);
    } catch {
      // The stream has ended.
    }
  }

  /** What is sent in one task goes into one write. */
  #flushSoon(): void {
    if (this.#willFlush || this.#writing > 0 || this.#dripping > 0) return;
    this.#willFlush = true;
    queueMicrotask(this.#onFlush);
  }

  #onFlush = (): void => {
    this.#willFlush = false;
    void this.#write();
  };

  /** Resolves when all is written, or the connection has ended. */
  async #flush(): Promise<void> {
    while (this.unsent > 0 && this.#state !== "ended") {
      this.#flushed ??= Promise.withResolvers();
      this.#flushSoon();
      await this.#flushed.promise;
    }
  }

  /** Writes bytes at a rate, in bytes per second. */
  async #writeSlowly(bytes: Uint8Array, rate: number): Promise<void> {
    const size = Math.ceil(rate / MAX_PIECES);
    try {
      while (bytes.length > 0 && this.#state !== "ended") {
        const written = await this.#stream.write(bytes.subarray(0, size));
        bytes = bytes.subarray(written);
        this.#held -= written;
        if (rate < Infinity) await this.#pause(1000 * size / rate);
      }
    } catch {
      this.abort();
    }
  }

  /** Resolves after `time` milliseconds, or when the connection has ended. */
  #pause(time: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, time);
      this.#endPause = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async #write(): Promise<void> {
    try {
      while (this.#encoder.length > 0 && this.#dripping === 0 && this.#state !== "ended") {
        const bytes = this.#encoder.take();
        this.#writing = bytes.length;
        this.#writing -= await this.#stream.write(bytes);
        while (this.#writing > 0) {
          this.#writing -= await this.#stream.write(bytes.subarray(-this.#writing));
        }
        this.#encoder.release();
      }
    } catch {
      this.abort();
    }
    this.#flushed?.resolve();
    this.#flushed = undefined;
  }
}
