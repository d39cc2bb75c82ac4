/**
 * Puts packets that are sent at the same time into shared frames.
 *
 * @module
 */

import { encodeFrame, type ErrorAnswer, MAX_BATCH } from "../protocol/packet.ts";

/**
 * Packets share frames of less than SHORT or more than LONG bytes. Deno's WebSocket client writes a
 * frame's header and content separately, with Nagle's algorithm on: on loopback, a frame of 1,030
 * to 60,000 bytes waits 44 ms for the peer's acknowledgement.
 */
const SHORT = 1000;
const LONG = 70_000;

/** A request that an {@linkcode Outbox} sends. */
export interface Posted {
  /** The size of the last frame that it shared, in bytes; 0 if its last frame was not shared. */
  frameSize: number;
}

/**
 * Packets to send when the current task ends.
 *
 * The server's limit is unknown until it refuses a frame, and the error does not name the frame.
 * But the server accepts every frame up to its limit and none beyond. So the first error refers to
 * the largest frame not known to be accepted, the second to the next largest, and so on.
 */
export class Outbox {
  readonly #send: (frame: string) => void;
  readonly #batched: boolean;
  #limit: number;
  #packets: string[] = [];
  #posted: (Posted | undefined)[] = [];
  #length = 0;
  /** The size of the largest shared frame known to be accepted, in bytes. */
  #accepted = 0;
  /** Larger shared frames, which the server may still refuse, with their sizes in bytes. */
  #doubtful: { size: number; packets: string[]; posted: (Posted | undefined)[] }[] = [];

  /**
   * @param batched whether the server accepts arrays; otherwise, each packet is sent at once.
   * @param limit the largest frame that packets may share, in bytes, as far as known.
   */
  constructor(send: (frame: string) => void, batched: boolean, limit = Infinity) {
    this.#send = send;
    this.#batched = batched;
    this.#limit = limit;
  }

  /** The largest frame that packets may share, in bytes, as far as known; 0 if they share none. */
  get limit(): number {
    return this.#limit;
  }

  /** Sends a packet by the end of the current task. */
  add(packet: string, posted?: Posted): void {
    if (!this.#batched) return this.#send(packet);
    this.#length += packet.length + 1;
    this.#posted.push(posted);
    if (this.#packets.push(packet) === 1) queueMicrotask(this.flush);
  }

  /** Sends all packets now. */
  flush = (): void => {
    const packets = this.#packets;
    const posted = this.#posted;
    const short = Math.min(SHORT - 2, this.#limit - 1);
    let most = this.#length > LONG ? Math.max(this.#limit - 1, short) : short;
    this.#packets = [];
    this.#posted = [];
    this.#length = 0;
    let from = 0;
    while (from < packets.length) {
      let length = this.#lengthOf(packets[from]!) + 1;
      let to = from + 1;
      while (to < packets.length && to - from < MAX_BATCH && length <= LONG) {
        const more = this.#lengthOf(packets[to]!) + 1;
        if (length + more > most) break;
        length += more;
        to++;
      }
      if (most > short && length <= LONG) {
        most = short; // the other packets do not fill a long frame
        continue;
      }
      this.#post(packets.slice(from, to), posted.slice(from, to));
      from = to;
    }
  };

  /** Notes that the server answered a request, and so accepted its frame. */
  accept({ frameSize }: Posted): void {
    if (frameSize <= this.#accepted) return;
    this.#accepted = frameSize;
    this.#doubtful = this.#doubtful.filter(({ size }) => size > frameSize);
  }

  /**
   * Sends the packets of a shared frame again if an error refuses the frame as too large: in frames
   * up to the limit in the error, or each alone without one.
   *
   * @returns whether it did, so that the error needs no other treatment.
   */
  repair({ request_id, error: { code, limit } }: ErrorAnswer): boolean {
    if (code !== "packet_too_large") return false;
    const known = typeof limit === "number" ? limit : undefined; // decodeAnswers() accepts any
    if (request_id !== null) {
      this.#limit = Math.min(this.#limit, known ?? Infinity);
      return false;
    }
    const newLimit = known ?? 0;
    const sizes = this.#doubtful.map(({ size }) => size);
    const largest = Math.max(...sizes, 0);
    if (largest <= newLimit) return false;
    this.#limit = Math.min(this.#limit, newLimit);
    const [frame] = this.#doubtful.splice(sizes.indexOf(largest), 1);
    frame!.packets.forEach((packet, i) => this.add(packet, frame!.posted[i]));
    return true;
  }

  #post(packets: string[], posted: (Posted | undefined)[]): void {
    const frame = encodeFrame(packets);
    const size = packets.length === 1 ? 0 : byteLength(frame);
    for (const one of posted) if (one !== undefined) one.frameSize = size;
    if (size > this.#accepted) this.#doubtful.push({ size, packets, posted });
    this.#send(frame);
  }

  /** In bytes once there is a limit; measuring bytes costs more than sharing a frame gains. */
  #lengthOf(packet: string): number {
    return this.#limit === Infinity ? packet.length : byteLength(packet);
  }
}

const encoder = new TextEncoder();
const scratch = new Uint8Array(1 << 18);

/** Returns the length of a text in UTF-8, for which browsers have no function. */
function byteLength(text: string): number {
  return 3 * text.length > scratch.length
    ? encoder.encode(text).length
    : encoder.encodeInto(text, scratch).written;
}
