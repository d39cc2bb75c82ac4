/**
 * Stand-in for the part of `@std/assert` that this project uses. Each `msg` is text to add to the
 * message of the error.
 *
 * @module
 */

import { strict } from "node:assert";
import { inspect, isDeepStrictEqual } from "node:util";
import { comparable } from "./_comparable.ts";

/** The error that every assertion of this package throws. */
export class AssertionError extends Error {
  /** Creates the error. */
  constructor(message: string) {
    super(message);
    this.name = "AssertionError";
  }
}

/** A class of errors. */
// deno-lint-ignore no-explicit-any -- only `any` lets classes with every kind of argument through
export type ErrorType<E extends Error = Error> = new (...args: any[]) => E;

/** Fails in any case, for a place that must not be reached. */
export function fail(msg?: string): never {
  failWith("Failed", msg);
}

/** Checks that a value is truthy. */
export function assert(expr: unknown, msg = ""): asserts expr {
  if (!expr) failWith("Not truthy", msg);
}

/** Checks that a value is neither `null` nor `undefined`. */
export function assertExists<T>(actual: T, msg?: string): asserts actual is NonNullable<T> {
  if (actual === undefined || actual === null) failWith(`Missing: ${actual}`, msg);
}

/** Checks that a value is an instance of a class. */
// deno-lint-ignore no-explicit-any -- only `any` lets classes with every kind of argument through
export function assertInstanceOf<T extends abstract new (...args: any[]) => any>(
  actual: unknown,
  expectedType: T,
  msg = "",
): asserts actual is InstanceType<T> {
  if (actual instanceof expectedType) return;
  failWith(`Not an instance of ${expectedType.name}: ${show(actual)}`, msg);
}

/** Returns whether the types and the contents of two values are the same. */
export function equal(a: unknown, b: unknown): boolean {
  return isDeepStrictEqual(comparable(a), comparable(b));
}

/** Checks that two values are {@linkcode equal}; else the message shows the lines that differ. */
export function assertEquals<T>(actual: T, expected: T, msg?: string): void {
  if (equal(actual, expected)) return;
  try {
    strict.deepEqual(actual, expected); // for its message, which shows the differing lines
  } catch (error) {
    const difference = (error as Error).message.replace(/^.*\n/, "");
    failWith(msg ? `Contents differ: ${msg}` : "Contents differ", difference);
  }
  // Node cannot see the difference, such as one behind a getter.
  failWith(`Contents differ: ${show(actual)} and ${show(expected)}`, msg);
}

/** Checks that two values are not {@linkcode equal}. */
export function assertNotEquals<T>(actual: T, expected: T, msg?: string): void {
  if (equal(actual, expected)) failWith(`Same content: ${show(actual)}`, msg);
}

/** Checks with `Object.is` that two values are the same one. */
export function assertStrictEquals<T>(
  actual: unknown,
  expected: T,
  msg?: string,
): asserts actual is T {
  if (Object.is(actual, expected)) return;
  failWith(`Not the same: ${show(actual)} and ${show(expected)}`, msg);
}

/** Checks that `actual > expected`. */
export function assertGreater<T>(actual: T, expected: T, msg?: string): void {
  if (!(actual > expected)) failWith(`Not so: ${show(actual)} > ${show(expected)}`, msg);
}

/** Checks that `actual >= expected`. */
export function assertGreaterOrEqual<T>(actual: T, expected: T, msg?: string): void {
  if (!(actual >= expected)) failWith(`Not so: ${show(actual)} >= ${show(expected)}`, msg);
}

/** Checks that `actual < expected`. */
export function assertLess<T>(actual: T, expected: T, msg?: string): void {
  if (!(actual < expected)) failWith(`Not so: ${show(actual)} < ${show(expected)}`, msg);
}

/** Checks that `actual <= expected`. */
export function assertLessOrEqual<T>(actual: T, expected: T, msg?: string): void {
  if (!(actual <= expected)) failWith(`Not so: ${show(actual)} <= ${show(expected)}`, msg);
}

/** Checks that a text matches a pattern. */
export function assertMatch(actual: string, expected: RegExp, msg?: string): void {
  if (!expected.test(actual)) failWith(`No match for ${expected} in "${actual}"`, msg);
}

/** Checks that a text contains another. */
export function assertStringIncludes(actual: string, expected: string, msg?: string): void {
  if (!actual.includes(expected)) failWith(`No "${expected}" in "${actual}"`, msg);
}

/** Checks that a function throws, and returns the thrown value. */
export function assertThrows(fn: () => unknown, msg?: string): unknown;
/**
 * Checks that a function throws an error of a class whose message includes `msgIncludes`, and
 * returns the error.
 */
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  ErrorClass: ErrorType<E>,
  msgIncludes?: string,
  msg?: string,
): E;
export function assertThrows(
  fn: () => unknown,
  typeOrMsg?: ErrorType | string,
  includes?: string,
  msg?: string,
): unknown {
  const expected = expectedFrom(typeOrMsg, includes, msg);
  try {
    fn();
  } catch (error) {
    checkError(error, expected);
    return error;
  }
  failWith("Nothing was thrown", expected.msg);
}

/** Checks that a function returns a promise that rejects, and returns the reason. */
export function assertRejects(fn: () => PromiseLike<unknown>, msg?: string): Promise<unknown>;
/**
 * Checks that a function returns a promise that rejects with an error of a class whose message
 * includes `msgIncludes`, and returns the error.
 */
export function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  ErrorClass: ErrorType<E>,
  msgIncludes?: string,
  msg?: string,
): Promise<E>;
export async function assertRejects(
  fn: () => PromiseLike<unknown>,
  typeOrMsg?: ErrorType | string,
  includes?: string,
  msg?: string,
): Promise<unknown> {
  const expected = expectedFrom(typeOrMsg, includes, msg);
  let promise: unknown;
  try {
    promise = fn();
  } catch {
    failWith("The function threw instead of returning a promise", expected.msg);
  }
  if (typeof (promise as PromiseLike<unknown> | undefined)?.then !== "function") {
    failWith("The function did not return a promise", expected.msg);
  }
  try {
    await promise;
  } catch (error) {
    checkError(error, expected);
    return error;
  }
  failWith("Nothing was rejected", expected.msg);
}

/** The error that a caller of `assertThrows` or `assertRejects` expects. */
interface ExpectedError {
  type?: ErrorType | undefined;
  includes?: string | undefined;
  msg?: string | undefined;
}

/** Reads the arguments after the function: either (msg) or (class, part of the message, msg). */
function expectedFrom(
  typeOrMsg?: ErrorType | string,
  includes?: string,
  msg?: string,
): ExpectedError {
  return typeof typeOrMsg === "string" ? { msg: typeOrMsg } : { type: typeOrMsg, includes, msg };
}

/** Throws unless `error` is the expected one. Without a class, any value is. */
function checkError(error: unknown, { type, includes, msg }: ExpectedError): void {
  if (!type) return;
  if (!(error instanceof Error)) failWith(`Thrown, but not an Error: ${show(error)}`, msg);
  if (!(error instanceof type)) failWith(`Thrown, but not a ${type.name}: ${show(error)}`, msg);
  if (includes && !error.message.includes(includes)) {
    failWith(`No "${includes}" in the error message "${error.message}"`, msg);
  }
}

function failWith(problem: string, msg?: string): never {
  throw new AssertionError(msg ? `${problem}: ${msg}` : problem);
}

function show(value: unknown): string {
  return inspect(value, { depth: 20, sorted: true });
}
