/**
 * The body of the response to a POST.
 *
 * @module
 */

/** Time after which a client that does not read is stuck, in milliseconds. */
const READ_TIMEOUT = 30_000;

/** Most bytes to give to Deno at once: it cannot give up a piece that it is writing. */
const LARGEST_PIECE = 1 << 16;

const encoder = new TextEncoder();

/** Error that ends a response early on purpose. Deno then closes the connection. */
export class CutOff extends Error {
  override name = "CutOff";
}

/** Body of a response to which answers are added one by one. It keeps unread answers. */
export class AnswerStream {
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;

  readonly #onStuck: (reason: string) => void;
  #controller!: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>;
  #texts: string[] = [];
  #waiting = 0;
  /** Whether Deno asks for a piece. */
  #isWanted = false;
  #isEnding = false;
  #isOver = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * @param onGone called when the client has gone.
   * @param onStuck called when the client has read nothing for too long.
   */
  constructor(onGone: () => void, onStuck: (reason: string) => void) {
    this.#onStuck = onStuck;
    this.readable = new ReadableStream({
      start: (controller) => void (this.#controller = controller),
      pull: () => {
        this.#isWanted = true;
        this.#send();
      },
      cancel: () => {
        this.#drop();
        onGone();
      },
    }, { highWaterMark: 0 });
  }

  /** UTF-16 units that the client has not read. */
  get waiting(): number {
    return this.#waiting;
  }

  write(text: string): void {
    if (this.#isOver) return;
    this.#texts.push(text);
    this.#waiting += text.length;
    this.#send();
  }

  /** Ends the body after the answers that were added. */
  end(): void {
    this.#isEnding = true;
    this.#send();
  }

  /** Ends the body at once, and drops unread answers. */
  cutOff(reason: string): void {
    if (this.#isOver) return;
    this.#drop();
    this.#controller.error(new CutOff(reason));
  }

  #send(): void {
    if (this.#isOver) return;
    if (this.#isWanted && this.#waiting > 0) {
      this.#isWanted = false;
      clearTimeout(this.#timer);
      this.#timer = undefined;
      this.#controller.enqueue(this.#nextPiece());
    }
    if (this.#waiting > 0) {
      this.#timer ??= setTimeout(this.#onTimeout, READ_TIMEOUT);
    } else if (this.#isEnding) {
      this.#isOver = true;
      this.#controller.close();
    }
  }

  #nextPiece(): Uint8Array<ArrayBuffer> {
    const texts = this.#texts;
    const piece = new Uint8Array(Math.min(LARGEST_PIECE, 3 * this.#waiting));
    let length = 0;
    let count = 0;
    for (const text of texts) {
      const { read, written } = encoder.encodeInto(text, piece.subarray(length));
      length += written;
      this.#waiting -= read;
      if (read < text.length) {
        texts[count] = text.slice(read);
        break;
      }
      count++;
    }
    texts.splice(0, count);
    return piece.subarray(0, length);
  }

  #onTimeout = (): void => {
    this.#onStuck(`Answers have not been read for ${READ_TIMEOUT / 1000} s`);
  };

  #drop(): void {
    this.#isOver = true;
    this.#texts = [];
    this.#waiting = 0;
    clearTimeout(this.#timer);
  }
}
