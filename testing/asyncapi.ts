/**
 * The parser of AsyncAPI's makers, for the tests; named here for the reason that
 * {@link file://./fast_check.ts} gives.
 *
 * @module
 */

export { Parser } from "npm:@asyncapi/parser@^3";
