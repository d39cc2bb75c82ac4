/**
 * A plain implementation of the protocol, written the obvious way: tests compare results with it,
 * benchmarks speed.
 *
 * @module
 */

/** Returns the JSON text of the representation of `data`, names in the order of their first appearance. */
export function plainConvertToJson(data: string): string {
  const entities = new Map<string, string[]>();
  for (const entity of data.split("%%")) {
    const tokens = entity.split("&&");
    const pairs = new Map<string, string[]>();
    for (let i = 1; i + 1 < tokens.length; i += 2) {
      if (tokens[i] !== "" && tokens[i + 1] !== "") {
        addText(pairs, tokens[i]!, JSON.stringify(tokens[i + 1]));
      }
    }
    if (tokens[0] !== "" && pairs.size > 0) addText(entities, tokens[0]!, objectText(pairs));
  }
  return objectText(entities);
}

function addText(members: Map<string, string[]>, name: string, text: string): void {
  const texts = members.get(name);
  if (texts === undefined) members.set(name, [text]);
  else texts.push(text);
}

function objectText(members: ReadonlyMap<string, readonly string[]>): string {
  const texts = Array.from(members, ([name, values]) => {
    const value = values.length === 1 ? values[0] : `[${values.join(",")}]`;
    return `${JSON.stringify(name)}:${value}`;
  });
  return `{${texts.join(",")}}`;
}

type Named<T> = Record<string, T | T[]>;

/** Returns the response to a valid request, with names that are array indices first, as in objects. */
export function plainAnswer(requestText: string): string {
  const { request_id, data } = JSON.parse(requestText) as { request_id: unknown; data: string };
  return JSON.stringify({ request_id, data: plainConvert(data) });
}

function plainConvert(data: string): Named<Named<string>> {
  const entities: Named<Named<string>> = Object.create(null);
  for (const entity of data.split("%%")) {
    const tokens = entity.split("&&");
    const name = tokens[0]!;
    if (name === "") continue;
    const pairs: Named<string> = Object.create(null);
    let isEmpty = true;
    for (let i = 1; i + 1 < tokens.length; i += 2) {
      const key = tokens[i]!;
      const value = tokens[i + 1]!;
      if (key === "" || value === "") continue;
      addValue(pairs, key, value);
      isEmpty = false;
    }
    if (!isEmpty) addValue(entities, name, pairs);
  }
  return entities;
}

function addValue<T extends string | object>(members: Named<T>, name: string, value: T): void {
  const known = members[name];
  if (known === undefined) members[name] = value;
  else if (Array.isArray(known)) known.push(value);
  else members[name] = [known, value];
}

/**
 * Returns the answers to a frame in plain mode while nothing is in flight: first the errors, without
 * messages, then the responses.
 */
export function plainReplies(frame: string): string[] {
  const refusals: string[] = [];
  const refuse = (id: string, code: string) => {
    refusals.push(`{"request_id":${id},"error":{"code":"${code}"}}`);
  };
  /** Responses by id, which is JSON text. */
  const inFlight = new Map<string, string>();
  for (const packet of plainPackets(frame)) {
    const { request_id, data, cancel } = Object(packet) as Record<string, unknown>;
    const id = JSON.stringify(request_id);
    const isId = typeof request_id === "string"
      ? request_id !== "" && request_id.length <= 256
      : Number.isSafeInteger(request_id);
    if (typeof packet === "string") refuse("null", packet);
    else if (!isId || Array.isArray(packet)) refuse("null", "invalid_packet");
    else if (cancel === true) {
      if (inFlight.delete(id)) refuse(id, "cancelled");
    } else if (typeof data !== "string") refuse(id, "invalid_packet");
    else if (inFlight.has(id)) refuse(id, "duplicate_request_id");
    else inFlight.set(id, `{"request_id":${id},"data":${plainConvertToJson(data)}}`);
  }
  return [...refusals, ...inFlight.values()];
}

/** Returns the parsed packets of a frame, or codes of errors instead. */
function plainPackets(frame: string): unknown[] {
  let value: unknown;
  try {
    value = plainParse(frame);
  } catch {
    return ["invalid_json"];
  }
  const packets = Array.isArray(value) ? value : [value];
  if (packets.length === 0 || packets.length > 1000) return ["invalid_packet"];
  return packets.map((packet) => typeof packet === "string" ? "invalid_packet" : packet);
}

/** Returns an answer without the message of its error, and without the limit behind that. */
export function withoutMessage(answer: string): string {
  return answer.replace(
    /^(\{"request_id":.*,"error":\{"code":"\w+"),"message":".+?"(?:,"limit":\d+)?(\}\})$/s,
    "$1$2",
  );
}

/** Returns an answer without the delay that it has in `asyncpkt.v1`. */
export function withoutDelay(answer: string): string {
  return answer.replace(/,"delay":[\d.]+\}$/, "}");
}

/** A string, a bracket, or a number or word. */
const TOKEN = /"(?:[^"\\]+|\\.)*"|[[\]{}]|[^\s[\]{},:"]+/g;

/**
 * Returns what `JSON.parse(json)` should return, which misreads some names, see
 * {@link file://./../../protocol/parse_json.ts}. It reads token by token, so V8 never reads a name.
 *
 * @throws {SyntaxError} if `json` is not JSON.
 */
export function plainParse(json: string): unknown {
  JSON.parse(json);
  const open: unknown[][] = [[]];
  for (const [token] of json.matchAll(TOKEN)) {
    if (token === "[" || token === "{") {
      open.push([]);
    } else if (token === "]" || token === "}") {
      const parts = open.pop()!;
      open.at(-1)!.push(token === "]" ? parts : objectOf(parts));
    } else {
      open.at(-1)!.push(JSON.parse(token));
    }
  }
  return open[0]![0];
}

/** Returns the object whose names and values alternate in `parts`. */
function objectOf(parts: readonly unknown[]): unknown {
  const count = parts.length / 2;
  return Object.fromEntries(
    Array.from({ length: count }, (_, i) => [parts[2 * i], parts[2 * i + 1]]),
  );
}
