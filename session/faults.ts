/**
 * Trouble that is made on purpose: which requests in flight are to meet it, and what has been done.
 *
 * @module
 */

import type { FaultKind, FaultPolicy } from "./fault_policy.ts";

/** So many requests are remembered whose connection was broken off. */
const MAX_REMEMBERED = 10_000;

const decoder = new TextDecoder();

/** Remembers who has broken off a connection, until it is sent again; ids are JSON text. */
export interface BrokenOff {
  add(id: string): void;
  /** Forgets one; returns whether it was remembered. */
  delete(id: string): boolean;
}

/** Remembers the latest. */
class Latest implements BrokenOff {
  readonly #ids = new Set<string>();

  add(id: string): void {
    this.#ids.add(id);
    if (this.#ids.size <= MAX_REMEMBERED) return;
    const [oldest] = this.#ids;
    this.#ids.delete(oldest!);
  }

  delete(id: string): boolean {
    return this.#ids.delete(id);
  }
}

/** The trouble of a process. */
export class Faults {
  /** How often each kind was made. */
  readonly counts: Readonly<Record<FaultKind, number>>;

  readonly #policy: FaultPolicy;
  readonly #counts: Record<FaultKind, number>;
  /** What each entry that is in flight is to meet. */
  readonly #planned: (FaultKind | undefined)[] = [];
  readonly #brokenOff: BrokenOff;

  /** @param counts where it counts. */
  constructor(
    policy: FaultPolicy,
    counts: Record<FaultKind, number>,
    brokenOff: BrokenOff = new Latest(),
  ) {
    this.#policy = policy;
    this.counts = this.#counts = counts;
    this.#brokenOff = brokenOff;
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
    if (kind === "disconnect") this.#brokenOff.add(id);
  }
}
