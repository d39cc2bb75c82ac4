/**
 * Trouble that is made on purpose: which requests in flight are to meet it, and what has been done.
 *
 * @module
 */

import { FAULT_KINDS, type FaultKind, type FaultPolicy } from "../fault/policy.ts";

/** So many requests are remembered whose connection was broken off. */
const MAX_REMEMBERED = 10_000;

const decoder = new TextDecoder();

/** The trouble of a process. */
export class Faults {
  /** How often each kind was made. */
  readonly counts: Readonly<Record<FaultKind, number>>;

  readonly #policy: FaultPolicy;
  readonly #counts: Record<FaultKind, number>;
  /** What each entry that is in flight is to meet. */
  readonly #planned: (FaultKind | undefined)[] = [];
  /** The ids that have broken off a connection, and were not sent again. */
  readonly #brokenOff = new Set<string>();

  constructor(policy: FaultPolicy) {
    this.#policy = policy;
    const none = Object.fromEntries(FAULT_KINDS.map((kind) => [kind, 0]));
    this.counts = this.#counts = none as Record<FaultKind, number>;
  }

  /**
   * What the request is to meet whose id is `bytes[at .. end]`. One that has broken off a connection is
   * spared when it is sent again: a client that connects again would never get past it.
   */
  kindFor(bytes: Uint8Array, at: number, end: number): FaultKind | undefined {
    const kind = this.#policy.kindFor(bytes, at, end);
    if (kind !== "disconnect") return kind;
    return this.#brokenOff.delete(decoder.decode(bytes.subarray(at, end))) ? undefined : kind;
  }

  /** Plans what a request in flight is to meet; returns how much later it is due, in milliseconds. */
  plan(entry: number, kind: FaultKind | undefined): number {
    this.#planned[entry] = kind;
    return kind === "late" ? this.#policy.lateBy : 0;
  }

  /** What is planned for an entry. */
  plannedFor(entry: number): FaultKind | undefined {
    return this.#planned[entry];
  }

  /** Notes that it has been done; `id` is JSON text. */
  note(kind: FaultKind, id: string): void {
    this.#counts[kind]++;
    if (kind !== "disconnect") return;
    this.#brokenOff.add(id);
    if (this.#brokenOff.size <= MAX_REMEMBERED) return;
    const [oldest] = this.#brokenOff;
    this.#brokenOff.delete(oldest!);
  }
}
