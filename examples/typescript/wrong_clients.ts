/**
 * Clients with one bug each, which the tests in recipes.ts find.
 *
 * @module
 */

import { type Answer, Client, type ClientOptions } from "./client.ts";

/** Takes each answer for that of the oldest request. */
export class AssumesOrder extends Client {
  protected override receive(answer: Answer): void {
    const [oldest = ""] = this.inFlight.keys();
    super.receive({ ...answer, request_id: oldest });
  }
}

/** Fails when the server is overloaded for a moment. */
export class NeverRetries extends Client {
  protected override isTemporary(): boolean {
    return false;
  }
}

/** Waits for an answer for 24 days. */
export class NeverTimesOut extends Client {
  constructor(url: string, options?: ClientOptions) {
    super(url, { ...options, timeout: 2 ** 31 - 1 });
  }
}

/** Counts each answer, and so one that comes twice, as the end of a request. */
export class CountsAnswers extends Client {
  #sent = 0;
  #answers = 0;

  protected override send(packet: unknown): void {
    this.#sent++;
    super.send(packet);
  }

  protected override receive(answer: Answer): void {
    this.#answers++;
    super.receive(answer);
  }

  protected override hasRoom(window: number): boolean {
    return this.#sent - this.#answers < window;
  }
}

/** Connects again, but does not send again what was in flight. */
export class NeverResends extends Client {
  protected override disconnected(): void {
    this.inFlight.forEach(({ reject }) => reject(new Error("connection lost")));
    this.inFlight.clear();
  }
}

/** Gives up on a request without telling the server. */
export class NeverCancels extends Client {
  protected override cancel(): void {}
}

/** Sends all requests at once. */
export class Floods extends Client {
  protected override hasRoom(): boolean {
    return true;
  }
}
