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
  /** When it times out, in milliseconds; Infinity if never. */
  readonly deadline: number;
  /** How often it was sent: again on each new connection. */
  sendings: number;
  ending: Ending | undefined;
  /** Frames about it that no server sends unless it injects faults. */
  readonly anomalies: Anomaly[];
}

/** A frame that does not end a request, but is about it. */
export interface Anomaly {
  /** `garbage` is no JSON; `duplicate` and `late` come after the end of the request. */
  readonly kind: "garbage" | "duplicate" | "late";
  /** When it came, in milliseconds. */
  readonly at: number;
  readonly frame: string;
}

/** Why a request failed. */
export interface Failure {
  /** A code of the server, or `timed_out`. */
  readonly code: string;
  readonly message: string;
}

/** The end of a request. */
export interface Ending {
  /** When it ended, in milliseconds. */
  readonly at: number;
  /** Position in completion order, from 1. */
  readonly place: number;
  readonly result: Reply | Failure;
  /** Returns the server's text; undefined if the page ended the request. */
  readonly raw: (() => string) | undefined;
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
  /** Reports a new anomaly of a request. */
  changed(sent: Sent): void;
  /** Reports a frame or an answer that belongs to no request. */
  strayed(what: string): void;
}

/** How long the rate counts back, in milliseconds. */
const RATE_WINDOW = 1000;

/** How many ended requests are known, to recognize further frames about them. */
const MAX_ENDED = 10_000;

/** Finds the id in a frame that is cut. */
const ID_IN_GARBAGE = /"request_id"\s*:\s*("(?:[^"\\]|\\.)*"|-?\d+)/;

/** Requests and their answers. */
export class Exchange {
  readonly #events: ExchangeEvents;
  /**
   * Unanswered packets by id, in the order sent: the server refuses all but the first as
   * duplicates. Broken packets are under null.
   */
  readonly #waiting = new Map<RequestId | null, Sent[]>();
  /** The latest ended request of each id, the oldest first. */
  readonly #ended = new Map<RequestId, Sent>();
  #link: Link | undefined;
  /** Unanswered packets. */
  inFlight = 0;
  /** Packets that were answered with a response. */
  answered = 0;
  /** Packets that were answered with an error, or not in time. */
  failed = 0;
  /** Packets that were cancelled. */
  cancelled = 0;
  /** When the last responses came. */
  #answeredAt: number[] = [];

  constructor(events: ExchangeEvents) {
    this.#events = events;
  }

  /** Whether packets are sent now; else, they are queued. */
  get isConnected(): boolean {
    return this.#link !== undefined;
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

  /**
   * Sends drafts, now or on the next connection; returns those that the server answers. They time
   * out after `timeout`, in milliseconds.
   */
  send(drafts: readonly Draft[], now: number, timeout = Infinity): Sent[] {
    const sent: Sent[] = [];
    for (const draft of drafts) {
      if (draft.kind === "cancel") {
        this.cancel(draft.id!, now);
        continue;
      }
      const one: Sent = {
        draft,
        sentAt: now,
        deadline: now + timeout,
        sendings: 0,
        frameSize: 0,
        ending: undefined,
        anomalies: [],
      };
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

  /** Cancels all packets that have an id. */
  cancelAll(now: number): void {
    for (const [id, { length }] of [...this.#waiting]) {
      for (let i = 0; id !== null && i < length; i++) this.cancel(id, now);
    }
  }

  /** Ends the packets that have timed out, and has the server forget them. */
  expire(now: number): void {
    for (const [id, same] of [...this.#waiting]) {
      for (const sent of same.filter(({ deadline }) => deadline <= now)) {
        const index = same.indexOf(sent);
        this.#take(id, index);
        if (id !== null && index === 0) this.#link?.send(encodeCancel(id));
        const seconds = (sent.deadline - sent.sentAt) / 1000;
        this.#end(sent, now, { code: "timed_out", message: `no answer within ${seconds} s` });
      }
    }
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
    if (answers === undefined) return this.#receiveGarbage(String(frame), now);
    const whole = new AnswerFrame(frame as string);
    answers.forEach((answer, i) => this.#settle(answer, now, whole, i));
  }

  #transmit(sent: Sent): void {
    if (this.#link === undefined) return;
    sent.sendings++;
    if (sent.draft.kind === "broken") this.#link.sendAlone(sent.draft.text);
    else this.#link.send(sent.draft.text, sent);
  }

  #receiveGarbage(frame: string, now: number): void {
    const [, id] = ID_IN_GARBAGE.exec(frame) ?? [];
    const sent = id === undefined ? undefined : this.#waiting.get(JSON.parse(id))?.[0];
    if (sent === undefined) return this.#events.strayed("a frame without answers");
    sent.anomalies.push({ kind: "garbage", at: now, frame });
    this.#events.changed(sent);
  }

  /** Handles an answer after the end of its request. */
  #settleAgain(answer: Answer, now: number, frame: string): void {
    const id = answer.request_id;
    const sent = id === null ? undefined : this.#ended.get(id);
    if (sent === undefined) {
      return this.#events.strayed(`an answer to ${JSON.stringify(id)}, which is not in flight`);
    }
    const isByPage = sent.ending!.raw === undefined;
    if (isByPage && isError(answer) && answer.error.code === "cancelled") return; // as it asked for
    sent.anomalies.push({ kind: isByPage ? "late" : "duplicate", at: now, frame });
    this.#events.changed(sent);
  }

  #settle(answer: Answer, now: number, frame: AnswerFrame, index: number): void {
    if (isError(answer) && this.#link?.repair(answer)) return;
    const id = answer.request_id;
    const isDuplicate = isError(answer) && answer.error.code === "duplicate_request_id";
    const sent = this.#take(id, isDuplicate ? 1 : 0);
    if (sent === undefined) return this.#settleAgain(answer, now, frame.textOf(index));
    this.#link?.accept(sent);
    const result = isError(answer)
      ? answer.error
      : new Reply(answer, now - sent.sentAt, frame, index);
    this.#end(sent, now, result, () => frame.textOf(index));
  }

  #take(id: RequestId | null, index: number): Sent | undefined {
    const same = this.#waiting.get(id);
    const [sent] = same?.splice(index, 1) ?? [];
    if (same?.length === 0) this.#waiting.delete(id);
    return sent;
  }

  #end(sent: Sent, at: number, result: Reply | Failure, raw?: () => string): void {
    this.inFlight--;
    if (result instanceof Reply) {
      this.answered++;
      this.#answeredAt.push(at);
    } else if (result.code === "cancelled") this.cancelled++;
    else this.failed++;
    const place = this.answered + this.failed + this.cancelled;
    sent.ending = { at, place, result, raw };
    const { id } = sent.draft;
    if (id !== null) {
      this.#ended.delete(id);
      this.#ended.set(id, sent);
      if (this.#ended.size > MAX_ENDED) this.#ended.delete(this.#ended.keys().next().value!);
    }
    this.#events.ended(sent);
  }
}
