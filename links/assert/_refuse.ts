import { inspect } from "node:util";
import { AssertionError } from "./assertion_error.ts";

/** Throws an `AssertionError` that says `what` does not hold, with the caller's own `msg` if any. */
export function refuse(what: string, msg?: string): never {
  throw new AssertionError(msg ? `${what}: ${msg}` : what);
}

/** A value as readable text, for messages. */
export function show(value: unknown): string {
  return inspect(value, { depth: 20, sorted: true });
}
