/**
 * The server's control API, as the page uses it. All times are in seconds.
 *
 * @module
 */

import type { RequestId } from "../protocol.ts";
import { credentials } from "./connection.ts";
import { readEvents, type ServerSentEvent } from "./server_events.ts";

/** A request in the server's journal. */
export interface JournalEntry {
  /** Position in the order of arrival, from 1. */
  readonly number: number;
  readonly connection: number;
  /** Null if the request was invalid and had none. */
  readonly id: RequestId | null;
  readonly data: string;
  /** Whether the server has cut the data. */
  readonly cut: boolean;
  readonly arrived: number;
  readonly delay: number | null;
  /** Null if it is held or never due. */
  readonly due: number | null;
  /** The number of the rule that it follows. */
  readonly rule: number | null;
  readonly fault: string | null;
  /** `in_flight`, `held`, `answered`, `error:CODE`, `dropped` or `cancelled`. */
  readonly outcome: string;
  readonly ended: number | null;
}

/** A rule in the server's list. */
export interface ListedRule {
  readonly number: number;
  readonly enabled: boolean;
  /** How many requests it has matched. */
  readonly matched: number;
  readonly rule: unknown;
}

/** Settings for requests that no rule matches. */
export interface Settings {
  readonly delay: string;
  readonly fault: string | null;
  readonly seed: number | null;
}

/** State of the server's clock. */
export interface ClockState {
  /** `real`, `skip`, `manual`, `other`, or `x` and how many times as fast it is. */
  readonly mode: string;
  readonly now: number;
  /** When the next request is due; null if none is. */
  readonly next: number | null;
  readonly in_flight: number;
  readonly held: number;
}

/** A step of a manual clock. */
export type ClockStep = { readonly advance: number } | { readonly to: "next" };

/** A refusal by the control API; the message is the server's line. */
export class ControlError extends Error {
  override readonly name = "ControlError";
}

/** Calls the control API. Each call throws a {@linkcode ControlError} if the server refuses it. */
export class ControlClient {
  readonly #base: URL;

  /** Creates a client of the API at an URL, which ends with a slash. */
  constructor(base: URL) {
    this.#base = base;
  }

  /** Returns the state of the clock. */
  clock(): Promise<ClockState> {
    return this.#json("GET", "clock");
  }

  /** Moves a manual clock; returns the requests that this answered. */
  moveClock(step: ClockStep): Promise<JournalEntry[]> {
    return this.#json("POST", "clock", JSON.stringify(step));
  }

  /** Returns the journal, the oldest request first. */
  requests(): Promise<JournalEntry[]> {
    return this.#json("GET", "requests");
  }

  /** Adds a rule that holds requests with an id. */
  async hold(id: RequestId): Promise<void> {
    await this.#send("POST", "hold", JSON.stringify({ match: { id } }));
  }

  /** Releases a held request, or all. */
  async release(entry?: JournalEntry): Promise<void> {
    const match = entry && { connection: entry.connection, id: entry.id };
    await this.#send("POST", "release", JSON.stringify(match === undefined ? {} : { match }));
  }

  /** Returns the rules, the first that can match first. */
  rules(): Promise<ListedRule[]> {
    return this.#json("GET", "rules");
  }

  /** Adds a rule before all others, or several, given as JSON. */
  async addRule(json: string): Promise<void> {
    await this.#send("POST", "rules", json);
  }

  /** Switches a rule on or off. */
  async enableRule(number: number, enabled: boolean): Promise<void> {
    await this.#send("PATCH", `rules/${number}`, JSON.stringify({ enabled }));
  }

  /** Removes a rule. */
  async removeRule(number: number): Promise<void> {
    await this.#send("DELETE", `rules/${number}`);
  }

  /** Returns the settings. */
  settings(): Promise<Settings> {
    return this.#json("GET", "settings");
  }

  /** Changes some settings. */
  async changeSettings(changes: Partial<Settings>): Promise<void> {
    await this.#send("PATCH", "settings", JSON.stringify(changes));
  }

  /** Puts rules, counters, journal and settings back to those at the start. */
  async reset(): Promise<void> {
    await this.#send("POST", "reset");
  }

  /** Subscribes to changes. The server sends each change after it has accepted the call. */
  async events(signal: AbortSignal): Promise<AsyncIterable<ServerSentEvent>> {
    const { body } = await this.#fetch("GET", "events", undefined, signal);
    return readEvents(body!);
  }

  async #json<T>(method: string, path: string, body?: string): Promise<T> {
    return await (await this.#fetch(method, path, body)).json();
  }

  async #send(method: string, path: string, body?: string): Promise<void> {
    await (await this.#fetch(method, path, body)).body?.cancel();
  }

  async #fetch(
    method: string,
    path: string,
    body?: string,
    signal?: AbortSignal,
  ): Promise<Response> {
    const headers = new Headers(credentials());
    if (body !== undefined) headers.set("content-type", "application/json");
    const init = { method, headers, body: body ?? null, signal: signal ?? null };
    const response = await fetch(new URL(path, this.#base), init);
    if (response.ok) return response;
    throw new ControlError(await reasonIn(response));
  }
}

/** Returns why the server refuses a call: a member of its JSON, or a line of text. */
async function reasonIn(response: Response): Promise<string> {
  const text = await response.text();
  const isJson = response.headers.get("content-type")?.startsWith("application/json");
  return isJson ? JSON.parse(text).error : text.trim();
}
