/**
 * `asyncpkt convert`: the conversion, offline.
 *
 * @module
 */

import { convertToJson, formatJson } from "../protocol.ts";
import { Exit, messageOf, stopSignal, type Streams, UsageError } from "./command.ts";
import { flagHelp, readFlags, toggle } from "./flags.ts";
import { checkLine, readLines } from "./input.ts";

/** The flags of `asyncpkt convert`. */
export const flags = {
  back: toggle("converts representations, as JSON, to data"),
};

/** Returns the text of `asyncpkt convert --help`. */
export const help = () =>
  `Converts data to its representation, line by line, from stdin to stdout.

Usage: asyncpkt convert [flags] < FILE

${flagHelp(flags)}

A line may have up to 64 MiB of UTF-8. With --back, data must fit in one line: no line feed, no
carriage return at its end, no byte order mark at its start, no lone surrogate. For each line that
cannot be converted, stderr reports the number and the reason, and the next line follows.

Exit codes: 0 all converted, 1 some lines not converted, or the output could not be written, 2 wrong
usage, 130 interrupted.

Examples:
  echo 'Hub&&name&&qwe&&id&&123&&' | asyncpkt convert
  echo '{"Hub":{"name":"qwe"}}' | asyncpkt convert --back
`;

/** Converts each line. */
export async function run(args: string[], streams: Streams): Promise<number> {
  const { stdin, stdout, stderr, signal } = streams;
  const given = readFlags(flags, args, "words");
  if (given._.length > 0) {
    const word = JSON.stringify(given._[0]);
    throw new UsageError(`unexpected argument ${word}; use stdin, as in "convert < FILE"`);
  }
  if (stdin.isTerminal()) {
    stderr.write(help());
    return Exit.usage;
  }
  const stop = stopSignal(streams);
  const convertLine = given.back ? toDataLine : convertToJson;
  let exit: number = Exit.ok;
  for await (const line of readLines(stdin.readable, stop)) {
    try {
      if (line.problem !== undefined) throw new RangeError(line.problem);
      stdout.writeLine(convertLine(line.text));
    } catch (error) {
      exit = Exit.failed;
      stderr.writeEscaped(`line ${line.number}: ${messageOf(error)}`);
    }
    if (stdout.isBehind) await stdout.flush();
    if (stderr.isBehind) await stderr.flush();
    if (stop.aborted) break;
  }
  return signal.aborted ? Exit.interrupted : exit;
}

/** Converts a representation to data, which must fit in a line. */
function toDataLine(json: string): string {
  const data = formatJson(json);
  checkLine(data);
  return data;
}
