/** Clients with one bug each, which the tests in node.test.js find. */

import { Client } from "./client.js";

/** Takes each answer for that of the oldest request. */
export class AssumesOrder extends Client {
  receive(answer) {
    const [oldest] = this.inFlight.keys();
    super.receive({ ...answer, request_id: oldest });
  }
}

/** Fails when an answer is lost, or when the server is overloaded for a moment. */
export class NeverRetries extends Client {
  isTemporary() {
    return false;
  }
}

/** Waits for an answer for 24 days. */
export class NeverTimesOut extends Client {
  constructor(url, options) {
    super(url, { ...options, timeout: 2 ** 31 - 1 });
  }
}

/** Counts each answer, and so one that comes twice, as the end of a request. */
export class CountsAnswers extends Client {
  #sent = 0;
  #answers = 0;

  send(packet) {
    this.#sent++;
    super.send(packet);
  }

  receive(answer) {
    this.#answers++;
    super.receive(answer);
  }

  hasRoom() {
    return this.#sent - this.#answers < this.window;
  }
}
