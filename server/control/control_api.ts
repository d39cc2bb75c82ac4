/**
 * The control API: steers a server over HTTP. docs/openapi.yaml describes it.
 *
 * @module
 */

import { parseJson } from "../../protocol/parse_json.ts";
import type { JournalEntry } from "../../session/journal.ts";
import { matchesPattern } from "../../session/pattern.ts";
import type { RuleState } from "../../session/rules.ts";
import type { Rule } from "../../session/rules_schema.ts";
import { type Arrival, RequestBody } from "../request_body.ts";
import { type Settings, type Steering, UnsupportedError } from "../steering.ts";
import { EventStreams, MAX_READERS } from "./events.ts";
import * as input from "./input.ts";

/** Longest body of a request, in bytes. */
const MAX_BODY = 1 << 20;

/** Time that `POST /control/requests/wait` waits by default, in seconds. */
const WAIT = 5;

/** A request that is refused, with a status and a line that says why. */
class Refusal extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly headers: Record<string, string> = {},
  ) {
    super(message);
  }
}

/** A request to the API. */
interface Call {
  readonly body: unknown;
  readonly query: URLSearchParams;
  /** The number at the end of the path; NaN if there is none. */
  readonly number: number;
}

/** Returns a JSON value, a response, or undefined for 204. */
type Handler = (call: Call) => unknown;

/** Answers requests to `/control`, which are admitted already. */
export class ControlApi {
  readonly #steering: Steering;
  readonly #events: EventStreams;
  readonly #closed = new AbortController();

  constructor(steering: Steering) {
    this.#steering = steering;
    this.#events = new EventStreams(steering);
  }

  /** By path below `/control`, in which N is a number, and by method. */
  readonly #routes: Readonly<Record<string, Readonly<Record<string, Handler>>>> = {
    "/requests": { GET: ({ query }) => this.#list(query) },
    "/requests/wait": { POST: ({ body }) => this.#wait(body) },
    "/rules": {
      GET: () => this.#steering.rules.list(),
      PUT: ({ body }) => this.#replaceRules(body),
      POST: ({ body }) => this.#addRules(body),
      DELETE: () => this.#replaceRules([]),
    },
    "/rules/N": {
      PATCH: ({ number, body }) => this.#enableRule(number, body),
      DELETE: ({ number }) => this.#removeRule(number),
    },
    "/hold": { POST: ({ body }) => this.#hold(body) },
    "/release": { POST: ({ body }) => this.#steering.releaseNoted(input.release(body)) },
    "/settings": {
      GET: () => this.#steering.settings,
      PATCH: ({ body }) => this.#change(body),
    },
    "/clock": {
      GET: () => this.#steering.clockState,
      POST: ({ body }) => this.#advance(body),
    },
    "/connections": { GET: () => this.#steering.connections },
    "/connections/N": { POST: ({ number, body }) => this.#end(number, body) },
    "/reset": { POST: ({ body }) => this.#reset(body) },
    "/events": { GET: () => this.#openEvents() },
    "/openapi.json": { GET: describe },
  };

  async answer(request: Request): Promise<Response> {
    try {
      const result = await this.#answer(request);
      if (result instanceof Response) return result;
      return result === undefined ? new Response(null, { status: 204 }) : json(result, 200);
    } catch (error) {
      const { status, message, headers } = refusalOf(error);
      return json({ error: message }, status, headers);
    }
  }

  /** Ends all streams of events and all waits. */
  close(): void {
    this.#closed.abort(new Refusal(503, "the server has ended"));
    this.#events.close();
  }

  async #answer(request: Request): Promise<unknown> {
    const { pathname, searchParams } = new URL(request.url);
    const [, path, digits] = /^\/control(.*?)(?:\/(\d+))?$/.exec(pathname)!;
    const route = digits === undefined ? path! : `${path}/N`;
    if (!Object.hasOwn(this.#routes, route)) {
      throw new Refusal(404, `nothing is at ${pathname}; see /control/openapi.json`);
    }
    const handlers = this.#routes[route]!;
    const { method } = request;
    if (!Object.hasOwn(handlers, method)) {
      const allow = Object.keys(handlers).join(", ");
      throw new Refusal(405, `expected one of ${allow}, got ${method}`, { allow });
    }
    const body = method === "GET" ? undefined : await readBody(request);
    this.#closed.signal.throwIfAborted();
    return handlers[method]!({ body, query: searchParams, number: Number(digits) });
  }

  #list(query: URLSearchParams): JournalEntry[] {
    const { id, ...filter } = input.query(query);
    return this.#steering.journal.list(filter)
      .filter((entry) => id === undefined || matchesPattern(id, `${entry.id}`));
  }

  async #wait(body: unknown): Promise<JournalEntry[]> {
    const { count = 1, timeout = WAIT, ...filter } = input.wait(body);
    const { journal } = this.#steering;
    try {
      return await journal.wait(count, filter, 1000 * timeout, this.#closed.signal);
    } catch (error) {
      if (error instanceof Refusal) throw error;
      const found = journal.list(filter).length;
      throw new Refusal(408, `expected ${count} requests within ${timeout} s, got ${found}`);
    }
  }

  #replaceRules(body: unknown): RuleState[] {
    const { rules } = this.#steering;
    rules.replace(body as Rule[]);
    return rules.list();
  }

  #addRules(body: unknown): RuleState[] {
    const { rules } = this.#steering;
    if (Array.isArray(body)) rules.addAll(body);
    else rules.add(body as Rule);
    return rules.list();
  }

  #enableRule(number: number, body: unknown): RuleState[] {
    const { rules } = this.#steering;
    const { enabled } = input.enabling(body);
    if (!rules.enable(number, enabled)) throw noRule(number);
    return rules.list();
  }

  #removeRule(number: number): RuleState[] {
    const { rules } = this.#steering;
    if (!rules.remove(number)) throw noRule(number);
    return rules.list();
  }

  #hold(body: unknown): RuleState {
    const { rules } = this.#steering;
    rules.add({ match: input.hold(body).match ?? {}, hold: true });
    return rules.list()[0]!;
  }

  #change(body: unknown): Settings {
    return this.#steering.change(input.settings(body));
  }

