/**
 * Streams for commands that run within a test.
 *
 * @module
 */

import type { Streams } from "../../cli/command.ts";
import { BufferedWriter } from "../../cli/buffered_writer.ts";
import { Shutdown } from "../../cli/shutdown.ts";
import { main } from "../../main.ts";
import { until } from "./waiting.ts";

/** What stdin is, and which streams are terminals. */
export interface FakeStreamsOptions {
  /** What there is to be read, all of it or as it comes. @default {""} */
  stdin?: string | ReadableStream<Uint8Array>;
  /** @default {[]} */
  terminals?: ("stdin" | "stdout" | "stderr")[];
  /** How many bytes a stream takes before each write to it fails with `error`. @default {{}} */
  room?: { stdout?: number; stderr?: number };
  /** @default {an error as of a full disk} */
  error?: Error;
}

/** What a write to a full disk fails with. */
export const FULL = "No space left on device (os error 28)";

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
  const { stdin = "", terminals = [], error = new Error(FULL) } = options;
  const room = { stdout: Infinity, stderr: Infinity, ...options.room };
  const written = { stdout: "", stderr: "" };
  const shutdown = new Shutdown();
  const output = (name: "stdout" | "stderr") => {
    const decoder = new TextDecoder();
    return new BufferedWriter({
      write: (bytes) => {
        if (room[name] === 0) return Promise.reject(error);
        const taken = bytes.subarray(0, room[name]);
        room[name] -= taken.length;
        written[name] += decoder.decode(taken, { stream: true });
        return Promise.resolve(taken.length);
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
    exit: main(args, streams),
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
