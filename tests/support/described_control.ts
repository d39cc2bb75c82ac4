/**
 * A client of the control API that checks every exchange against the description that the server
 * publishes, so that neither drifts from the other.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import openapi from "../../server/control/openapi.json" with { type: "json" };
import { parseJson } from "../../protocol/parse_json.ts";
import { Ajv2020 } from "./npm_packages.ts";

/** An operation of the description. */
export interface Operation {
  readonly requestBody?: {
    readonly required?: boolean;
    readonly content: {
      readonly "application/json": { readonly examples: Record<string, { value: unknown }> };
    };
  };
  readonly responses: Readonly<Record<string, object>>;
}

/** Each operation of the description, by path, and by method in lower case. */
export const OPERATIONS = new Map(
  Object.entries<object>(openapi.paths).map(([path, item]) => [
    path,
    new Map<string, Operation>(Object.entries(item).filter(([name]) => name !== "parameters")),
  ]),
);

/** The exchanges so far, such as `post /control/rules 200`. */
export const seen = new Set<string>();

// JSON Schema counts code points, the server UTF-16 units, as Ajv does with `unicode: false`.
const ajv = new Ajv2020({ strict: false, unicode: false, logger: false });
ajv.addSchema(openapi, "openapi");

/** Whether a value follows the schema at a place in the description. */
export function follows(value: unknown, ...place: string[]): boolean {
  const pointer = place.map((name) => name.replaceAll("~", "~0").replaceAll("/", "~1")).join("/");
  return ajv.validate({ $ref: `openapi#/${pointer}` }, value) as boolean;
}

/** An answer of the control API. */
export interface ControlAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** The JSON value; text if it is none, undefined if it is empty. */
  readonly value: unknown;
}

/** A server, or only its control API. */
export interface Steerable {
  readonly url: string;
  answer?(request: Request): Promise<Response>;
}

/**
 * Sends a request to the control API of a server.
 *
 * @param path the path below `/control`, with its query.
 * @param body a value to send as JSON, or a text to send as it is.
 */
export async function control(
  server: Steerable,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<ControlAnswer> {
  const text = body === undefined || typeof body === "string" ? body ?? null : JSON.stringify(body);
  const url = `${server.url.replace("ws", "http")}/control${path}`;
  const request = new Request(url, { method, headers, body: text });
  const response = await (server.answer?.(request) ?? fetch(request));
  const answer = await response.text();
  const isJson = response.headers.get("content-type")?.startsWith("application/json");
  const value = answer === "" ? undefined : isJson ? parseJson(answer) : answer;
  check(method, `/control${path.replace(/\?.*/, "")}`, body, response, value);
  return { status: response.status, headers: response.headers, value };
}

function check(
  method: string,
  path: string,
  body: unknown,
  { status, headers }: Response,
  value: unknown,
): void {
  const template = [...OPERATIONS.keys()].find((template) =>
    new RegExp(`^${template.replaceAll(/\{\w+\}/g, "\\d+")}$`).test(path)
  );
  const verb = method.toLowerCase();
  const operation = template && OPERATIONS.get(template)!.get(verb);
  if (!operation) {
    assert(status === 404 || status === 405, `${method} ${path}: got ${status}`);
    return;
  }
  const exchange = `${verb} ${template} ${status}`;
  seen.add(exchange);
  assert(`${status}` in operation.responses, `${exchange} is not described`);
  const place = ["paths", template, verb];
  if (operation.requestBody !== undefined && typeof body !== "string") {
    const isAsDescribed = body === undefined
      ? !operation.requestBody.required
      : follows(body, ...place, "requestBody", "content", "application/json", "schema");
    assert(isAsDescribed || status >= 400, `${exchange}: ${JSON.stringify(body)}`);
  }
  const response = operation.responses[status] as { $ref?: string; content?: object };
  const answerPlace = response.$ref?.slice(2).split("/") ?? [...place, "responses", `${status}`];
  const { content } = response.$ref === undefined
    ? response
    : openapi.components.responses[answerPlace.at(-1) as "wrong"];
  const [type] = Object.keys(content ?? {});
  if (type === undefined) return assertEquals(value, undefined);
  assertEquals(headers.get("content-type")?.split(";")[0], type, exchange);
  assert(
    follows(value, ...answerPlace, "content", type, "schema"),
    `${exchange}: ${JSON.stringify(value)}: ${ajv.errorsText()}`,
  );
}
