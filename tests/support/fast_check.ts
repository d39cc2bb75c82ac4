/**
 * fast-check, for the tests. It is named here and not in deno.json, as `deno compile` puts all that is
 * named there into the program.
 *
 * @module
 */

export { default } from "npm:fast-check@^4";
