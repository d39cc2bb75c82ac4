/**
 * The flags of `asyncpkt serve` that choose a protocol.
 *
 * @module
 */

import type { Protocol } from "../protocol/message.ts";
import { messageOf, UsageError } from "./command.ts";
import { readTextFile } from "./files.ts";
import { choice, defined, exclude, type FlagValues, text } from "./flags.ts";

/** The flags that choose a protocol, and what its answers look like. */
export const PROTOCOL_FLAGS = {
  protocol: choice("of the frames [packets]", ["packets", "jsonrpc", "json", "echo"]),
  "id-at": text("POINTER", "JSON Pointer to the id in a message of json [/id]"),
  answer: text("TEMPLATE", "answer of json, or result of jsonrpc [what was received]"),
  "answer-file": text("FILE", "the same, read from a file"),
  "error-answer": text("TEMPLATE", "answer of json to what is wrong [none]"),
};

type Flags = FlagValues<typeof PROTOCOL_FLAGS>;

/** The protocols for which each flag has a meaning. */
const MEANING: Readonly<
  Record<Exclude<keyof typeof PROTOCOL_FLAGS, "protocol">, readonly string[]>
> = {
  "id-at": ["json"],
  answer: ["json", "jsonrpc"],
  "answer-file": ["json", "jsonrpc"],
  "error-answer": ["json"],
};

/**
 * Returns the protocol that the flags choose; undefined for packets.
 *
 * @throws {UsageError} if a flag is wrong, or has no meaning for the protocol.
 */
export async function readProtocol(given: Flags): Promise<Protocol | undefined> {
  const { protocol = "packets" } = given;
  for (const [flag, protocols] of Object.entries(MEANING)) {
    if (given[flag as keyof typeof MEANING] === undefined || protocols.includes(protocol)) continue;
    throw new UsageError(`--${flag} needs --protocol ${protocols.join(" or ")}`);
  }
  exclude({
    "--answer": given.answer !== undefined,
    "--answer-file": given["answer-file"] !== undefined,
  });
  const path = given["answer-file"];
  const answer = path === undefined ? given.answer : (await readTextFile(path)).trim();
  const source = path ?? "--answer";
  if (protocol === "echo") return (await import("../protocol/echo.ts")).echoProtocol();
  if (protocol === "jsonrpc") {
    const { jsonRpcProtocol } = await import("../protocol/json_rpc.ts");
    return build(
      { result: source },
      () => jsonRpcProtocol(answer === undefined ? {} : { result: answer }),
    );
  }
  if (protocol === "packets") return undefined;
  const { jsonProtocol } = await import("../protocol/json_protocol.ts");
  const options = { idAt: given["id-at"], answer, error: given["error-answer"] };
  const names = { idAt: "--id-at", answer: source, error: "--error-answer" };
  return build(names, () => jsonProtocol(defined(options)));
}

/**
 * Builds a protocol; in its errors, names of options become `names`, where they come from.
 *
 * @throws {UsageError} if an option is wrong.
 */
function build(names: Readonly<Record<string, string>>, protocol: () => Protocol): Protocol {
  try {
    return protocol();
  } catch (error) {
    const message = messageOf(error);
    const [option] = /^\w+/.exec(message)!;
    throw new UsageError(message.replace(option, names[option]!));
  }
}
