/**
 * A server in another process, steered over its control API.
 *
 * @module
 */

import type { RequestId } from "../protocol.ts";
import type { ClockState, OpenConnection, Release, Settings } from "../server/steering.ts";
import type { JournalEntry, JournalFilter } from "../session/journal.ts";
import type { RuleState } from "../session/rules.ts";
import type { Match, Rule } from "../session/rules_schema.ts";

/** How long to wait. */
export interface Patience {
  /** In milliseconds. @default {5000} */
  readonly timeout?: number;
}

/**
 * A server in a process of its own, with the methods of a server in Deno. If the server refuses a
 * call, the error says what it expected.
 */
export class TestServer implements AsyncDisposable {
  /** Such as `ws://127.0.0.1:41233`. */
  readonly url: string;
  /** URL of the control API, such as `http://127.0.0.1:41233/control`. */
  readonly control: string;
  readonly #headers: Record<string, string>;
  readonly #close: () => Promise<void>;

  /** @internal */
  constructor(url: string, control: string, token: string | undefined, close: () => Promise<void>) {
    this.url = url;
    this.control = control;
    this.#headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    this.#close = close;
  }

  /** The rules; the first that matches a request decides what happens to it. */
  readonly rules = {
    /** Returns the rules, the first of which has precedence. */
    list: (): Promise<RuleState[]> => this.#call("GET", "/rules"),
    /** Replaces all rules. */
    replace: (rules: readonly Rule[]): Promise<RuleState[]> => this.#call("PUT", "/rules", rules),
    /** Adds a rule before all others; returns its number. */
    add: async (rule: Rule): Promise<number> => {
      const [added]: [RuleState] = await this.#call("POST", "/rules", rule);
      return added.number;
    },
    /** Switches a rule on or off. */
    enable: (number: number, enabled: boolean): Promise<RuleState[]> =>
      this.#call("PATCH", `/rules/${number}`, { enabled }),
    /** Removes a rule. */
    remove: (number: number): Promise<RuleState[]> => this.#call("DELETE", `/rules/${number}`),
  };

  /** The clock, which a test can move if it is `manual`. */
  readonly clock = {
    /** Returns the time and the mode. */
    state: (): Promise<ClockState> => this.#call("GET", "/clock"),
    /** Moves the time, in milliseconds, and returns the requests that were answered by it. */
    advance: (duration: number): Promise<JournalEntry[]> =>
      this.#call("POST", "/clock", { advance: duration / 1000 }),
    /** Moves the time to the next due request, and returns the requests that were answered by it. */
    advanceToNext: (): Promise<JournalEntry[]> => this.#call("POST", "/clock", { to: "next" }),
  };

  /** Holds the requests that match from now on. */
  async hold(match: Match = {}): Promise<Hold> {
    const { number }: RuleState = await this.#call("POST", "/hold", { match });
    return new Hold(this, number);
  }

  /** Answers held requests at once, in order. */
  release(which: Release = {}): Promise<JournalEntry[]> {
    return this.#call("POST", "/release", which);
  }

  /** Returns the requests in the journal that match, in order of arrival. */
  requests(filter: JournalFilter = {}): Promise<JournalEntry[]> {
    const query = new URLSearchParams(Object.entries(filter).map(([k, v]) => [k, `${v}`]));
    return this.#call("GET", `/requests?${query}`);
  }

  /** Returns the requests in the journal that match, as soon as there are this many. */
  received(
    count: number,
    { timeout = 5000, ...filter }: JournalFilter & Patience = {},
  ): Promise<JournalEntry[]> {
    return this.#call("POST", "/requests/wait", { count, timeout: timeout / 1000, ...filter });
  }

  /** Returns the settings in use. */
  settings(): Promise<Settings> {
    return this.#call("GET", "/settings");
  }

  /** Changes settings for requests that arrive from now on; returns them all. */
  change(settings: Partial<Settings>): Promise<Settings> {
    return this.#call("PATCH", "/settings", settings);
  }

  /** Returns the open connections. */
  connections(): Promise<OpenConnection[]> {
    return this.#call("GET", "/connections");
  }

  /** Closes a connection with a code, or resets it without. */
  closeConnection(number: number, code?: number): Promise<void> {
    const how = code === undefined ? { reset: true } : { close: code };
    return this.#call("POST", `/connections/${number}`, how);
  }

  /** Returns to the start: rules, settings, journal. Drops requests in flight. */
  reset(): Promise<void> {
    return this.#call("POST", "/reset");
  }

  /** Ends the server, and its connections with it. */
  close(): Promise<void> {
    return this.#close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const content = body === undefined ? {} : { body: JSON.stringify(body) };
    const response = await fetch(this.control + path, {
      method,
      headers: this.#headers,
      ...content,
    });
    const text = await response.text();
    if (!response.ok) throw new Error(text.startsWith("{") ? JSON.parse(text).error : text.trim());
    return JSON.parse(text || "null");
  }
}

/** Requests that a rule holds. */
export class Hold {
  readonly #server: TestServer;
  readonly #rule: number;

  /** @internal */
  constructor(server: TestServer, rule: number) {
    this.#server = server;
    this.#rule = rule;
  }

  /** Returns the requests that the rule has matched, as soon as there are this many. */
  arrived(count = 1, options: Patience = {}): Promise<JournalEntry[]> {
    return this.#server.received(count, { ...options, rule: this.#rule });
  }

  /** Answers those with these ids, in this order, or all in order of arrival. */
  release(...ids: RequestId[]): Promise<JournalEntry[]> {
    return this.#server.release({ rule: this.#rule, ...ids.length > 0 ? { ids } : {} });
  }

  /** Removes the rule. Requests that it holds stay held. */
  async remove(): Promise<void> {
    await this.#server.rules.remove(this.#rule);
  }
}
