/**
 * Protocols of messages as clients use them: JSON-RPC, JSON with ids, and echo.
 *
 * @module
 */

import { type ClientWire, readNumber, type RequestWriter } from "./client_wire.ts";
import { parsePointer, type Pointer } from "./json_pointer.ts";
import { isId, readJson, Wrong } from "./json_protocol.ts";
import type { RequestId } from "./packet.ts";
import type { Frame } from "./wire.ts";

/** A protocol whose requests a user writes: whole, or as templates with `{{id}}` for a number. */
export interface MessageClientWire extends ClientWire {
  /**
   * Reads a request that a user wrote. One without an id gets a free one.
   *
   * @throws {RangeError} if it is not a request.
   */
  request(text: string, freeId: number): { readonly id: RequestId; readonly frame: string };
}

/** Options of {@linkcode jsonClientWire}. */
export interface JsonClientOptions {
  /** A JSON Pointer to the id, in requests and in answers. @default {"/id"} */
  idAt?: string | undefined;
  /**
   * A JSON Pointer to what makes an answer an error, unless it is null, false or 0.
   *
   * @default {"/error"}
   */
  errorAt?: string | undefined;
}

/**
 * Returns JSON messages with ids.
 *
 * @throws {RangeError} if a pointer is wrong.
 */
export function jsonClientWire(
  { idAt = "/id", errorAt = "/error" }: JsonClientOptions = {},
): MessageClientWire {
  const idOf = parsePointer(idAt);
  const errorOf = parsePointer(errorAt);
  return {
    name: "json",
    hasBatches: false,
    requests: (templates) =>
      new TemplateWriter(templates.map((text) => parseJsonTemplate(text, idAt, idOf))),
    read(frame, onAnswer) {
      const value = readJson(frame);
      if (value instanceof Wrong) return false;
      const id = idOf(value);
      onAnswer(isId(id) ? id : null, codeOf(errorOf(value)), undefined);
      return true;
    },
    request: (text, freeId) => readRequest(text, freeId, idAt, idOf),
  };
}

/** JSON-RPC 2.0. A message of the server with a method answers no request. */
export const jsonRpcClientWire: MessageClientWire = {
  ...jsonClientWire(),
  name: "jsonrpc",
  hasBatches: true,
  read(frame, onAnswer) {
    const messages = [readJson(frame)].flat();
    const areObjects = messages.every((each) =>
      typeof each === "object" && each !== null && !(each instanceof Wrong)
    );
    if (!areObjects || messages.length === 0) return false;
    for (const { id, method, error } of messages as Record<string, unknown>[]) {
      onAnswer(method === undefined && isId(id) ? id : null, codeOf(error), undefined);
    }
    return true;
  },
};

/** Echo: each answer is the text of its request, which is its id too. */
export const echoClientWire: MessageClientWire = {
  name: "echo",
  hasBatches: false,
  requests: (templates) =>
    new TemplateWriter(templates.map((template) => {
      const text = new NumberedText(template);
      return {
        text,
        numberOf: (id) => typeof id === "string" ? text.numberIn(id) : 0,
      };
    })),
  read(frame, onAnswer) {
    const text = textOf(frame);
    if (text !== undefined) onAnswer(text, undefined, undefined);
    return text !== undefined;
  },
  request: (text) => ({ id: text, frame: text }),
};

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Returns the text of a frame, which many servers echo as bytes. */
function textOf(frame: Frame): string | undefined {
  try {
    return typeof frame === "string" ? frame : decoder.decode(frame);
  } catch {
    return undefined;
  }
}

/** Returns the code of an error; undefined if it is none. */
function codeOf(error: unknown): string | undefined {
  if (error === undefined || error === null || error === false || error === 0) return undefined;
  const { code = error } = Object(error);
  return typeof code === "string" && code !== "" ? code : JSON.stringify(code);
}

