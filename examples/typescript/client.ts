/**
 * The client under test in docs/testing-your-client.md, on the plain WebSocket API.
 *
 * @module
 */

/** Options for {@linkcode Client}; `timeout` is in milliseconds, `window` limits what is in flight. */
export type ClientOptions = { timeout?: number; attempts?: number; window?: number };

/** An answer of the server. */
export type Answer = { request_id: string; data?: unknown; error?: { code: string } };

type Request = {
  id: string;
  data: string;
  resolve: (data: unknown) => void;
  reject: (reason: unknown) => void;
};

/** Sends requests over one connection, and connects again when it is lost. */
export class Client implements AsyncDisposable {
  protected readonly inFlight = new Map<string, Request>();
  #queue: Request[] = []; // not sent yet
  #socket!: WebSocket;
  #reconnect: ReturnType<typeof setTimeout> | undefined;
  #isClosed = false;
  #lastId = 0;

  constructor(readonly url: string, readonly options: ClientOptions = {}) {
    this.#connect();
  }

  /** Returns the converted data. While the server is overloaded, it tries again, a little later. */
  async request(data: string, { signal }: { signal?: AbortSignal } = {}): Promise<unknown> {
    const { attempts = 3 } = this.options;
    for (let attempt = 1;; attempt++) {
      try {
        return await this.#attempt(data, signal);
      } catch (error) {
        if (attempt === attempts || !this.isTemporary(error as Error)) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, 10 * 2 ** attempt));
    }
  }

  #attempt(data: string, signal?: AbortSignal): Promise<unknown> {
    signal?.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const request = { id: String(++this.#lastId), data, resolve, reject };
    const timeout = AbortSignal.timeout(this.options.timeout ?? 5000);
    const end = signal ? AbortSignal.any([signal, timeout]) : timeout;
    end.addEventListener("abort", () => this.#giveUp(request, end.reason));
    this.#queue.push(request);
    this.#sendQueued();
    return promise;
  }

  /** Closes the connection; requests without an answer fail. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#reconnect);
    const unanswered = [...this.#queue, ...this.inFlight.values()];
    unanswered.forEach(({ reject }) => reject(new Error("the client was closed")));
    if (this.#socket.readyState === WebSocket.CLOSED) return;
    const closed = new Promise((resolve) => this.#socket.addEventListener("close", resolve));
    this.#socket.close();
    await closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #connect(): void {
    this.#socket = new WebSocket(this.url);
    this.#socket.onopen = () => this.#sendQueued();
    this.#socket.onmessage = ({ data }) => this.receive(JSON.parse(data));
    this.#socket.onclose = () => {
      if (this.#isClosed) return;
      this.disconnected();
      this.#reconnect = setTimeout(() => this.#connect(), 100);
    };
  }

  #sendQueued(): void {
    const isOpen = this.#socket.readyState === WebSocket.OPEN;
    while (isOpen && this.#queue.length > 0 && this.hasRoom(this.options.window ?? 100)) {
      const request = this.#queue.shift()!;
      this.inFlight.set(request.id, request);
      this.send({ request_id: request.id, data: request.data });
    }
  }

  #giveUp(request: Request, reason: unknown): void {
    if (this.inFlight.delete(request.id)) this.cancel(request.id);
    this.#queue = this.#queue.filter((queued) => queued !== request);
    request.reject(reason);
    this.#sendQueued();
  }

  protected receive({ request_id, data, error }: Answer): void {
    const request = this.inFlight.get(request_id);
    if (request === undefined) return; // its second answer, or it was given up
    this.inFlight.delete(request_id);
    if (error) request.reject(new Error(error.code));
    else request.resolve(data);
    this.#sendQueued();
  }

  protected send(packet: unknown): void {
    this.#socket.send(JSON.stringify(packet));
  }

  protected cancel(id: string): void {
    this.send({ request_id: id, cancel: true });
  }

  protected disconnected(): void {
    this.#queue.unshift(...this.inFlight.values());
    this.inFlight.clear();
  }

  protected hasRoom(window: number): boolean {
    return this.inFlight.size < window;
  }

  protected isTemporary(error: Error): boolean {
    return error.message === "overloaded";
  }
}
