/**
 * Streams for commands that run within a test.
 *
 * @module
 */

import type { Streams } from "../cli/command.ts";
import { Output } from "../cli/output.ts";
import { Shutdown } from "../cli/shutdown.ts";
import { main } from "../main.ts";
import { until } from "./until.ts";

/** What stdin is, and which streams are terminals. */
export interface FakeStreamsOptions {
  /** What there is to be read, all of it or as it comes. @default {""} */
  stdin?: string | ReadableStream<Uint8Array>;
  /** @default {[]} */
  terminals?: ("stdin" | "stdout" | "stderr")[];
}

/** A command that runs within the test. */
export interface RunningCommand {
  /** What it has written so far. */
  readonly stdout: string;
  readonly stderr: string;
  /** Resolves to its exit code. */
  readonly exit: Promise<number>;
  /** Does what the first SIGINT or SIGTERM does. */
  interrupt(): void;
  /** Resolves to the match once stdout holds one. */
  seen(pattern: RegExp): Promise<RegExpExecArray>;
  /** The same for stderr. */
  said(pattern: RegExp): Promise<RegExpExecArray>;
}

/** Starts a command line. */
export function startCommand(args: string[], options: FakeStreamsOptions = {}): RunningCommand {
  const { stdin = "", terminals = [] } = options;
  const written = { stdout: "", stderr: "" };
  const shutdown = new Shutdown();
  const output = (name: "stdout" | "stderr") => {
    const decoder = new TextDecoder();
    return new Output({
      write: (bytes) => {
        written[name] += decoder.decode(bytes, { stream: true });
        return Promise.resolve(bytes.length);
      },
      isTerminal: () => terminals.includes(name),
    });
  };
  const streams: Streams = {
    stdin: {
      readable: typeof stdin === "string" ? new Blob([stdin]).stream() : stdin,
      isTerminal: () => terminals.includes("stdin"),
    },
    stdout: output("stdout"),
    stderr: output("stderr"),
    signal: shutdown.signal,
    shutDown: (reason) => shutdown.request(reason),
  };
  const run = async () => {
    const code = await main(args, streams);
    await streams.stdout.flush();
    await streams.stderr.flush();
    return code;
  };
  const has = async (name: "stdout" | "stderr", pattern: RegExp) => {
    await until(`${name} has ${pattern}`, () => pattern.test(written[name]));
    return pattern.exec(written[name])!;
  };
  return {
    get stdout() {
      return written.stdout;
    },
    get stderr() {
      return written.stderr;
    },
    exit: run(),
    interrupt: () => shutdown.request("SIGINT"),
    seen: (pattern) => has("stdout", pattern),
    said: (pattern) => has("stderr", pattern),
  };
}

/** What a command has come to. */
export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command line to its end. */
export async function runCommand(
  args: string[],
  options: FakeStreamsOptions = {},
): Promise<CommandResult> {
  const command = startCommand(args, options);
  const code = await command.exit;
  return { code, stdout: command.stdout, stderr: command.stderr };
}
