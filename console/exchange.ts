/**
 * Requests and their answers, over any number of connections. It does no I/O: callers pass the time
 * and the frames.
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

/** A sent packet that the server answers. */
export interface Sent extends Posted {
  readonly draft: Draft;
  /** When it was first sent, in milliseconds. */
  readonly sentAt: number;
  /** How often it was sent: again on each new connection. */
  sendings: number;
  ending: Ending | undefined;
}

/** The end of a request. */
export interface Ending {
  /** When it ended, in milliseconds. */
  readonly at: number;
  /** Position in completion order, from 1. */
  readonly place: number;
  readonly result: Reply | ErrorDetails;
}

/** An open connection, as the exchange uses it. */
export interface Link {
  /** Sends a packet, in a frame with others if possible. */
  send(packet: string, posted?: Posted): void;
  /** Sends a frame as it is. */
  sendAlone(frame: string): void;
  /** Reports that a packet was answered. */
  accept(posted: Posted): void;
  /** Sends packets again if an error is about the frame that they shared; returns whether it is. */
  repair(error: ErrorAnswer): boolean;
}

/** Callbacks of an {@linkcode Exchange}. */
export interface ExchangeEvents {
  /** Reports the end of a request. */
  ended(sent: Sent): void;
  /** Reports a frame or an answer that belongs to no request. */
  strayed(what: string): void;
}

/** How long the rate counts back, in milliseconds. */
const RATE_WINDOW = 1000;

/** Requests and their answers. */
export class Exchange {
  readonly #events: ExchangeEvents;
  /**
   * Unanswered packets by id, in the order sent: the server refuses all but the first as
   * duplicates. Broken packets are under null.
   */
  readonly #waiting = new Map<RequestId | null, Sent[]>();
  #link: Link | undefined;
  /** Unanswered packets. */
  inFlight = 0;
  /** Packets that were answered with a response. */
  answered = 0;
  /** Packets that were answered with an error. */
  failed = 0;
  /** When the last responses came. */
  #answeredAt: number[] = [];

  constructor(events: ExchangeEvents) {
    this.#events = events;
  }

  /** Returns how many responses came in the second before `now`. */
  perSecond(now: number): number {
    this.#answeredAt = this.#answeredAt.filter((at) => at > now - RATE_WINDOW);
    return this.#answeredAt.length;
  }

  /** Returns whether the id is in flight. */
  has(id: RequestId): boolean {
    return this.#waiting.has(id);
  }

  /** Sends drafts, now or on the next connection; returns those that the server answers. */
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
      this.inFlight++;
      this.#transmit(one);
      sent.push(one);
    }
    return sent;
  }

  /** Asks the server to cancel a request. Without a connection, the request ends at once. */
  cancel(id: RequestId, now: number): void {
    if (this.#link !== undefined) return this.#link.send(encodeCancel(id));
    const sent = this.#take(id, 0);
    if (sent !== undefined) this.#end(sent, now, { code: "cancelled", message: ERRORS.cancelled });
  }

  /** Sends all unanswered packets on a new connection; a conversion has no side effect. */
  connected(link: Link): void {
    this.#link = link;
    for (const same of this.#waiting.values()) same.forEach((sent) => this.#transmit(sent));
  }

  /** Keeps packets from now on, since the connection is closed. */
  disconnected(): void {
    this.#link = undefined;
  }

  /** Reads a frame from the server. */
  receive(frame: unknown, now: number): void {
    const answers = typeof frame === "string" ? decodeAnswers(frame) : undefined;
    if (answers === undefined) return this.#events.strayed("a frame without answers");
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
    this.inFlight--;
    if (result instanceof Reply) {
      this.answered++;
      this.#answeredAt.push(at);
    } else {
      this.failed++;
    }
    sent.ending = { at, place: this.answered + this.failed, result };
    this.#events.ended(sent);
  }
}
