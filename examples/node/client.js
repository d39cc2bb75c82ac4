/** A client as yours might be: it assigns answers to requests, and asks again if none arrives. */
export class Client {
  #socket;
  #waiting = new Map();
  #lastId = 0;

  static async connect(url) {
    const client = new Client();
    client.#socket = new WebSocket(url);
    client.#socket.onmessage = ({ data: text }) => {
      const { request_id, data } = JSON.parse(text);
      client.#waiting.get(request_id)?.(data);
    };
    await new Promise((resolve, reject) => {
      client.#socket.onopen = resolve;
      client.#socket.onerror = reject;
    });
    return client;
  }

  async ask(data, { timeout = 5000, attempts = 3 } = {}) {
    for (let i = 0; i < attempts; i++) {
      const id = String(++this.#lastId);
      const answer = await new Promise((resolve) => {
        const timer = setTimeout(resolve, timeout);
        this.#waiting.set(id, (answer) => {
          clearTimeout(timer);
          resolve(answer);
        });
        this.#socket.send(JSON.stringify({ request_id: id, data }));
      });
      this.#waiting.delete(id);
      if (answer !== undefined) return answer;
    }
    throw new Error(`no answer after ${attempts} attempts`);
  }

  close() {
    this.#socket.close();
  }
}
