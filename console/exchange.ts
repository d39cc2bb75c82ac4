/**
 * What was sent and what became of it, over however many connections that takes. Time is an argument,
 * and the network is whoever calls.
 *
 * @module
 */

import type { Posted } from "../client/outbox.ts";
import { AnswerFrame, Reply } from "../client/reply.ts";
import {
  type Answer,
  decodeAnswers,
  encodeCancel,
  type ErrorAnswer,
  type ErrorDetails,
  ERRORS,
  isError,
  type RequestId,
} from "../protocol.ts";
import type { Draft } from "./drafts.ts";

/** Something that was sent and is to be answered. */
export interface Sent extends Posted {
  readonly draft: Draft;
  /** In milliseconds, as all times here. */
  readonly sentAt: number;
  /** How often it went out: again after each connection that was lost. */
  sendings: number;
  ending: Ending | undefined;
}

/** How it ended. */
export interface Ending {
  readonly at: number;
  /** The how-manieth ending it is. */
  readonly place: number;
  readonly result: Reply | ErrorDetails;
}

/** What carries packets to the server while there is a connection. */
export interface Link {
  /** Sends a packet, in a frame with others if that is of use. */
  send(packet: string, posted?: Posted): void;
  /** Sends a frame as it is. */
  sendAlone(frame: string): void;
  /** An answer has come to what was sent. */
  accept(posted: Posted): void;
  /** Whether an error is about a frame that packets shared, which are then sent again. */
  repair(error: ErrorAnswer): boolean;
}

/** Whoever wants to know. */
export interface ExchangeEvents {
  /** Something that was sent has ended. */
  ended(sent: Sent): void;
  /** The server said something that belongs to nothing that was sent. */
  strayed(what: string): void;
}

/** Requests and their answers. */
export class Exchange {
  readonly #events: ExchangeEvents;
  /** By id, the first of an id first: those behind it are refused as duplicates. Under null: the broken. */
  readonly #waiting = new Map<RequestId | null, Sent[]>();
  #link: Link | undefined;
  #inFlight = 0;
  #answered = 0;
  #failed = 0;

  constructor(events: ExchangeEvents) {
    this.#events = events;
  }

  /** How many wait for their answer. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** How many were answered with a response. */
  get answered(): number {
    return this.#answered;
  }

  /** How many were answered with an error. */
  get failed(): number {
    return this.#failed;
  }

  /** Whether the id is in flight. */
  has(id: RequestId): boolean {
    return this.#waiting.has(id);
  }

  /** Sends drafts, now or as soon as there is a connection; returns those that are to be answered. */
  send(drafts: readonly Draft[], now: number): Sent[] {
    const sent: Sent[] = [];
    for (const draft of drafts) {
      if (draft.kind === "cancel") {
        this.cancel(draft.id!, now);
        continue;
      }
      const one: Sent = { draft, sentAt: now, sendings: 0, frameSize: 0, ending: undefined };
      const same = this.#waiting.get(draft.id);
      if (same === undefined) this.#waiting.set(draft.id, [one]);
      else same.push(one);
      this.#inFlight++;
      this.#transmit(one);
      sent.push(one);
    }
    return sent;
  }

  /** Gives up on a request: the server says so. What it was never told of ends here. */
  cancel(id: RequestId, now: number): void {
    if (this.#link !== undefined) return this.#link.send(encodeCancel(id));
    const sent = this.#take(id, 0);
    if (sent !== undefined) this.#end(sent, now, { code: "cancelled", message: ERRORS.cancelled });
  }

  /** There is a connection: all that waits goes out, perhaps again, as a conversion has no side effect. */
  connected(link: Link): void {
    this.#link = link;
    for (const same of this.#waiting.values()) same.forEach((sent) => this.#transmit(sent));
  }

  /** There is none any more. */
  disconnected(): void {
    this.#link = undefined;
  }

  /** Takes in a frame from the server. */
  receive(frame: unknown, now: number): void {
    const answers = typeof frame === "string" ? decodeAnswers(frame) : undefined;
    if (answers === undefined) return this.#events.strayed("a frame that holds no answers");
    const whole = new AnswerFrame(frame as string);
    answers.forEach((answer, i) => this.#settle(answer, now, whole, i));
  }

  #transmit(sent: Sent): void {
    if (this.#link === undefined) return;
    sent.sendings++;
    if (sent.draft.kind === "broken") this.#link.sendAlone(sent.draft.text);
    else this.#link.send(sent.draft.text, sent);
  }

  #settle(answer: Answer, now: number, frame: AnswerFrame, index: number): void {
    if (isError(answer) && this.#link?.repair(answer)) return;
    const id = answer.request_id;
    const isDuplicate = isError(answer) && answer.error.code === "duplicate_request_id";
    const sent = this.#take(id, isDuplicate ? 1 : 0);
    if (sent === undefined) {
      this.#events.strayed(`an answer to ${JSON.stringify(id)}, which is not in flight`);
      return;
    }
    this.#link?.accept(sent);
    if (isError(answer)) {
      this.#end(sent, now, answer.error);
    } else {
      this.#end(sent, now, new Reply(answer, now - sent.sentAt, frame, index));
    }
  }

  #take(id: RequestId | null, index: number): Sent | undefined {
    const same = this.#waiting.get(id);
    const [sent] = same?.splice(index, 1) ?? [];
    if (same?.length === 0) this.#waiting.delete(id);
    return sent;
  }

  #end(sent: Sent, at: number, result: Reply | ErrorDetails): void {
    this.#inFlight--;
    if (result instanceof Reply) this.#answered++;
    else this.#failed++;
    sent.ending = { at, place: this.#answered + this.#failed, result };
    this.#events.ended(sent);
  }
}
