/**
 * Checks messages against the description that the server publishes, so that neither drifts from the
 * other. Messages between tests and servers or clients pass through here.
 *
 * @module
 */

import asyncapi from "../../server/asyncapi.json" with { type: "json" };
import { decodeFrame } from "../../protocol.ts";
import { parseJson } from "../../protocol/parse_json.ts";
import { Ajv2020, type ValidateFunction } from "./npm_packages.ts";

const { schemas } = asyncapi.components;
// JSON Schema counts code points, the protocol UTF-16 units, as Ajv does with `unicode: false`.
const ajv = new Ajv2020({ strict: true, unicode: false, logger: false });
ajv.addVocabulary(["components"]);
const [checkAnswer, checkRequest] = ["answerFrame", "requestFrame"].map((name) =>
  ajv.compile({ $ref: `#/components/schemas/${name}`, components: { schemas } })
) as [ValidateFunction, ValidateFunction];

/** Returns a server's frame; throws an Error if it is not as described. */
export function describedAnswer(frame: string): string {
  if (checkAnswer(parseJson(frame))) return frame;
  throw new Error(`not as described: ${frame}\n${ajv.errorsText(checkAnswer.errors)}`);
}

function isDescribedRequest(frame: string): boolean {
  try {
    return checkRequest(parseJson(frame));
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}

/** Returns a client's frame; throws an Error if it is not as described. */
export function describedRequest(frame: string): string {
  if (isDescribedRequest(frame)) return frame;
  throw new Error(`not as described: ${frame}\n${ajv.errorsText(checkRequest.errors)}`);
}

/** Returns a frame; throws an Error if description and protocol disagree about its validity. */
export function agreedRequest(frame: string): string {
  const isValid = decodeFrame(frame).every((packet) => !("error" in packet));
  if (isDescribedRequest(frame) === isValid) return frame;
  const verdict = isValid ? "valid, but not as described" : "as described, but wrong";
  throw new Error(`${verdict}: ${frame}`);
}
