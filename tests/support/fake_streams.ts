/**
 * Streams for commands that run within a test.
 *
 * @module
 */

import { assert } from "@std/assert";
import { createShutdown, type Streams } from "../../cli/command.ts";
import { BufferedWriter } from "../../cli/buffered_writer.ts";
import { main } from "../../main.ts";
import { until } from "./waiting.ts";

/** Options for {@linkcode startCommand}. */
export interface FakeStreamsOptions {
  /** Content of stdin. @default {""} */
  stdin?: string | ReadableStream<Uint8Array>;
  /** Streams that are terminals. @default {[]} */
  terminals?: ("stdin" | "stdout" | "stderr")[];
  /** How many bytes a stream accepts before each write fails with `error`. @default {no limit} */
  room?: { stdout?: number; stderr?: number };
  /** @default {the error of a full disk} */
  error?: Error;
}

/** Message of the error of a full disk. */
export const FULL = "No space left on device (os error 28)";

/** A command that runs within the test. */
export interface RunningCommand {
  /** Output so far. */
  readonly stdout: string;
  readonly stderr: string;
  /** Resolves to its exit code. */
  readonly exit: Promise<number>;
  /** Acts as the first SIGINT does. */
  interrupt(): void;
  /** Resolves to the match once stdout has one. */
  seen(pattern: RegExp): Promise<RegExpExecArray>;
  /** The same for stderr. */
  said(pattern: RegExp): Promise<RegExpExecArray>;
}

/** Starts a command line. */
export function startCommand(args: string[], options: FakeStreamsOptions = {}): RunningCommand {
  const { stdin = "", terminals = [], error = new Error(FULL) } = options;
  const room = { stdout: Infinity, stderr: Infinity, ...options.room };
  const written = { stdout: "", stderr: "" };
  const shutdown = createShutdown();
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
    ...shutdown,
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
    interrupt: () => shutdown.shutDown("SIGINT"),
    seen: (pattern) => has("stdout", pattern),
    said: (pattern) => has("stderr", pattern),
  };
}

/** Result of a command. */
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

/** A stdin that stays open until the test ends it. */
export function openStdin() {
  let controller: ReadableStreamDefaultController<Uint8Array>;
  const stdin = {
    /** Whether the reader has cancelled it. */
    isCanceled: false,
    readable: new ReadableStream<Uint8Array>({
      start: (given) => void (controller = given),
      cancel: () => void (stdin.isCanceled = true),
    }),
    write: (text: string) => controller.enqueue(new TextEncoder().encode(text)),
    end: () => controller.close(),
    fail: () => controller.error(new Error("gone")),
  };
  return stdin;
}

/** Characters that terminals obey, and one that changes the direction of text. */
export const EVIL = "\x1b[2J\x07\x9b\u202e\r\b";

/** Asserts that text has no character of {@linkcode EVIL} in it. */
export function assertEscaped(text: string): void {
  // deno-lint-ignore no-control-regex -- the test looks for them
  assert(!/[\0-\x09\x0b-\x1f\x7f-\x9f\u202e]/.test(text), text);
}
