/**
 * A session whose requests go to a fake stream, without NATS.
 *
 * @module
 */

import type { WorkerAnswer } from "../../cluster/nats/message.ts";
import { RemoteResponder, type RequestStream } from "../../cluster/nats/remote_responder.ts";
import { delayPolicy } from "../../session/delays.ts";
import type { ResponderCallbacks } from "../../session/responder.ts";
import type { Session } from "../../session/session.ts";
import { Sessions, type SessionsOptions } from "../../session/sessions.ts";

/** A request that was published. */
export interface Published {
  readonly key: string;
  /** The data, as JSON text without its quotes. */
  readonly data: string;
  readonly delay: number;
  readonly outcome: PromiseWithResolvers<number | undefined>;
}

/** A session on top of a fake stream, with a record of all that happens. */
export class Harness implements RequestStream, ResponderCallbacks {
  readonly isReachable = true;
  readonly isRealTime = true;
  hasRoom = true;
  readonly maxDataBytes = 100;
  readonly published: Published[] = [];
  readonly deleted: number[] = [];
  readonly events: string[] = [];
  readonly sent: unknown[] = [];
  readonly responder = new RemoteResponder(this);
  readonly sessions: Sessions;
  readonly session: Session;
  now = 0;

  constructor(delay: number, options: Partial<SessionsOptions> = {}, batched = false) {
    this.sessions = new Sessions({
      delays: delayPolicy({ min: delay, max: delay }),
      responder: this.responder,
      events: {
        accepted: (id, delay) => this.events.push(`accepted ${id} ${delay}`),
        failed: (id, error) => this.events.push(`failed ${id} ${error}`),
      },
      ...options,
    });
    this.sessions.start(this);
    this.session = this.sessions
      .open({ send: (frame) => this.sent.push(JSON.parse(frame)) }, batched);
  }

  /** Delivers an answer. */
  take: (answer: WorkerAnswer) => void = () => {};

  listen(onAnswer: (answer: WorkerAnswer) => void): void {
    this.take = onAnswer;
  }

  publish(key: string, packet: Uint8Array, delay: number): Promise<number | undefined> {
    const { data } = JSON.parse(new TextDecoder().decode(packet));
    const outcome = Promise.withResolvers<number | undefined>();
    this.published.push({ key, data, delay, outcome });
    return outcome.promise;
  }

  delete(sequence: number): void {
    this.deleted.push(sequence);
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  accepted(entry: number): void {
    this.sessions.ownerOf(entry).accept(entry);
  }

  rejected(entry: number): void {
    this.sessions.ownerOf(entry).reject(entry);
  }

  failed(entry: number, error: unknown): void {
    this.sessions.ownerOf(entry).fail(entry, error);
  }

  ready(entry: number, due: number): void {
    this.sessions.ownerOf(entry).answerDue(entry, due, this.now);
  }

  /** Sends a request; returns the published one. */
  ask(id: string, data = "a&&b&&c"): Published {
    this.session.receive(JSON.stringify({ request_id: id, data }), this.now);
    return this.published.at(-1)!;
  }

  /** Has the stream acknowledge a request, or report that it has no room. */
  async acknowledge({ outcome }: Published, sequence: number | undefined): Promise<void> {
    outcome.resolve(sequence);
    await settled();
  }

  /** Has a worker answer. */
  convert({ key }: { key: string }, representation = '{"y":1}'): void {
    this.take({ key, representation });
  }

  until(now: number): void {
    this.sessions.advance(this.now = now);
    this.sessions.flush();
  }

  get codes(): (string | undefined)[] {
    return this.sent.map((answer) => (answer as { error?: { code: string } }).error?.code);
  }
}

/** Resolves after the callbacks of settled promises. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 5; i++) await Promise.resolve();
}
