/**
 * Stand-in for the part of `@std/async` that this project uses.
 *
 * @module
 */
export * from "./deadline.ts";
export * from "./delay.ts";
