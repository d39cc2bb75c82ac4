import { refuse, show } from "./_refuse.ts";

/** A class of errors. */
// deno-lint-ignore no-explicit-any -- only `any` lets classes with every kind of argument through
export type ErrorType<E extends Error = Error> = new (...args: any[]) => E;

/** What a caller of `assertThrows` or `assertRejects` expects. */
export interface Expected {
  type?: ErrorType | undefined;
  includes?: string | undefined;
  msg?: string | undefined;
}

/** Reads the arguments after the function: either (msg) or (class, part of the message, msg). */
export function expectedFrom(
  typeOrMsg?: ErrorType | string,
  includes?: string,
  msg?: string,
): Expected {
  return typeof typeOrMsg === "string" ? { msg: typeOrMsg } : { type: typeOrMsg, includes, msg };
}

/** Throws an `AssertionError` unless `error` is what is expected. Without a class, anything is. */
export function checkError(error: unknown, { type, includes, msg }: Expected): void {
  if (!type) return;
  if (!(error instanceof Error)) refuse(`Thrown, but not an Error: ${show(error)}`, msg);
  if (!(error instanceof type)) refuse(`Thrown, but not a ${type.name}: ${show(error)}`, msg);
  if (includes && !error.message.includes(includes)) {
    refuse(`No "${includes}" in the error message "${error.message}"`, msg);
  }
}
