/**
 * One WebSocket connection: its life, from the upgrade to its end, each step of which happens once.
 *
 * @module
 */

import type { Conversation } from "../session/session.ts";
import type { Conversations } from "../session/sessions.ts";
import type { FaultKind } from "../session/fault_policy.ts";
import { ReadFairness } from "./deno_workarounds.ts";
import { type ServerEvents, tellFault } from "./events.ts";
import type { Pump } from "./driver.ts";

/** The most bytes that a UTF-16 unit takes in a frame, and those of a frame's header. */
const MAX_BYTES = 3;
const MAX_HEADER = 14;

/** What all connections of a server share. */
export interface Shared {
  readonly conversations: Conversations;
  readonly pump: Pump;
  readonly events: ServerEvents;
  /** How many bytes may wait for a peer to read them. */
  readonly buffered: number;
}

/** A connection. Nothing that a peer does, and no fault of ours, gets further than its own connection. */
export class Connection {
  readonly address: string;
  /** Resolves when it has ended. */
  readonly ended: Promise<void>;

  readonly #socket: WebSocket;
  readonly #shared: Shared;
  readonly #sharesFrames: boolean;
  readonly #fairness: ReadFairness;
  readonly #end = Promise.withResolvers<void>();
  #conversation: Conversation | undefined;
  #isExpelled = false;
  /** How many bytes may be sent before Deno is to be asked how many of them wait. */
  #room = 0;

  /**
   * @param sharesFrames whether the peer speaks `asyncpkt.v1`.
   * @param onOpen called when it opens, which it may never do.
   */
  constructor(
    socket: WebSocket,
    address: string,
    sharesFrames: boolean,
    shared: Shared,
    onOpen: () => void,
  ) {
    this.address = address;
    this.ended = this.#end.promise;
    this.#socket = socket;
    this.#shared = shared;
    this.#sharesFrames = sharesFrames;
    this.#fairness = new ReadFairness(socket, this.#onReadFault);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => this.#onOpen(onOpen);
    socket.onmessage = this.#onMessage;
    // Either may come without the other, and a close twice.
    socket.onerror = socket.onclose = () => this.#guard(this.#onEnd);
  }

  /** Closes it in good order: what has been sent is still written. */
  close(code: number, reason: string): void {
    this.#fairness.reopen();
    this.#socket.close(code, reason);
  }

  #onOpen(onOpen: () => void): void {
    try {
      onOpen();
      this.#conversation = this.#shared.conversations.open(
        this.#send,
        this.#sharesFrames,
        this.#onFaultOnPurpose,
      );
    } catch (error) {
      this.#onFault(error);
    }
  }

  #onFaultOnPurpose = (kind: FaultKind): void => {
    if (kind === "disconnect") this.close(1011, "Disconnected on purpose");
  };

  #onMessage = ({ data }: MessageEvent): void => {
    try {
      const frame = typeof data === "string" ? data : bytesOf(data);
      const conversation = this.#conversation;
      if (frame === undefined || conversation === undefined) return;
      this.#shared.pump.receive(conversation, frame);
      if (conversation.hasBrokenRules) this.#expelRuleBreaker(conversation);
      this.#fairness.spend(frame.length);
      this.#fairness.endIfSpent();
    } catch (error) {
      this.#onFault(error);
    }
  };

  #onEnd = (): void => {
    this.#end.resolve();
    if (this.#conversation !== undefined) this.#shared.pump.close(this.#conversation);
  };

  #send = (frame: string): void => {
    try {
      if (this.#fairness.isEnding) this.#fairness.reopen();
      if (this.#isFull(frame.length)) {
        // Not now: a conversation that sends must not be closed under its own hands.
        queueMicrotask(this.#expelSlowReader);
      } else {
        this.#socket.send(frame);
        this.#fairness.spend(frame.length);
      }
    } catch (error) {
      queueMicrotask(() => this.#onFault(error));
    }
  };

  /**
   * Whether the peer has left too much unread. That cannot have grown by more than what was sent, so Deno,
   * whom it takes long to ask, is only asked when it could make a difference.
   */
  #isFull(length: number): boolean {
    const most = MAX_BYTES * length + MAX_HEADER;
    if (this.#room < most) this.#room = this.#shared.buffered - this.#socket.bufferedAmount;
    if (this.#room < 0) return true;
    this.#room -= most;
    return false;
  }

  #expelSlowReader = (): void => {
    this.#expel(1013, `More than ${this.#shared.buffered} bytes of answers have not been read`);
  };

  #expelRuleBreaker(conversation: Conversation): void {
    conversation.flush(); // so that each packet has had its answer
    const { wrongInARow } = this.#shared.conversations.limits;
    this.#expel(1008, `Too many wrong packets in a row: the limit is ${wrongInARow}`);
  }

  /** Deno could not read a message: its text is too long for a string. */
  #onReadFault = (error: unknown): void => {
    tellFault(this.#shared.events, error);
    this.#expel(1009, "The message could not be read");
  };

  /** The peer would wait for answers that may be lost; it had better know. */
  #onFault(error: unknown): void {
    tellFault(this.#shared.events, error);
    this.#expel(1011, "A fault of the server's own");
  }

  /** Closes it without waiting for what is in flight. */
  #expel(code: number, reason: string): void {
    if (this.#isExpelled) return;
    this.#isExpelled = true;
    const { pump, events } = this.#shared;
    const dropped = this.#conversation?.inFlight ?? 0;
    this.#guard(() => this.#conversation && pump.close(this.#conversation));
    this.#guard(() => this.close(code, reason));
    this.#guard(() => events.expelled?.(this.address, code, reason, dropped));
  }

  #guard(step: () => void): void {
    try {
      step();
    } catch (error) {
      tellFault(this.#shared.events, error);
    }
  }
}

/** On Deno 2.7 a message after the end may come without data. */
function bytesOf(data: unknown): Uint8Array | undefined {
  return data instanceof ArrayBuffer ? new Uint8Array(data) : undefined;
}
