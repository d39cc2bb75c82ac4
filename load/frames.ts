/**
 * WebSocket frames as bytes (RFC 6455, section 5), as far as a client needs them. No I/O.
 *
 * @module
 */

const encoder = new TextEncoder();
const decoder = new TextDecoder();

const FINAL = 0x80;
const RESERVED = 0x70;
const MASKED = 0x80;
const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** The bytes before the content of a frame from a client, by the length of that; and the mask is 4. */
const HEADER = { short: 2 + 4, medium: 4 + 4, long: 10 + 4 };

/** The longest message that is taken, in bytes: past it a server is not in its right mind. */
const MAX_MESSAGE = 64 * 2 ** 20;

/** What a frame from the server says that is not according to the protocol. */
export class FrameError extends Error {
  override name = "FrameError";
}

/** Frames to be written: those that come together go in one piece. */
export class FrameWriter {
  #bytes = new Uint8Array(1 << 16);
  #spare = new Uint8Array(1 << 16);
  #length = 0;

  /** Whether there is nothing to be written. */
  get isEmpty(): boolean {
    return this.#length === 0;
  }

  /** Adds a text message. */
  text(text: string): void {
    this.#reserve(HEADER.long + 3 * text.length);
    // Most text is ASCII: then it is in its place already, and the header fits in before it.
    const guess = headerLength(text.length);
    const at = this.#length + guess;
    const { written } = encoder.encodeInto(text, this.#bytes.subarray(at));
    const header = headerLength(written);
    if (header !== guess) this.#bytes.copyWithin(this.#length + header, at, at + written);
    this.#header(OPCODE.text, written);
    this.#length += written;
  }

  /** Adds the answer to a ping. */
  pong(content: Uint8Array): void {
    this.#control(OPCODE.pong, content);
  }

  /** Adds a Close frame, with the status 1000 or the content of the one that it answers. */
  close(content: Uint8Array = new Uint8Array([1000 >> 8, 1000 & 0xff])): void {
    this.#control(OPCODE.close, content);
  }

  /** Takes out what there is; it stays as it is until the next call. */
  take(): Uint8Array {
    const bytes = this.#bytes.subarray(0, this.#length);
    [this.#bytes, this.#spare] = [this.#spare, this.#bytes];
    this.#length = 0;
    return bytes;
  }

  #control(opcode: number, content: Uint8Array): void {
    this.#reserve(HEADER.short + content.length);
    this.#bytes.set(content, this.#length + HEADER.short);
    this.#header(opcode, content.length);
    this.#length += content.length;
  }

  /**
   * The mask is zeros, which leaves the content as it is. A mask that nobody can guess is to keep scripts
   * from making up what a proxy takes for HTTP (section 10.3); here, nobody's scripts are run.
   */
  #header(opcode: number, length: number): void {
    const bytes = this.#bytes;
    let at = this.#length;
    bytes[at++] = FINAL | opcode;
    if (length < 126) {
      bytes[at++] = MASKED | length;
    } else if (length < 1 << 16) {
      bytes[at++] = MASKED | 126;
      bytes[at++] = length >> 8;
      bytes[at++] = length;
    } else {
      bytes[at++] = MASKED | 127;
      new DataView(bytes.buffer).setBigUint64(at, BigInt(length));
      at += 8;
    }
    bytes.fill(0, at, at + 4);
    this.#length = at + 4;
  }

