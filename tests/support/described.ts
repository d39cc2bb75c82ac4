/**
 * Holds messages against the description of them that the server gives out, so that neither drifts from
 * the other. What tests send to a server and get from it, and what a client sends, comes by here.
 *
 * @module
 */

import asyncapi from "../../server/asyncapi.json" with { type: "json" };
import { decodeFrame } from "../../protocol.ts";
import { parseJson } from "../../protocol/parse_json.ts";
import { Ajv2020, type ValidateFunction } from "./npm_packages.ts";

const { schemas } = asyncapi.components;
// JSON Schema counts code points, the protocol UTF-16 units, as Ajv does when told.
const ajv = new Ajv2020({ strict: true, unicode: false, logger: false });
ajv.addVocabulary(["components"]);
const [checkAnswer, checkRequest] = ["answerFrame", "requestFrame"].map((name) =>
  ajv.compile({ $ref: `#/components/schemas/${name}`, components: { schemas } })
) as [ValidateFunction, ValidateFunction];

/** Passes a frame of a server's on, if it is one by the description; throws an Error if it is not. */
export function describedAnswer(frame: string): string {
  if (checkAnswer(parseJson(frame))) return frame;
  throw new Error(`not as described: ${frame}\n${ajv.errorsText(checkAnswer.errors)}`);
}

/** Whether a client's frame is one by the description. */
function isDescribedRequest(frame: string): boolean {
  try {
    return checkRequest(parseJson(frame));
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}

/** Passes a frame of a client's on; throws an Error if it is wrong by the description. */
export function describedRequest(frame: string): string {
  if (isDescribedRequest(frame)) return frame;
  throw new Error(`not as described: ${frame}\n${ajv.errorsText(checkRequest.errors)}`);
}

/**
 * Passes on a frame that may be wrong on purpose; throws an Error if the description and the protocol do
 * not agree on whether it is.
 */
export function agreedRequest(frame: string): string {
  const isValid = decodeFrame(frame).every((packet) => !("error" in packet));
  if (isDescribedRequest(frame) === isValid) return frame;
  throw new Error(
    `${isValid ? "valid, but not as described" : "as described, but wrong"}: ${frame}`,
  );
}
