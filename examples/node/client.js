/**
 * The client under test: it finds the request of each answer by its id, asks again if an attempt
 * fails, and has no more than `window` requests in flight.
 */
export class Client {
  inFlight = new Map(); // requests by id
  #queue = []; // not sent yet
  #lastId = 0;
  #socket;

  constructor(url, { timeout = 5000, attempts = 3, window = 100 } = {}) {
    Object.assign(this, { timeout, attempts, window });
    this.#socket = new WebSocket(url);
    this.#socket.onmessage = ({ data }) => this.receive(JSON.parse(data));
    this.#socket.onclose = () => this.#failAll(new Error("the connection is closed"));
  }

  /** Returns a client when it is connected. `timeout` is the time of an attempt in milliseconds. */
  static async connect(url, options) {
    const client = new this(url, options);
    await new Promise((resolve, reject) => {
      client.#socket.onopen = resolve;
      client.#socket.onerror = () => reject(new Error(`no connection to ${url}`));
    });
    return client;
  }

  /** Returns the converted data. */
  async ask(data) {
    for (let attempt = 1;; attempt++) {
      try {
        return await this.#attempt(data);
      } catch (error) {
        if (attempt >= this.attempts || !this.isTemporary(error)) throw error;
      }
    }
  }

  #attempt(data) {
    return new Promise((resolve, reject) => {
      const request = { id: String(++this.#lastId), data, resolve, reject };
      const giveUp = () => this.#end(request, () => reject(new Error("no answer in time")));
      request.timer = setTimeout(giveUp, this.timeout);
      this.#queue.push(request);
      this.#sendQueued();
    });
  }

  /** Closes the connection. */
  async close() {
    if (this.#socket.readyState === WebSocket.CLOSED) return;
    const { promise, resolve } = Promise.withResolvers();
    this.#socket.addEventListener("close", resolve);
    this.#socket.close();
    await promise;
  }

  receive({ request_id, data, error }) {
    const request = this.inFlight.get(request_id);
    if (request === undefined) return; // its second answer, or it was given up
    this.#end(request, () => error ? request.reject(new Error(error.code)) : request.resolve(data));
  }

  send(packet) {
    this.#socket.send(JSON.stringify(packet));
  }

  hasRoom() {
    return this.inFlight.size < this.window;
  }

  isTemporary({ message }) {
    return message === "no answer in time" || message === "overloaded";
  }

  #sendQueued() {
    while (this.#queue.length > 0 && this.hasRoom()) {
      const request = this.#queue.shift();
      this.inFlight.set(request.id, request);
      this.send({ request_id: request.id, data: request.data });
    }
  }

  #end(request, settle) {
    clearTimeout(request.timer);
    this.inFlight.delete(request.id);
    this.#queue = this.#queue.filter((queued) => queued !== request);
    settle();
    this.#sendQueued();
  }

  #failAll(error) {
    for (const { timer, reject } of [...this.inFlight.values(), ...this.#queue.splice(0)]) {
      clearTimeout(timer);
      reject(error);
    }
    this.inFlight.clear();
  }
}
