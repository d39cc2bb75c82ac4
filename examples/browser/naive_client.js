/** Takes the next answer for its own, whichever request it answers. */
export class Client {
  #socket;
  #lastId = 0;

  constructor(socket) {
    this.#socket = socket;
  }

  static connect(url) {
    const socket = new WebSocket(url);
    return new Promise((resolve, reject) => {
      socket.onopen = () => resolve(new this(socket));
      socket.onerror = () => reject(new Error(`no connection to ${url}`));
    });
  }

  async request(data) {
    const answer = new Promise((resolve) =>
      this.#socket.addEventListener("message", resolve, { once: true })
    );
    this.#socket.send(JSON.stringify({ request_id: String(++this.#lastId), data }));
    return JSON.parse((await answer).data).data;
  }
}
