/** Sends requests over the browser's WebSocket, and finds the request of each answer by its id. */
export class Client {
  #socket;
  #inFlight = new Map(); // resolve and reject by id
  #lastId = 0;

  constructor(socket) {
    this.#socket = socket;
    socket.onmessage = ({ data }) => this.#receive(JSON.parse(data));
    socket.onclose = () => {
      this.#inFlight.forEach(({ reject }) => reject(new Error("connection lost")));
      this.#inFlight.clear();
    };
  }

  /** Returns a client when it is connected. */
  static connect(url) {
    const socket = new WebSocket(url);
    return new Promise((resolve, reject) => {
      socket.onopen = () => resolve(new this(socket));
      socket.onerror = () => reject(new Error(`no connection to ${url}`));
    });
  }

  /** Returns the converted data. `timeout` is in milliseconds. */
  async request(data, { timeout = 10_000 } = {}) {
    const id = String(++this.#lastId);
    const { promise, resolve, reject } = Promise.withResolvers();
    this.#inFlight.set(id, { resolve, reject });
    const timer = setTimeout(() => reject(new Error("no answer in time")), timeout);
    this.#socket.send(JSON.stringify({ request_id: id, data }));
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#inFlight.delete(id);
    }
  }

  #receive({ request_id, data, error }) {
    const request = this.#inFlight.get(request_id); // undefined for a second answer
    if (error) request?.reject(new Error(error.code));
    else request?.resolve(data);
  }
}