function readRequest(text: string, freeId: number, idAt: string, idOf: Pointer) {
  const value = readJson(text);
  if (value instanceof Wrong) throw new RangeError("not JSON");
  const id = idOf(value);
  if (isId(id)) return { id, frame: text };
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  // Where it can be inserted into the text, which stays as the user wrote it.
  const [, name] = /^\/([^/]*)$/.exec(idAt) ?? [];
  if (id !== undefined || !isObject || name === undefined) {
    throw new RangeError(
      `expected a string or an integer at ${idAt}, got ${JSON.stringify(id) ?? "none"}`,
    );
  }
  const member = JSON.stringify(name.replaceAll("~1", "/").replaceAll("~0", "~"));
  const comma = Object.keys(value).length > 0 ? "," : "";
  return { id: freeId, frame: text.replace("{", () => `{${member}:${freeId}${comma}`) };
}

/** Text in which `{{id}}` stands for a number. */
class NumberedText {
  readonly #parts: readonly string[];
  readonly #length: number;

  /** @throws {RangeError} if there is no `{{id}}`. */
  constructor(text: string) {
    this.#parts = text.split(/\{\{\s*id\s*\}\}/);
    this.#length = this.#parts.join("").length;
    if (this.#parts.length === 1) {
      throw new RangeError(`expected {{id}} in the template, got ${JSON.stringify(text)}`);
    }
  }

  with(number: number): string {
    return this.#parts.join(String(number));
  }

  /** Returns the number with which the text is `text`; 0 if there is none. */
  numberIn(text: string): number {
    const digits = (text.length - this.#length) / (this.#parts.length - 1);
    const start = this.#parts[0]!.length;
    const number = readNumber(text.slice(start, start + digits));
    return number > 0 && this.with(number) === text ? number : 0;
  }
}

/** The text of a request, and how its id is made of its number. */
interface RequestTemplate {
  readonly text: NumberedText;
  /** Returns the number in an id of this form; 0 if it has another. */
  readonly numberOf: (id: RequestId | null) => number;
}

/** Stands for a number in a template: no user writes it. */
const SAMPLE = 987_654_321_012_345;

function parseJsonTemplate(template: string, idAt: string, idOf: Pointer): RequestTemplate {
  const text = new NumberedText(template);
  let value: unknown;
  try {
    value = JSON.parse(text.with(SAMPLE));
  } catch (error) {
    const { message } = error as Error;
    throw new RangeError(`expected JSON once {{id}} is a number, got ${template} (${message})`);
  }
  const id = idOf(value);
  const isNumber = id === SAMPLE;
  if (!isNumber && !(typeof id === "string" && id.includes(String(SAMPLE)))) {
    throw new RangeError(`expected {{id}} at ${idAt}, got ${JSON.stringify(id) ?? "none"}`);
  }
  if (isNumber) return { text, numberOf: (id) => typeof id === "number" ? id : 0 };
  const form = new NumberedText(id.replaceAll(String(SAMPLE), "{{id}}"));
  return { text, numberOf: (id) => typeof id === "string" ? form.numberIn(id) : 0 };
}

/** Writes requests from templates. */
class TemplateWriter implements RequestWriter {
  readonly #templates: readonly RequestTemplate[];

  constructor(templates: readonly RequestTemplate[]) {
    this.#templates = templates;
  }

  frame(first: number, count: number): string {
    if (count === 1) return this.#of(first).text.with(first);
    const texts = Array.from({ length: count }, (_, i) => this.#of(first + i).text.with(first + i));
    return `[${texts.join(",")}]`;
  }

  numberOf(id: RequestId | null): number {
    for (const { numberOf } of this.#templates) {
      const number = numberOf(id);
      if (number > 0 && this.#of(number).numberOf(id) === number) return number;
    }
    return 0;
  }

  #of(number: number): RequestTemplate {
    return this.#templates[(number - 1) % this.#templates.length]!;
  }
}