  #advance(body: unknown): JournalEntry[] {
    const step = input.clockStep(body);
    const duration = "advance" in step ? 1000 * step.advance : step.to;
    return this.#steering.journal.changesDuring(() => this.#steering.advance(duration))
      .filter(({ ended }) => ended !== null);
  }

  #end(number: number, body: unknown): undefined {
    const ending = input.ending(body);
    const hasEnded = "close" in ending
      ? this.#steering.closeConnection(number, ending.close)
      : this.#steering.resetConnection(number);
    if (!hasEnded) throw new Refusal(404, `connection ${number} is not open`);
  }

  #openEvents(): Response {
    const response = this.#events.open();
    if (response !== undefined) return response;
    throw new Refusal(503, `${MAX_READERS} others read the events already`);
  }

  #reset(body: unknown): undefined {
    input.nothing(body);
    this.#steering.reset();
  }
}

/** Returns a response that ends in a new line, for terminals. */
function json(value: unknown, status: number, headers: Record<string, string> = {}): Response {
  const text = JSON.stringify(value) + "\n";
  return new Response(text, {
    status,
    headers: { "content-type": "application/json", ...headers },
  });
}

function noRule(number: number): Refusal {
  return new Refusal(404, `there is no rule ${number}`);
}

/** Returns the description, which is loaded on the first request. */
async function describe(): Promise<unknown> {
  return (await import("./openapi.json", { with: { type: "json" } })).default;
}

const ARRIVALS: Readonly<Record<Exclude<Arrival, "complete">, Refusal>> = {
  "too large": new Refusal(413, `expected a body of at most ${MAX_BODY} bytes`),
  "too slow": new Refusal(408, "the body took too long"),
  broken: new Refusal(400, "the body is incomplete"),
};

const decoder = new TextDecoder("utf-8", { fatal: true });

/** Returns the JSON value of a body; `{}` if there is none. */
async function readBody(request: Request): Promise<unknown> {
  const body = new RequestBody(request.body, MAX_BODY);
  const arrival = await body.arrival;
  if (arrival !== "complete") throw ARRIVALS[arrival];
  if (body.bytes.length === 0) return {};
  try {
    return parseJson(decoder.decode(body.bytes));
  } catch (error) {
    // The message may quote some of the text, which may be several lines.
    const reason = (error as Error).message.replace(/, (?:\.{3})?".*/s, "");
    throw new Refusal(400, `body: expected JSON in UTF-8: ${reason}`);
  }
}

/** @throws {unknown} an error of the server itself. */
function refusalOf(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  if (error instanceof RangeError) return new Refusal(400, error.message);
  if (error instanceof UnsupportedError) return new Refusal(409, error.message);
  throw error;
}