  #reserve(length: number): void {
    if (this.#length + length <= this.#bytes.length) return;
    const bytes = new Uint8Array(Math.max(2 * this.#bytes.length, this.#length + length));
    bytes.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = bytes;
  }
}

function headerLength(length: number): number {
  return length < 126 ? HEADER.short : length < 1 << 16 ? HEADER.medium : HEADER.long;
}

/** What frames turn out to be. */
export interface FrameHandlers {
  /** A message; undefined for one of bytes. */
  message(text: string | undefined): void;
  ping(content: Uint8Array): void;
  close(content: Uint8Array): void;
}

/** Frames that are read, however their bytes are cut. */
export class FrameReader {
  readonly #handlers: FrameHandlers;
  #bytes = new Uint8Array(1 << 16);
  /** What is left to be read. */
  #from = 0;
  #to = 0;
  /** What there is of a message that comes in several frames. */
  #fragments: Uint8Array[] = [];
  #opcode = 0;

  constructor(handlers: FrameHandlers) {
    this.#handlers = handlers;
  }

  /** Where the bytes that come next are to be put; see {@linkcode FrameReader.read}. */
  get space(): Uint8Array {
    return this.#bytes.subarray(this.#to);
  }

  /**
   * Reads all frames that are complete, now that `count` bytes more have been put into the space.
   *
   * @throws {FrameError} if they cannot be from a server.
   */
  read(count: number): void {
    this.#to += count;
    let missing = 0;
    while (missing === 0 && this.#from < this.#to) missing = this.#readFrame();
    this.#makeSpace(missing);
  }

  /** Reads a frame; returns how many bytes are missing for it. */
  #readFrame(): number {
    const bytes = this.#bytes;
    const from = this.#from;
    const there = this.#to - from;
    if (there < 2) return 2 - there;
    const first = bytes[from]!;
    const second = bytes[from + 1]!;
    if (first & RESERVED) throw new FrameError("a frame has reserved bits set");
    if (second & MASKED) throw new FrameError("a frame from the server is masked");
    let header = 2;
    let length = second;
    if (second >= 126) {
      header = second === 126 ? 4 : 10;
      if (there < header) return header - there;
      const view = new DataView(bytes.buffer, from + 2);
      length = second === 126 ? view.getUint16(0) : Number(view.getBigUint64(0));
    }
    if (length > MAX_MESSAGE) throw new FrameError(`a frame has ${length} bytes`);
    if (there < header + length) return header + length - there;
    const content = bytes.subarray(from + header, from + header + length);
    this.#from = from + header + length;
    this.#handle(first & 0x0f, (first & FINAL) !== 0, content);
    return 0;
  }

  #handle(opcode: number, isFinal: boolean, content: Uint8Array): void {
    if (opcode === OPCODE.text && isFinal && this.#fragments.length === 0) {
      this.#handlers.message(decoder.decode(content));
    } else if (opcode <= OPCODE.binary) {
      this.#handleFragment(opcode, isFinal, content);
    } else if (!isFinal || content.length > 125) {
      throw new FrameError("a control frame is too long or in fragments");
    } else if (opcode === OPCODE.ping) {
      this.#handlers.ping(content);
    } else if (opcode === OPCODE.close) {
      this.#handlers.close(content);
    } else if (opcode !== OPCODE.pong) {
      throw new FrameError(`a frame has the opcode ${opcode}`);
    }
  }

  #handleFragment(opcode: number, isFinal: boolean, content: Uint8Array): void {
    const goesOn = this.#fragments.length > 0;
    if (goesOn !== (opcode === OPCODE.continuation)) {
      throw new FrameError("the fragments of a message do not go together");
    }
    if (!goesOn) this.#opcode = opcode;
    this.#fragments.push(content.slice());
    const length = this.#fragments.reduce((sum, fragment) => sum + fragment.length, 0);
    if (length > MAX_MESSAGE) throw new FrameError(`a message has ${length} bytes`);
    if (!isFinal) return;
    const fragments = this.#fragments;
    this.#fragments = [];
    if (this.#opcode === OPCODE.binary) return this.#handlers.message(undefined);
    const parts = new TextDecoder();
    const text = fragments.map((fragment) => parts.decode(fragment, { stream: true })).join("");
    this.#handlers.message(text + parts.decode());
  }

  /** Makes room for the bytes that are missing, and for as many as may come with them. */
  #makeSpace(missing: number): void {
    const left = this.#bytes.subarray(this.#from, this.#to);
    const needed = left.length + Math.max(missing, 1);
    if (this.#to + missing < this.#bytes.length) return;
    if (needed > this.#bytes.length / 2) {
      this.#bytes = new Uint8Array(2 * needed);
      this.#bytes.set(left);
    } else {
      this.#bytes.set(left);
    }
    this.#from = 0;
    this.#to = left.length;
  }
}
